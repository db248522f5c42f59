import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createSecrets } from '../../src/secrets.ts';
import { createUpstreamRequestStore } from '../../src/sign-in/upstream-request-store.ts';
import { engines } from '../support/databases.ts';
import { actor, makeUser, openStores, type Stores } from './open-stores.ts';

describe.each(engines)('accounts at other providers on %s', (engine) => {
  let stores: Stores;
  let userId: string;
  beforeEach(async () => {
    stores = await openStores(engine);
    userId = await makeUser(stores, 'ada@acme.test');
  });
  afterEach(() => stores.close());

  const identity = (subject: string) => ({
    issuer: 'https://login.example',
    subject,
    email: 'ada@acme.test',
    name: 'Ada',
  });
  const link = (subject: string, to = userId) =>
    stores.store.transact((trx) => stores.upstreamAccounts.link(trx, actor, to, identity(subject)));

  test('one account there opens one account here, whoever tries at the same time', async () => {
    const other = await makeUser(stores, 'grace@acme.test');
    const outcomes = await Promise.all([link('1'), link('1', other), link('1'), link('1', other)]);
    expect(outcomes.filter(({ outcome }) => outcome === 'linked')).toHaveLength(1);
    const found = await stores.upstreamAccounts.find(identity('1'));
    expect([userId, other]).toContain(found?.userId);
    expect(
      await stores.upstreamAccounts.find({ ...identity('1'), issuer: 'https://other.example' }),
    ).toBeUndefined();
  });

  test('of the last two ways in one stays, although both are unlinked at the same time', async () => {
    await link('1');
    await link('2');
    const accounts = await stores.upstreamAccounts.list(userId);
    const outcomes = await Promise.all(
      accounts.map(({ id }) => stores.upstreamAccounts.unlink(actor, userId, id)),
    );
    expect(outcomes.sort()).toEqual(['last_way', 'unlinked']);
    expect(await stores.upstreamAccounts.list(userId)).toHaveLength(1);
  });

  test('nobody unlinks somebody else’s', async () => {
    await link('1');
    const [account] = await stores.upstreamAccounts.list(userId);
    const other = await makeUser(stores, 'grace@acme.test');
    expect(await stores.upstreamAccounts.unlink(actor, other, account?.id ?? '')).toBe('not_found');
  });

  test('they go with the account', async () => {
    await link('1');
    await stores.users.remove(actor, userId);
    expect(await stores.upstreamAccounts.find(identity('1'))).toBeUndefined();
  });

  test('an answer is taken once by whichever node, also by one with a newer secret; another browser takes none', async () => {
    const request = {
      provider: 'acme',
      backTo: '/sign-in/upstream/acme/back',
      nonce: 'n',
      verifier: 'v',
      begunAt: 1,
      again: false,
    };
    await stores.upstreamRequests.open('state', 'browser', request);
    const node = createUpstreamRequestStore({
      ...stores,
      secrets: createSecrets('a newer secret for tests, long enough too', [
        'a secret for tests, long enough to be one',
      ]),
    });
    expect(await node.find('state')).toEqual(request);
    expect(await node.take('state', 'another browser')).toBeUndefined();
    expect(await node.take('another state', 'browser')).toBeUndefined();
    const taken = await Promise.all(
      [node, stores.upstreamRequests, node].map((one) => one.take('state', 'browser')),
    );
    expect(taken.filter((one) => one !== undefined)).toEqual([request]);
    await stores.upstreamRequests.open('late', 'browser', request);
    stores.clock.advance(901);
    expect(await node.take('late', 'browser')).toBeUndefined();
  });
});
