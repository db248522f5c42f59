/** What is added to an authorization for a while, in the database: beside the slice, against a version, on record, and over by itself. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { contentOf, type NewAddition } from '../../src/authorizations/authorization-editor.ts';
import { standingAuthorizations } from '../../src/authorizations/everyones.ts';
import { toGranted } from '../../src/authorizations/to-granted.ts';
import { createChangeFeed } from '../../src/changes/change-feed.ts';
import { mostAdditions } from '../../src/policy/additions.ts';
import { engines } from '../support/databases.ts';
import { actor, changeLog, makeUser, openStores, type Stores } from './open-stores.ts';

const hour = 3_600;

describe.each(engines)('additions on %s', (engine) => {
  let stores: Stores;
  let id: string;
  beforeEach(async () => {
    stores = await openStores(engine);
    const userId = await makeUser(stores, 'a@acme.test');
    const made = await stores.store.transact((trx) =>
      stores.authorizations.insert(trx, actor, {
        kind: 'api_key',
        userId,
        clientId: null,
        ...slice,
        asked: [],
        expiresAt: null,
      }),
    );
    id = made.id;
  });
  afterEach(() => stores.close());

  const slice = { capabilities: ['api'], projects: [{ id: 'prj_a', roles: ['rol_v'] }], mcpServers: [] };
  const more = {
    capabilities: ['flows:edit'],
    projects: [{ id: 'prj_b', roles: ['rol_e'] }],
    mcpServers: ['mcp_b'],
  };
  const find = async () => {
    const found = await stores.authorizations.find(id);
    if (!found) throw new Error('it is there');
    return found;
  };
  const add = async (change: Partial<NewAddition> = {}) => {
    const found = await find();
    const addition = { ...more, until: stores.clock.now() + hour, ...change };
    return stores.authorizationEditor.edit(actor, id, found.version, contentOf(found), undefined, addition);
  };
  const grantedNow = async () => toGranted(await find(), stores.clock.now()).capabilities;

  test('are granted until the second of their end, and nothing is written then', async () => {
    await add();
    const { version, additions, capabilities } = await find();
    expect({ version, capabilities }).toEqual({ version: 2, capabilities: ['api'] });
    expect(additions).toEqual([
      {
        ...more,
        id: expect.stringMatching(/^add_/),
        at: stores.clock.now(),
        until: stores.clock.now() + hour,
        by: 'command',
      },
    ]);
    stores.clock.advance(hour - 1);
    expect(await grantedNow()).toEqual(['api', 'flows:edit']);
    stores.clock.advance(1);
    expect(await grantedNow()).toEqual(['api']);
    expect((await find()).version).toBe(2);
    expect(await changeLog(stores)).toEqual([
      'user created',
      'authorization created',
      'authorization added_for_a_while',
    ]);
  });

  test('of two at once against one version, one is made', async () => {
    const found = await find();
    const addition = { ...more, until: stores.clock.now() + hour };
    const outcomes = await Promise.all(
      [1, 2].map(() =>
        stores.authorizationEditor.edit(actor, id, found.version, contentOf(found), undefined, addition),
      ),
    );
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['changed_meanwhile', 'done']);
    expect((await find()).additions).toHaveLength(1);
  });

  test('go on while the rest is edited, paused and resumed', async () => {
    await add();
    const found = await find();
    await stores.authorizationEditor.edit(actor, id, found.version, {
      ...contentOf(found),
      capabilities: ['mcp'],
    });
    expect(await grantedNow()).toEqual(['mcp', 'flows:edit']);
    await stores.authorizations.suspend(actor, id);
    await stores.authorizations.resume(actor, id);
    expect(await grantedNow()).toEqual(['mcp', 'flows:edit']);
  });

  test('end early one by one, once, and whatever else was changed meanwhile', async () => {
    await add();
    await add({ capabilities: ['mcp'], projects: [], mcpServers: [] });
    const [first, second] = (await find()).additions;
    const end = (addition: string) => stores.authorizationEditor.endAddition(actor, id, addition);
    const outcomes = await Promise.all([end(first?.id ?? ''), end(second?.id ?? '')]);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['done', 'done']);
    expect(await grantedNow()).toEqual(['api']);
    expect((await find()).version).toBe(5);
    expect(await end(first?.id ?? '')).toEqual({ outcome: 'not_found' });
    expect((await changeLog(stores)).slice(-2)).toEqual([
      'authorization addition_ended',
      'authorization addition_ended',
    ]);
  });

  test('that are over cannot be ended, and are swept up by the next one', async () => {
    await add();
    const [first] = (await find()).additions;
    stores.clock.advance(hour);
    const ended = await stores.authorizationEditor.endAddition(actor, id, first?.id ?? '');
    expect(ended).toEqual({ outcome: 'not_found' });
    await add();
    expect((await find()).additions).toHaveLength(1);
  });

  test('are no more than a few at once', async () => {
    for (let count = 0; count < mostAdditions; count++) expect((await add()).outcome).toBe('done');
    expect((await add()).outcome).toBe('too_many_additions');
    stores.clock.advance(hour);
    expect((await add()).outcome).toBe('done');
  });

  test('bring nothing back: not to what was revoked, nor to what has expired', async () => {
    const found = await find();
    const addition = { ...more, until: stores.clock.now() + hour };
    const content = { ...contentOf(found), expiresAt: stores.clock.now() + 60 };
    const { authorizationEditor: editor } = stores;
    expect((await editor.edit(actor, id, 1, content, undefined, addition)).outcome).toBe('done');
    stores.clock.advance(60);
    expect(toGranted(await find(), stores.clock.now()).standing).toBe('expired');
    expect((await add()).outcome).toBe('gone');
    await stores.authorizations.revoke(actor, id);
    const [first] = (await find()).additions;
    expect(await editor.endAddition(actor, id, first?.id ?? '')).toEqual({ outcome: 'not_found' });
  });

  test('are over when their owner chooses anew, and when a key gets another owner', async () => {
    await add();
    await stores.store.transact((trx) =>
      stores.authorizations.replaceChoice(trx, actor, id, { ...slice, asked: [], expiresAt: null }),
    );
    expect(await grantedNow()).toEqual(['api']);
    await add();
    const found = await find();
    const heir = await makeUser(stores, 'b@acme.test');
    await stores.authorizationEditor.move(actor, id, found.version, heir, contentOf(found));
    expect(await grantedNow()).toEqual(['api']);
    const log = await changeLog(stores);
    expect(log.filter((line) => line === 'authorization addition_ended')).toHaveLength(2);
  });

  test('count for what a change would cut, and for whom it concerns', async () => {
    await add();
    const query = { now: stores.clock.now(), limit: 10 };
    for (const touched of [
      { mentioned: ['prj_b'] },
      { mentioned: ['mcp_b'] },
      { carrying: ['flows:edit'] },
    ]) {
      expect(await standingAuthorizations(stores.store.db, touched, query)).toHaveLength(1);
    }
    const feed = createChangeFeed(stores);
    const seq = await feed.latest();
    const [first] = (await find()).additions;
    await stores.authorizationEditor.endAddition(actor, id, first?.id ?? '');
    const { authorizations } = await feed.since(seq);
    expect(authorizations.get(id)?.reaches.flatMap(({ mcpServers = [] }) => mcpServers)).toContain('mcp_b');
  });

  test('let what they pick be told as used', async () => {
    await add();
    const told = { authorizationId: id, capability: 'flows:edit', place: 'prj_b' };
    await stores.authorizationUses.record([told, { ...told, place: 'prj_c' }]);
    expect(await stores.authorizationUses.of(id)).toMatchObject([
      { capability: 'flows:edit', place: 'prj_b' },
    ]);
  });

  test('let the lifetime of a capability count from them, and bound the limits', async () => {
    await stores.store.transact((trx) =>
      stores.policies.replace(trx, actor, {
        longest: { oauth2: null, api_key: null },
        capabilities: new Map([['flows:edit', { longest: 2 * hour, approval: false }]]),
        clients: { permitted: 'any', hosts: new Map() },
      }),
    );
    stores.clock.advance(3 * hour);
    await add();
    const now = stores.clock.now();
    const limits = await stores.policyLimits.of(await find());
    expect([...limits.capabilities.keys()]).toEqual([]);
    expect(limits.until).toBe(now + hour);
    stores.clock.advance(hour);
    const after = await stores.policyLimits.of(await find());
    expect([...after.capabilities.keys()]).toEqual(['flows:edit']);
    expect(after.since).toBe(now + hour);
  });
});
