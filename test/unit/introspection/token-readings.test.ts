/** One reading of a token for all who ask at the same moment, and none that is older than what somebody's proof saw. */
import { expect, test } from '@jest/globals';
import { createChangeLedger } from '../../../src/changes/change-ledger.ts';
import type { FoundToken } from '../../../src/introspection/token.ts';
import { shareTokenReadings } from '../../../src/introspection/token-readings.ts';

type Found = FoundToken | undefined;

/** Readings that last until they are told to end, in the order in which they began. */
function open() {
  const ledger = createChangeLedger();
  const begun: PromiseWithResolvers<Found>[] = [];
  const read = shareTokenReadings(
    {
      find() {
        const reading = Promise.withResolvers<Found>();
        begun.push(reading);
        return reading.promise;
      },
    },
    ledger,
  );
  return { ledger, begun, read, change: () => ledger.note([{ subject: 'user', subject_id: 'usr_1' }]) };
}

const tokenOf = (authorizationId: string): FoundToken => ({
  authorizationId,
  clientId: 'tool',
  audience: 'https://api.test',
  ceiling: undefined,
  issuedAt: 1,
  expiresAt: 2,
  jkt: undefined,
});

test('those who ask about a token together share one reading, those about another do not', async () => {
  const { begun, read } = open();
  const [one, two, other] = [read('a'), read('a'), read('b')];
  expect(begun).toHaveLength(2);
  begun[0]?.resolve(tokenOf('az_a'));
  begun[1]?.resolve(tokenOf('az_b'));
  const found = await Promise.all([one.token, two.token, other.token]);
  expect(found.map((token) => token?.authorizationId)).toEqual(['az_a', 'az_a', 'az_b']);
  read('a');
  expect(begun).toHaveLength(3);
});

test('who knows of a later change reads on its own, and the next one shares that', async () => {
  const { begun, read, change } = open();
  const before = read('a');
  change();
  const after = read('a');
  expect(after.position).toBeGreaterThan(before.position);
  const next = read('a');
  expect(begun).toHaveLength(2);
  begun[0]?.resolve(tokenOf('az_before'));
  begun[1]?.resolve(tokenOf('az_after'));
  const found = await Promise.all([before.token, after.token, next.token]);
  expect(found.map((token) => token?.authorizationId)).toEqual(['az_before', 'az_after', 'az_after']);
});

test('a reading that found nothing is not shared: the token may have been issued since', async () => {
  const { begun, read } = open();
  const [early, later] = [read('a'), read('a')];
  begun[0]?.resolve(undefined);
  expect(await early.token).toBeUndefined();
  await Promise.resolve();
  expect(begun).toHaveLength(2);
  begun[1]?.resolve(tokenOf('az_issued'));
  expect((await later.token)?.authorizationId).toBe('az_issued');
});

test('a reading that fails fails for those who shared it, and for nobody after them', async () => {
  const { begun, read } = open();
  const [one, two] = [read('a'), read('a')];
  begun[0]?.reject(new Error('no database'));
  await expect(one.token).rejects.toThrow('no database');
  await expect(two.token).rejects.toThrow('no database');
  const again = read('a');
  begun[1]?.resolve(tokenOf('az_again'));
  expect((await again.token)?.authorizationId).toBe('az_again');
});

test('what is known at once is not waited for', () => {
  const token = tokenOf('az_a');
  const read = shareTokenReadings({ find: () => token }, createChangeLedger());
  expect(read('a').token).toBe(token);
});
