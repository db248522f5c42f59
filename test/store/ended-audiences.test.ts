import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { actor, makeProject, openStores, type Stores } from './open-stores.ts';

describe.each(engines)('a project that is deleted, on %s', (engine) => {
  let stores: Stores;
  beforeEach(async () => {
    stores = await openStores(engine);
  });
  afterEach(() => stores.close());

  test('changes the resource servers whose audiences go with its MCP servers: their next edit has to have seen it', async () => {
    const resource = 'http://localhost:4100/mcp/atlas';
    const api = 'http://localhost:4100/api';
    const projectId = await makeProject(stores, 'atlas');
    await stores.mcpServers.create(actor, { name: 'flows', projectId, resource });
    const gate = await stores.resourceServers.save(actor, { name: 'gate', audiences: [resource, api] });
    const other = await stores.resourceServers.save(actor, {
      name: 'other',
      audiences: ['http://localhost/x'],
    });
    if (gate.outcome !== 'done' || other.outcome !== 'done') throw new Error('not saved');
    await stores.projects.delete(actor, projectId);
    expect((await stores.resourceServers.findById(gate.server.id))?.version).toBe(gate.server.version + 1);
    expect((await stores.resourceServers.findById(other.server.id))?.version).toBe(other.server.version);
    const told = await stores.store.db
      .selectFrom('changes')
      .select(['subject_id', 'before', 'after'])
      .where('subject', '=', 'resource_server')
      .where('action', '=', 'updated')
      .execute();
    expect(told.map(({ subject_id: id }) => id)).toEqual([gate.server.id]);
    expect(JSON.parse(told[0]?.before ?? '')).toEqual({ audiences: [api, resource] });
    expect(JSON.parse(told[0]?.after ?? '')).toEqual({ name: 'gate', audiences: [api] });
  });
});
