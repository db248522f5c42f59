/** A letter that a node whose clock was months ahead has put off is not put off for months once the clock is right. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { openStores, type Stores } from './open-stores.ts';

const ahead = 100 * 86_400;
const letter = {
  kind: 'invitation',
  to: 'ada@acme.test',
  by: 'owner@acme.test',
  token: 'tok-en-1',
  until: 1_790_600_000,
} as const;

describe.each(engines)('on %s', (engine) => {
  let stores: Stores;
  beforeEach(async () => {
    stores = await openStores(engine);
  });
  afterEach(() => stores.close());

  test('it goes out, and its next try comes when it is due', async () => {
    const { store, outbox, clock } = stores;
    clock.advance(ahead);
    await store.transact((trx) => outbox.post(trx, letter));
    clock.advance(-ahead);
    expect(await outbox.claimDue(10)).toHaveLength(1);
    expect(await outbox.claimDue(10)).toEqual([]);
    clock.advance(120);
    expect(await outbox.claimDue(10)).toHaveLength(1);
  });
});
