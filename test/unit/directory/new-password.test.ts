import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { leakedPasswords } from '../../../src/directory/leaked-passwords.ts';
import { bytesEach, isListed } from '../../../src/directory/leaked-passwords-format.ts';
import { checkNewPassword } from '../../../src/directory/new-password.ts';
import { ownCpuMilliseconds } from '../../support/thread-time.ts';

const list = Buffer.from(leakedPasswords, 'base64');

describe('a new password', () => {
  test.each([
    ['seven77', 'too_short'],
    ['ööööööö', 'too_short'],
    ['x'.repeat(1_025), 'too_long'],
    ['ö'.repeat(513), 'too_long'],
  ])('%# is refused for its length', (password, problem) => {
    expect(checkNewPassword(password)).toBe(problem);
  });

  test.each([
    ['password', 'as it stands'],
    ['P@ssw0rd!', 'with letters that look alike'],
    ['Password2026!', 'with a year behind it'],
    ['1234567890', 'digits alone'],
    ['24.12.1987', 'a date'],
    ['qwertyuiop', 'a row of the keyboard'],
    ['1qaz2wsx', 'columns of the keyboard'],
    ['87654321', 'backwards'],
    ['aaaaaaaaaaaa', 'one letter'],
    ['abcabcabcabc', 'one piece again and again'],
    ['iloveyou123', 'a word and digits'],
    ['DragonMonkey1', 'two words'],
    ['Sommer2025', 'a season and a year'],
    ['l3tm31n!!', 'letters swapped for digits'],
    ['qwerty123456', 'two runs'],
  ])('%s is refused as common: %s', (password) => {
    expect(checkNewPassword(password)).toBe('common');
  });

  /** Of the lists that everybody knows; the shortest that can be kept at all have eight characters. */
  const wellKnown = `
    password 12345678 123456789 baseball football qwertyuiop 1234567890 superman 1qaz2wsx jennifer trustno1 sunshine iloveyou
    computer michelle starwars princess 11111111 corvette 1234qwer internet samantha q1w2e3r4t5 maverick whatever mercedes
    steelers qwer1234 hardcore q1w2e3r4 midnight victoria marlboro 1q2w3e4r danielle 12344321 jonathan passw0rd abcd1234
    metallic rush2112 creative ncc1701d drowssap semperfi cherokee 123qweasd wildcats fktrcfylh qweasdzxc`;
  test.each(wellKnown.trim().split(/\s+/))('%s is refused as one that everybody knows', (password) => {
    expect(checkNewPassword(password)).toBe('common');
    expect(checkNewPassword(password.toUpperCase())).toBe('common');
  });

  test('what nobody knows is not taken for one of them', () => {
    const refused = Array.from({ length: 20_000 }, () => randomBytes(9).toString('base64url')).filter(
      (password) => isListed(password, list),
    );
    expect(refused).toEqual([]);
  });

  test('the list is small, in order, and of what can be a password here', () => {
    expect(list.length).toBeLessThan(2 ** 20);
    expect(list.length / bytesEach).toBeGreaterThan(15_000);
    const entries = Array.from({ length: list.length / bytesEach }, (_, index) =>
      list.subarray(index * bytesEach, (index + 1) * bytesEach).toString('hex'),
    );
    expect(entries).toEqual(entries.toSorted());
  });

  test.each([
    ['Ada.Lovelace1', { email: 'ada.lovelace@acme.test' }],
    ['lovelace-1815', { name: 'Ada Lovelace' }],
    ['ada@acme.test', { email: 'ada@acme.test' }],
  ])('%s is refused because it names the account', (password, about) => {
    expect(checkNewPassword(password, about)).toBe('names_account');
  });

  test.each([
    'correct horse battery staple',
    'zQ7v-Lm2x',
    'quiet lantern harbour',
    'vier alte Pflaumen am Zaun',
    '日本語のパスワード',
    'x7#kP!2mRt',
  ])('%s is taken', (password) => {
    expect(checkNewPassword(password, { email: 'ada@acme.test', name: 'Ada' })).toBeUndefined();
  });

  test('the longest one is looked at in no time', () => {
    const long = `${'password'.repeat(127)}aaaaaaa`;
    const before = ownCpuMilliseconds();
    checkNewPassword(long);
    expect(ownCpuMilliseconds() - before).toBeLessThan(100);
  });
});
