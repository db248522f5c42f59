import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { actor, changeLog, makeProject, openStores, type Stores } from './open-stores.ts';

describe.each(engines)('clients on %s', (engine) => {
  let stores: Stores;
  beforeEach(async () => {
    stores = await openStores(engine);
  });
  afterEach(() => stores.close());

  const metadata = { redirect_uris: ['https://tool.test/cb'], client_name: 'Tool' };

  test('are kept with their metadata and recognised as unchanged', async () => {
    const saved = await stores.clients.saveRegistered(actor, {
      id: 'tool',
      metadata,
      secret: 'first secret',
    });
    expect(saved).toMatchObject({ outcome: 'done', changed: true });
    expect(await stores.clients.find('tool')).toMatchObject({
      id: 'tool',
      kind: 'registered',
      metadata,
      verified: true,
      disabled: false,
      serviceAccountId: null,
      version: 1,
    });
    const again = await stores.clients.saveRegistered(actor, {
      id: 'tool',
      metadata,
      secret: 'first secret',
    });
    expect(again).toMatchObject({ outcome: 'done', changed: false });
    expect(await changeLog(stores)).toEqual(['client created']);
  });

  test('keep their secret as a keyed hash, out of metadata and log', async () => {
    const told = { ...metadata, client_secret: 'the plain secret' };
    await stores.clients.saveDynamic(actor, { id: 'tool', metadata: told, secret: 'the plain secret' });
    const rows = await stores.store.db.selectFrom('clients').selectAll().execute();
    const log = await stores.store.db.selectFrom('changes').selectAll().execute();
    expect(JSON.stringify([rows, log])).not.toContain('the plain secret');
    const client = await stores.clients.find('tool');
    if (!client) throw new Error('no client');
    expect(stores.clients.matchesSecret(client, 'the plain secret')).toBe(true);
    expect(stores.clients.matchesSecret(client, 'another')).toBe(false);
    expect(stores.clients.matchesSecret({ secretHash: null }, '')).toBe(false);
  });

  test('change secret and metadata, each with a change of its own name', async () => {
    await stores.clients.saveRegistered(actor, { id: 'tool', metadata, secret: 'first secret' });
    await stores.clients.saveRegistered(actor, { id: 'tool', metadata: { ...metadata, client_name: 'New' } });
    await stores.clients.saveRegistered(actor, { id: 'tool', metadata, secret: 'second secret' });
    expect(await changeLog(stores)).toEqual(['client created', 'client updated', 'client secret_changed']);
    const client = await stores.clients.find('tool');
    expect(client && stores.clients.matchesSecret(client, 'second secret')).toBe(true);
    expect(client?.version).toBe(3);
  });

  test('cannot be taken over by another way of registering', async () => {
    await stores.clients.saveRegistered(actor, { id: 'tool', metadata });
    expect(await stores.clients.saveDynamic(actor, { id: 'tool', metadata: {} })).toEqual({
      outcome: 'other_kind',
      kind: 'registered',
    });
  });

  test('that are disabled stay so when they register again', async () => {
    await stores.clients.saveDynamic(actor, { id: 'tool', metadata });
    expect(await stores.clients.disable(actor, 'tool')).toEqual({ outcome: 'done', changed: true });
    await stores.clients.saveDynamic(actor, { id: 'tool', metadata: { ...metadata, client_name: 'Back' } });
    expect(await stores.clients.find('tool')).toMatchObject({ disabled: true, verified: false });
    expect(await stores.clients.verify(actor, 'tool')).toEqual({ outcome: 'done', changed: true });
    expect(await stores.clients.enable(actor, 'nobody')).toEqual({ outcome: 'not_found' });
  });

  test('are listed in pages and removed', async () => {
    for (const id of ['a', 'b', 'c']) await stores.clients.saveDynamic(actor, { id, metadata });
    const first = await stores.clients.list({ limit: 2 });
    const rest = await stores.clients.list({ limit: 2, after: 'b' });
    expect([...first, ...rest].map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    expect(await stores.clients.remove(actor, 'b')).toEqual({ outcome: 'done', changed: true });
    expect(await stores.clients.remove(actor, 'b')).toEqual({ outcome: 'not_found' });
    expect(await stores.clients.list({ kind: 'registered', limit: 5 })).toEqual([]);
  });

  describe('resource servers', () => {
    const api = 'http://localhost:4100/api';
    const mcp = 'http://localhost:4100/mcp/atlas';

    test('guard MCP servers where an audience is one, and APIs elsewhere', async () => {
      const projectId = await makeProject(stores, 'atlas');
      const made = await stores.mcpServers.create(actor, { name: 'flows', projectId, resource: mcp });
      if (made.outcome !== 'created') throw new Error(made.outcome);
      const saved = await stores.resourceServers.save(actor, {
        name: 'gate',
        audiences: [mcp, api],
        secret: 's',
      });
      if (saved.outcome !== 'done') throw new Error(saved.outcome);
      expect(await stores.resourceServers.guardedBy(saved.server.id)).toEqual({
        audiences: [api, mcp],
        mcpServers: [{ id: made.server.id, resource: mcp }],
        apiAudiences: [api],
      });
      expect(await stores.resourceServers.guardedBy('rs_nobody')).toEqual({
        audiences: [],
        mcpServers: [],
        apiAudiences: [],
      });
      expect(await stores.resourceServers.findByAudience(api)).toMatchObject({ name: 'gate' });
      expect(await stores.resourceServers.findByAudience('http://other')).toBeUndefined();
    });

    test('own an audience alone', async () => {
      await stores.resourceServers.save(actor, { name: 'one', audiences: [api] });
      const second = await stores.resourceServers.save(actor, { name: 'two', audiences: [mcp, api] });
      expect(second).toEqual({ outcome: 'audience_taken', audience: api });
      expect(await stores.resourceServers.find('two')).toBeUndefined();
    });

    test('are recognised as unchanged, and lose the audiences that are no longer given', async () => {
      const content = { name: 'one', audiences: [mcp, api], secret: 'a secret' };
      await stores.resourceServers.save(actor, content);
      const again = await stores.resourceServers.save(actor, { ...content, audiences: [api, mcp] });
      expect(again).toMatchObject({ outcome: 'done', changed: false, server: { version: 1 } });
      await stores.resourceServers.save(actor, { name: 'one', audiences: [api] });
      expect(await stores.resourceServers.audiences()).toEqual([api]);
      const server = await stores.resourceServers.find('one');
      expect(server && stores.resourceServers.matchesSecret(server, 'a secret')).toBe(true);
      expect(await changeLog(stores)).toEqual(['resource_server created', 'resource_server updated']);
    });

    test('are disabled and enabled', async () => {
      const saved = await stores.resourceServers.save(actor, { name: 'one', audiences: [api] });
      if (saved.outcome !== 'done') throw new Error(saved.outcome);
      expect(await stores.resourceServers.disable(actor, saved.server.id)).toEqual({
        outcome: 'done',
        changed: true,
      });
      expect(await stores.resourceServers.findById(saved.server.id)).toMatchObject({
        disabled: true,
        secretHash: null,
      });
      expect(await stores.resourceServers.enable(actor, saved.server.id)).toEqual({
        outcome: 'done',
        changed: true,
      });
    });
  });
});
