import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { actor, changeLog, makeProject, makeRole, makeUser, openStores, type Stores } from './open-stores.ts';

describe.each(engines)('the directory on %s', (engine) => {
  let stores: Stores;
  beforeEach(async () => {
    stores = await openStores(engine);
  });
  afterEach(() => stores.close());

  describe('live access', () => {
    test('knows nobody that does not exist', async () => {
      expect(await stores.liveAccess.read('usr_nobody')).toBeUndefined();
    });

    test('gives a user without assignments no right at all', async () => {
      const id = await makeUser(stores, 'new@acme.test');
      const access = await stores.liveAccess.read(id);
      expect(access).toEqual({
        user: { id, kind: 'person', email: 'new@acme.test', name: 'new@acme.test' },
        version: 1,
        live: { status: 'active', organization: new Set(), projects: new Map() },
        assigned: { organization: [], projects: new Map() },
      });
    });

    test('unites the roles of each place and keeps the places apart', async () => {
      const user = await makeUser(stores, 'a@acme.test');
      const viewer = await makeRole(stores, 'v', 'api', 'mcp');
      const editor = await makeRole(stores, 'e', 'flows:edit', 'mcp');
      const [atlas, borealis] = [await makeProject(stores, 'atlas'), await makeProject(stores, 'borealis')];
      for (const [roleId, projectId] of [
        [viewer, null],
        [viewer, atlas],
        [editor, atlas],
        [editor, borealis],
      ] as const) {
        await stores.users.assign(actor, { userId: user, roleId, projectId });
      }
      const access = await stores.liveAccess.read(user);
      expect(access?.live.organization).toEqual(new Set(['api', 'mcp']));
      expect(access?.live.projects).toEqual(
        new Map([
          [atlas, new Set(['api', 'mcp', 'flows:edit'])],
          [borealis, new Set(['flows:edit', 'mcp'])],
        ]),
      );
      expect(access?.assigned.organization).toEqual([viewer]);
      expect(new Set(access?.assigned.projects.get(atlas))).toEqual(new Set([viewer, editor]));
    });

    test('counts management permissions in assignments on the organization alone', async () => {
      const user = await makeUser(stores, 'a@acme.test');
      const keeper = await makeRole(stores, 'keeper', 'api', 'users.manage');
      const atlas = await makeProject(stores, 'atlas');
      await stores.users.assign(actor, { userId: user, roleId: keeper, projectId: atlas });
      expect((await stores.liveAccess.read(user))?.live.projects.get(atlas)).toEqual(new Set(['api']));
      await stores.users.assign(actor, { userId: user, roleId: keeper, projectId: null });
      expect((await stores.liveAccess.read(user))?.live.organization).toEqual(
        new Set(['api', 'users.manage']),
      );
    });

    test('moves its version with every change that can alter a right', async () => {
      const user = await makeUser(stores, 'a@acme.test');
      const role = await makeRole(stores, 'r', 'api');
      const atlas = await makeProject(stores, 'atlas');
      const seen = [await version()];
      const change = async (made: Promise<unknown>) => {
        await made;
        seen.push(await version());
      };
      await change(stores.users.assign(actor, { userId: user, roleId: role, projectId: atlas }));
      await change(stores.roles.update(actor, role, { permissions: ['api', 'mcp'] }));
      await change(stores.users.suspend(actor, user));
      await change(stores.users.resume(actor, user));
      await change(stores.projects.delete(actor, atlas));
      await change(stores.users.assign(actor, { userId: user, roleId: role, projectId: null }));
      await change(stores.users.unassign(actor, { userId: user, roleId: role, projectId: null }));
      expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));

      async function version() {
        return (await stores.liveAccess.read(user))?.version ?? 0;
      }
    });

    test('is read inside a transaction with that transaction’s own changes', async () => {
      const user = await makeUser(stores, 'a@acme.test');
      const role = await makeRole(stores, 'r', 'api');
      const held = await stores.store.transact(async (trx) => {
        await stores.users.within(trx).assign(actor, { userId: user, roleId: role, projectId: null });
        return (await stores.liveAccess.read(user, trx))?.live.organization;
      });
      expect(held).toEqual(new Set(['api']));
    });
  });

  describe('users', () => {
    test('are found by any spelling of their address that folds to the same key', async () => {
      const id = await makeUser(stores, 'Ada@Acme.test');
      for (const spelling of ['ada@acme.test', '  ADA@ACME.TEST ', 'Ａda@acme.test']) {
        expect(await stores.users.findByEmail(spelling)).toMatchObject({
          id,
          email: 'Ada@Acme.test',
          passwordHash: null,
        });
      }
      expect(await stores.users.findByEmail('ad%@acme.test')).toBeUndefined();
    });

    test('have an address of their own', async () => {
      await makeUser(stores, 'ada@acme.test');
      const second = { kind: 'person', email: 'ADA@acme.test', name: 'Ada' } as const;
      expect(await stores.users.create(actor, second)).toEqual({ outcome: 'email_taken' });
      const other = await makeUser(stores, 'bo@acme.test');
      expect(await stores.users.update(actor, other, { email: 'Ada@acme.test' })).toEqual({
        outcome: 'email_taken',
      });
    });

    test('are listed in pages, searched literally in address and name', async () => {
      const names = ['Ada 100%', 'Bo', 'Cy'];
      for (const name of names) {
        await stores.users.create(actor, { kind: 'person', email: `${name[0]}@acme.test`, name });
      }
      await stores.users.create(actor, { kind: 'service_account', email: 'ci@acme.test', name: 'CI' });
      const all = await stores.users.list({ limit: 10 });
      expect(all).toHaveLength(4);
      const first = await stores.users.list({ limit: 3 });
      const rest = await stores.users.list({ limit: 3, after: first.at(-1)?.id ?? '' });
      expect([...first, ...rest]).toEqual(all);
      const found = async (search: string) =>
        (await stores.users.list({ search, limit: 10 })).map(({ name }) => name);
      expect(await found('aDa')).toEqual(['Ada 100%']);
      expect(await found('0%')).toEqual(['Ada 100%']);
      expect(await found('b_')).toEqual([]);
      expect(
        (await stores.users.list({ kind: 'service_account', limit: 10 })).map(({ name }) => name),
      ).toEqual(['CI']);
    });

    test('are suspended and resumed once, with one row in the log each', async () => {
      const id = await makeUser(stores, 'a@acme.test');
      expect(await stores.users.suspend(actor, id)).toEqual({ outcome: 'done', changed: true });
      expect(await stores.users.suspend(actor, id)).toEqual({ outcome: 'done', changed: false });
      expect((await stores.liveAccess.read(id))?.live.status).toBe('suspended');
      expect(await stores.users.resume(actor, id)).toEqual({ outcome: 'done', changed: true });
      expect(await stores.users.suspend(actor, 'usr_nobody')).toEqual({ outcome: 'not_found' });
      expect(await changeLog(stores)).toEqual(['user created', 'user suspended', 'user resumed']);
    });
  });

  describe('assignments', () => {
    test('are given and taken once', async () => {
      const userId = await makeUser(stores, 'a@acme.test');
      const roleId = await makeRole(stores, 'r', 'api');
      for (const projectId of [null, await makeProject(stores, 'atlas')]) {
        const assignment = { userId, roleId, projectId };
        expect(await stores.users.assign(actor, assignment)).toEqual({ outcome: 'done', changed: true });
        expect(await stores.users.assign(actor, assignment)).toEqual({ outcome: 'done', changed: false });
        expect(await stores.users.assignmentsOf(userId)).toEqual([assignment]);
        expect(await stores.users.unassign(actor, assignment)).toEqual({ outcome: 'done', changed: true });
        expect(await stores.users.unassign(actor, assignment)).toEqual({ outcome: 'done', changed: false });
      }
    });

    test('name what is missing', async () => {
      const userId = await makeUser(stores, 'a@acme.test');
      const roleId = await makeRole(stores, 'r', 'api');
      const given = { userId, roleId, projectId: null };
      const assign = (change: object) => stores.users.assign(actor, { ...given, ...change });
      expect(await assign({ userId: 'usr_x' })).toEqual({ outcome: 'not_found', missing: 'user' });
      expect(await assign({ roleId: 'rol_x' })).toEqual({ outcome: 'not_found', missing: 'role' });
      expect(await assign({ projectId: 'prj_x' })).toEqual({ outcome: 'not_found', missing: 'project' });
    });
  });

  describe('the last Owner', () => {
    const ownerships = async (...emails: string[]) => {
      const saved = await stores.roles.saveBuiltIn(actor, {
        slug: 'owner',
        name: 'Owner',
        permissions: ['api'],
      });
      const owners = [];
      for (const email of emails) {
        const userId = await makeUser(stores, email);
        const assignment = { userId, roleId: saved.role.id, projectId: null };
        await stores.users.assign(actor, assignment);
        owners.push(assignment);
      }
      return owners;
    };

    test('can neither be suspended nor lose the role', async () => {
      const [owner] = await ownerships('o@acme.test');
      if (!owner) throw new Error('no owner');
      expect(await stores.users.suspend(actor, owner.userId)).toEqual({ outcome: 'last_owner' });
      expect(await stores.users.unassign(actor, owner)).toEqual({ outcome: 'last_owner' });
    });

    test('is not replaced by a suspended Owner, a service account or an Owner of a project', async () => {
      const [owner, other] = await ownerships('o@acme.test', 'p@acme.test');
      if (!owner || !other) throw new Error('no owners');
      await stores.users.suspend(actor, other.userId);
      const robot = await stores.users.create(actor, {
        kind: 'service_account',
        email: 'ci@acme.test',
        name: 'CI',
      });
      if (robot.outcome !== 'created') throw new Error(robot.outcome);
      await stores.users.assign(actor, { ...owner, userId: robot.user.id });
      const third = await makeUser(stores, 'q@acme.test');
      await stores.users.assign(actor, {
        ...owner,
        userId: third,
        projectId: await makeProject(stores, 'atlas'),
      });
      expect(await stores.users.suspend(actor, owner.userId)).toEqual({ outcome: 'last_owner' });
    });

    test('stays when both of two Owners are taken away at once', async () => {
      const [one, two] = await ownerships('o@acme.test', 'p@acme.test');
      if (!one || !two) throw new Error('no owners');
      const outcomes = await Promise.all([
        stores.users.suspend(actor, one.userId),
        stores.users.unassign(actor, two),
      ]);
      expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['done', 'last_owner']);
    });
  });

  describe('roles', () => {
    test('reach whoever holds them when they change', async () => {
      const userId = await makeUser(stores, 'a@acme.test');
      const roleId = await makeRole(stores, 'r', 'api');
      await stores.users.assign(actor, { userId, roleId, projectId: null });
      expect(await stores.roles.update(actor, roleId, { permissions: ['mcp'] })).toEqual({
        outcome: 'done',
        changed: true,
      });
      expect(await stores.roles.update(actor, roleId, { permissions: ['mcp', 'mcp'] })).toEqual({
        outcome: 'done',
        changed: false,
      });
      expect((await stores.liveAccess.read(userId))?.live.organization).toEqual(new Set(['mcp']));
    });

    test('that are built in change with Mandate alone', async () => {
      const { role } = await stores.roles.saveBuiltIn(actor, {
        slug: 'member',
        name: 'Member',
        permissions: ['api'],
      });
      expect(await stores.roles.update(actor, role.id, { permissions: [] })).toEqual({ outcome: 'built_in' });
      expect(await stores.roles.delete(actor, role.id)).toEqual({ outcome: 'built_in' });
      const again = { slug: 'member', name: 'Member', permissions: ['api'] };
      expect(await stores.roles.saveBuiltIn(actor, again)).toMatchObject({ changed: false });
    });

    test('are deleted only when nobody holds them', async () => {
      const userId = await makeUser(stores, 'a@acme.test');
      const roleId = await makeRole(stores, 'r', 'api');
      await stores.users.assign(actor, { userId, roleId, projectId: null });
      expect(await stores.roles.delete(actor, roleId)).toEqual({ outcome: 'in_use', assignments: 1 });
      await stores.users.unassign(actor, { userId, roleId, projectId: null });
      expect(await stores.roles.delete(actor, roleId)).toEqual({ outcome: 'done' });
      expect(await stores.roles.findBySlug('r')).toBeUndefined();
    });

    test('have a slug of their own', async () => {
      await makeRole(stores, 'r');
      expect(await stores.roles.create(actor, { slug: 'r', name: 'R', permissions: [] })).toEqual({
        outcome: 'slug_taken',
      });
    });
  });

  describe('projects and MCP servers', () => {
    const resource = 'http://localhost:4100/mcp/atlas';

    test('go together, and a project made anew has another id', async () => {
      const projectId = await makeProject(stores, 'atlas');
      const made = await stores.mcpServers.create(actor, { name: 'flows', projectId, resource });
      expect(made.outcome).toBe('created');
      await stores.resourceServers.save(actor, {
        name: 'gate',
        audiences: [resource, 'http://localhost:4100/api'],
      });
      expect(await stores.projects.delete(actor, projectId)).toEqual({ outcome: 'done' });
      expect(await stores.mcpServers.findByResource(resource)).toBeUndefined();
      expect(await stores.users.assignmentsOn(projectId)).toEqual([]);
      // An audience whose server is gone would otherwise pass for an API.
      expect(await stores.resourceServers.audiences()).toEqual(['http://localhost:4100/api']);
      expect(await makeProject(stores, 'atlas')).not.toBe(projectId);
    });

    test('refuse a name, a resource or a slug that is taken', async () => {
      const projectId = await makeProject(stores, 'atlas');
      const other = await makeProject(stores, 'borealis');
      const server = { name: 'flows', projectId, resource };
      await stores.mcpServers.create(actor, server);
      expect(await stores.mcpServers.create(actor, server)).toEqual({ outcome: 'name_taken' });
      expect(await stores.mcpServers.create(actor, { ...server, name: 'x' })).toEqual({
        outcome: 'resource_taken',
      });
      expect(await stores.mcpServers.create(actor, { ...server, projectId: 'prj_x' })).toEqual({
        outcome: 'project_not_found',
      });
      expect(await stores.projects.create(actor, { slug: 'atlas', name: 'A' })).toEqual({
        outcome: 'slug_taken',
      });
      expect(await stores.projects.rename(actor, other, { slug: 'atlas' })).toEqual({
        outcome: 'slug_taken',
      });
    });

    test('are switched off and on', async () => {
      const projectId = await makeProject(stores, 'atlas');
      const made = await stores.mcpServers.create(actor, { name: 'flows', projectId, resource });
      if (made.outcome !== 'created') throw new Error(made.outcome);
      expect(await stores.mcpServers.disable(actor, made.server.id)).toEqual({
        outcome: 'done',
        changed: true,
      });
      expect(await stores.mcpServers.disable(actor, made.server.id)).toEqual({
        outcome: 'done',
        changed: false,
      });
      expect((await stores.mcpServers.find(made.server.id))?.enabled).toBe(false);
      expect(await stores.mcpServers.enable(actor, made.server.id)).toEqual({
        outcome: 'done',
        changed: true,
      });
    });
  });

  describe('the world', () => {
    test('has what was mentioned, the projects of the servers, and every role', async () => {
      const role = await makeRole(stores, 'r', 'api');
      const atlas = await makeProject(stores, 'atlas');
      const borealis = await makeProject(stores, 'borealis');
      await makeProject(stores, 'cygnus');
      const server = { name: 'flows', projectId: atlas, resource: 'http://localhost/mcp' };
      const made = await stores.mcpServers.create(actor, server);
      if (made.outcome !== 'created') throw new Error(made.outcome);
      const world = await stores.worldSource.of({
        projects: [borealis, 'prj_gone'],
        mcpServers: [made.server.id, 'mcp_gone'],
      });
      expect([...world.projects.keys()].sort()).toEqual([atlas, borealis].sort());
      expect([...world.mcpServers]).toEqual([
        [made.server.id, { name: 'flows', project: atlas, resource: 'http://localhost/mcp', enabled: true }],
      ]);
      expect(world.roles.get(role)).toEqual({ slug: 'r', name: 'r', permissions: new Set(['api']) });
      const nothing = await stores.worldSource.of({ projects: [], mcpServers: [] });
      expect([nothing.projects.size, nothing.mcpServers.size, nothing.roles.size]).toEqual([0, 0, 1]);
      const whole = await stores.worldSource.whole();
      expect([whole.projects.size, whole.mcpServers.size]).toEqual([3, 1]);
      expect(whole.catalogue).toBe(stores.catalogue);
    });
  });

  test('numbers changes without a gap, also when they are made at once', async () => {
    await Promise.all(Array.from({ length: 12 }, (_, n) => makeUser(stores, `user-${n}@acme.test`)));
    const rows = await stores.store.db.selectFrom('changes').select('seq').orderBy('seq').execute();
    expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: 12 }, (_, n) => n + 1));
    const counter = await stores.store.db.selectFrom('change_counter').select('n').executeTakeFirstOrThrow();
    expect(counter.n).toBe(12);
  });

  test('leaves neither change nor number when a transaction fails', async () => {
    const failing = stores.store.transact(async (trx) => {
      await stores.users.within(trx).create(actor, { kind: 'person', email: 'a@acme.test', name: 'A' });
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await stores.users.findByEmail('a@acme.test')).toBeUndefined();
    expect(await changeLog(stores)).toEqual([]);
  });
});
