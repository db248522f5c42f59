import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { createPasswords, longestPassword } from '../../../src/directory/passwords.ts';
import { failureOf } from '../../../src/http/failures.ts';

describe('passwords', () => {
  const passwords = createPasswords({ atOnce: 2 });

  test('are hashed with argon2id under a salt of their own', async () => {
    const [one, two] = await Promise.all([passwords.hash('correct horse'), passwords.hash('correct horse')]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(one).not.toBe(two);
    expect(await passwords.verify(one, 'correct horse')).toBe(true);
    expect(await passwords.verify(one, 'correct horse ')).toBe(false);
  });

  test('belong to nobody where there is no hash', async () => {
    expect(await passwords.verify(null, 'nobody has this password')).toBe(false);
    expect(await passwords.verify(undefined, '')).toBe(false);
  });

  test('LG-08: are the same however a keyboard composes them', async () => {
    const composed = await passwords.hash('Zo\u00eb');
    expect(await passwords.verify(composed, 'Zoe\u0308')).toBe(true);
  });

  test('LG-08: count to their last byte and not beyond the longest', async () => {
    const long = 'x'.repeat(longestPassword);
    const hash = await passwords.hash(long);
    expect(await passwords.verify(hash, long)).toBe(true);
    expect(await passwords.verify(hash, `${long.slice(1)}y`)).toBe(false);
    expect(await passwords.verify(hash, `${long}x`)).toBe(false);
    await expect(passwords.hash(`${long}x`)).rejects.toThrow(RangeError);
  });

  test('wait for their turn and all get it', async () => {
    const hash = await passwords.hash('a password');
    const answers = await Promise.all(
      Array.from({ length: 7 }, (_, n) => passwords.verify(hash, n ? 'no' : 'a password')),
    );
    expect(answers).toEqual([true, false, false, false, false, false, false]);
  });

  test('are not kept waiting without an end: who comes when too many wait is told so', async () => {
    const few = createPasswords({ atOnce: 1, mostWaiting: 2 });
    const asked = await Promise.allSettled(Array.from({ length: 5 }, () => few.hash('a password')));
    expect(asked.map(({ status }) => status)).toEqual([
      ...['fulfilled', 'fulfilled', 'fulfilled'],
      ...['rejected', 'rejected'],
    ]);
    const [, , , refused] = asked;
    expect(refused).toMatchObject({ reason: { name: 'BusyError' } });
    expect(failureOf((refused as PromiseRejectedResult).reason)).toEqual({ kind: 'busy' });
    expect(await few.verify(await few.hash('a password'), 'a password')).toBe(true);
  });

  test('a hash that cannot be read is an error of its own, and the next one is answered', async () => {
    await expect(passwords.verify('$argon2id$nonsense', 'a password')).rejects.toThrow();
    expect(await passwords.verify(await passwords.hash('a password'), 'a password')).toBe(true);
  });

  (process.platform === 'linux' ? test : test.skip)(
    'are hashed behind whoever answers requests: the threads are less important than the process',
    async () => {
      await passwords.hash('a password');
      expect(niceOf(process.pid)).toBeLessThan(10);
      const others = readdirSync('/proc/self/task').map((id) => niceOf(Number(id)));
      expect(others.filter((nice) => nice === 10).length).toBeGreaterThan(0);
    },
  );
});

/** Field 19 of proc(5)'s stat: how little a thread matters. */
const niceOf = (thread: number): number =>
  Number(readFileSync(`/proc/self/task/${thread}/stat`, 'utf8').split(') ')[1]?.split(' ')[16]);
