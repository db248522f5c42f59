/** What the product was asked for, row by row, through each door: page, API, command line. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createPlatform, type Platform } from '../../examples/platform/platform.ts';
import {
  apiDoor,
  commandDoor,
  type Door,
  namesOf,
  type Outcome,
  pageDoor,
} from '../support/administration-doors.ts';
import { freePort } from '../support/free-port.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { introspect } from '../support/oauth.ts';
import { codeFlow } from '../support/oauth-requests.ts';

const actor = { id: 'command' };
const story = 120_000;

describe.each([
  ['page', pageDoor],
  ['API', apiDoor],
  ['command line', commandDoor],
] as const)('by %s', (through, openDoor) => {
  let mandate: TestMandate;
  let platform: Platform;
  let origin: string;
  let door: Door;
  let names: ReturnType<typeof namesOf>;

  beforeAll(async () => {
    const port = await freePort();
    origin = `http://localhost:${port}`;
    mandate = await startMandate({ platformOrigin: origin });
    platform = createPlatform({
      port,
      origin,
      issuer: mandate.issuer,
      apiSecret: demo.apiServer.secret,
      mcpSecret: demo.mcpServer.secret,
      webSecret: demo.web.secret,
    });
    await platform.start();
    door = openDoor(mandate);
    names = namesOf(mandate);
    // Off for everybody but Owner and Admin: whoever shall use the command line on what is theirs is given it.
    await give('terminal', ['mandate:admin'], ['editor', 'viewer', 'analyst']);
  });
  afterAll(async () => {
    await platform.stop();
    await mandate.stop();
  });

  /** Sets the scene: makes a role and gives it on the organization. */
  async function give(slug: string, permissions: readonly string[], to: readonly string[]): Promise<void> {
    const role = await mandate.stores.roles.create(actor, {
      slug,
      name: slug,
      permissions: [...permissions],
    });
    if (role.outcome !== 'created') throw new Error(role.outcome);
    for (const who of to) {
      await mandate.stores.users.assign(actor, {
        userId: await names.user(who),
        roleId: role.role.id,
        projectId: null,
      });
    }
  }
  const done = (outcome: Outcome) => {
    if (outcome.refused !== undefined) throw new Error(`refused: ${outcome.refused.slice(0, 600)}`);
    return outcome;
  };
  const refusal = (outcome: Outcome) => outcome.refused ?? 'done';
  const call = async (key: string, path: string, body?: object) =>
    (
      await fetch(`${origin}/api${path}`, {
        method: body ? 'POST' : 'GET',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      })
    ).status;
  const api = { capabilities: ['api'] };

  test(
    'own keys for Admin, Editor and Viewer',
    async () => {
      for (const who of ['admin', 'editor', 'viewer']) {
        const { secret } = done(await door.makeKey(who, `own of ${who}`, api));
        expect(await call(secret, '/projects')).toBe(200);
        expect(await introspect(mandate.issuer, secret)).toMatchObject({
          username: `${who}@acme.test`,
          scope: 'api',
        });
      }
    },
    story,
  );

  test(
    'admin creates for others',
    async () => {
      const { secret } = done(
        await door.makeKey(
          'admin',
          'for another',
          { ...api, capabilities: ['api', 'flows:edit'], projects: { atlas: 'editor' } },
          'editor',
        ),
      );
      expect(await introspect(mandate.issuer, secret)).toMatchObject({
        username: 'editor@acme.test',
        scope: 'api flows:edit',
      });
      expect(refusal(await door.makeKey('editor', 'for another', api, 'viewer'))).toContain(
        'api-keys.manage',
      );
    },
    story,
  );

  test(
    'admin sees all, others their own',
    async () => {
      done(await door.makeKey('viewer', 'the viewer has this', api));
      expect(await door.keysSeenBy('admin')).toContain('the viewer has this');
      expect(await door.keysSeenBy('viewer')).toContain('the viewer has this');
      expect(await door.keysSeenBy('editor')).not.toContain('the viewer has this');
    },
    story,
  );

  test(
    'custom role off by default and switched on',
    async () => {
      expect(refusal(await door.makeKey('analyst', 'mine', api))).toContain('api-keys.create');
      done(await door.setRole('admin', 'analyst', ['api', 'api-keys.create']));
      const { secret } = done(await door.makeKey('analyst', 'mine', api));
      expect(await call(secret, '/projects')).toBe(200);
      done(await door.setRole('admin', 'analyst', ['api']));
      expect(refusal(await door.makeKey('analyst', 'mine', api))).toContain('api-keys.create');
    },
    story,
  );

  test(
    'reads A, edits B, nothing on C',
    async () => {
      const { secret } = done(
        await door.makeKey('editor', 'one of each', {
          capabilities: ['api', 'flows:edit'],
          projects: { borealis: 'viewer', atlas: 'editor' },
        }),
      );
      expect(await call(secret, '/projects/borealis/flows')).toBe(200);
      expect(await call(secret, '/projects/borealis/flows', { name: 'x' })).toBe(403);
      expect(await call(secret, '/projects/atlas/flows', { name: 'x' })).toBe(201);
      expect(await call(secret, '/projects/cygnus/flows')).toBe(403);
    },
    story,
  );

  test(
    'one or many roles per key',
    async () => {
      const one = done(await door.makeKey('editor', 'one role', { roles: ['member'] }));
      expect((await introspect(mandate.issuer, one.secret)).scope).toBe('api apps:view');
      await give('writer', ['flows:edit'], []);
      const many = done(
        await door.makeKey('editor', 'many roles', {
          roles: ['member', 'writer'],
          projects: { atlas: 'editor' },
        }),
      );
      expect((await introspect(mandate.issuer, many.secret)).scope).toBe('api apps:view flows:edit');
      done(await door.setRole('admin', 'writer', ['endpoints:access']));
      expect((await introspect(mandate.issuer, many.secret)).scope).toBe('api apps:view endpoints:access');
    },
    story,
  );

  test(
    'role created in place',
    async () => {
      const { secret } = done(await door.makeRoleWithKey('admin', 'reader', ['api', 'apps:view']));
      expect((await introspect(mandate.issuer, secret)).scope).toBe('api apps:view');
      expect(refusal(await door.makeRoleWithKey('editor', 'another', ['api']))).toContain(
        through === 'page' ? 'no way to create a role' : 'roles.create',
      );
    },
    story,
  );

  test(
    'needs roles.create, service-accounts.create, service-accounts.update',
    async () => {
      expect(refusal(await door.makeRole('viewer', 'none', ['api']))).toContain('roles.create');
      expect(refusal(await door.makeServiceAccount('viewer', 'robot-none', 'member'))).toContain(
        'service-accounts.create',
      );
      const foreign = done(await door.makeKey('admin', 'of ci', api, 'ci'));
      expect(refusal(await door.pause('viewer', foreign.id, 'suspend'))).not.toBe('done');
      expect(await call(foreign.secret, '/projects')).toBe(200);
      await give(
        'keeper',
        ['roles.create', 'service-accounts.create', 'service-accounts.update'],
        ['viewer'],
      );
      done(await door.makeRole('viewer', 'theirs', ['api']));
      done(await door.makeServiceAccount('viewer', 'robot-theirs', 'member'));
      const { secret, id } = done(await door.makeKey('viewer', 'for the robot', api, 'robot-theirs'));
      expect(await introspect(mandate.issuer, secret)).toMatchObject({ username: 'robot-theirs@acme.test' });
      done(await door.pause('viewer', id, 'suspend'));
      expect(await introspect(mandate.issuer, secret)).toEqual({ active: false });
      done(await door.pause('viewer', foreign.id, 'suspend'));
      expect(await call(foreign.secret, '/projects')).toBe(401);
    },
    story,
  );

  test(
    'Access tab with "Manage API keys" and what may be delegated',
    async () => {
      const before = await door.access('admin', 'editor');
      const keeps = through === 'page' ? /Manage API keys[^.]*?held/ : /api-keys\.manage/;
      if (through === 'page') expect(before).toContain('Manage API keys');
      else expect(before).not.toMatch(keeps);
      expect(before).toContain('flows:edit');
      await give('key-manager', ['api-keys.manage'], []);
      const given = await door.assign('admin', 'editor', 'key-manager');
      if (through === 'command line') {
        // With a token nobody is given a right to run Mandate; whoever may read the server's files does it there.
        expect(refusal(given)).toContain('A token cannot do this');
        await mandate.stores.users.assign(actor, {
          userId: await names.user('editor'),
          roleId: await names.role('key-manager'),
          projectId: null,
        });
      } else done(given);
      expect(await door.access('admin', 'editor')).toMatch(keeps);
      expect(await door.keysSeenBy('editor')).toContain('own of admin');
    },
    story,
  );

  test(
    'generic service account',
    async () => {
      done(await door.makeServiceAccount('admin', 'robot', 'member'));
      done(await door.assign('admin', 'robot', 'editor', 'atlas'));
      const { secret } = done(
        await door.makeKey(
          'admin',
          'of the robot',
          { capabilities: ['api', 'flows:edit'], projects: { atlas: 'editor' } },
          'robot',
        ),
      );
      expect(await call(secret, '/projects/atlas/flows', { name: 'by a robot' })).toBe(201);
      // It goes on when whoever made it does not.
      await mandate.stores.users.suspend(actor, await names.user('admin'));
      expect(await call(secret, '/projects/atlas/flows')).toBe(200);
      await mandate.stores.users.resume(actor, await names.user('admin'));
      door = openDoor(mandate);
    },
    story,
  );

  test(
    'capabilities, projects and MCP servers chosen, and later modified or revoked',
    async () => {
      const { secret, id } = done(
        await door.makeKey('editor', 'changed later', {
          capabilities: ['mcp', 'api', 'flows:edit'],
          projects: { atlas: 'editor' },
          servers: ['atlas-flows'],
        }),
      );
      expect((await introspect(mandate.issuer, secret, demo.mcpServer)).scope).toBe('mcp flows:edit');
      const keeper = through === 'command line' ? 'admin' : 'editor';
      done(await door.edit(keeper, id, { capabilities: ['api'], projects: { borealis: 'viewer' } }));
      expect(await introspect(mandate.issuer, secret, demo.mcpServer)).toEqual({ active: false });
      expect((await introspect(mandate.issuer, secret)).authorization_details).toEqual([
        expect.objectContaining({ slug: 'borealis', roles: ['viewer'] }),
      ]);
      done(
        await door.edit(keeper, id, {
          capabilities: ['mcp', 'api', 'flows:edit'],
          projects: { atlas: 'editor' },
          servers: ['atlas-flows'],
        }),
      );
      expect(await call(secret, '/projects/atlas/flows', { name: 'x' })).toBe(201);
      expect((await introspect(mandate.issuer, secret, demo.mcpServer)).scope).toBe('mcp flows:edit');
      done(
        await door.edit(keeper, id, {
          capabilities: ['mcp', 'api', 'flows:edit'],
          projects: { atlas: 'editor' },
          servers: [],
        }),
      );
      expect(await introspect(mandate.issuer, secret, demo.mcpServer)).toEqual({ active: false });
      expect(await call(secret, '/projects/atlas/flows', { name: 'x' })).toBe(201);
      done(await door.pause('editor', id, 'suspend'));
      expect(await call(secret, '/projects')).toBe(401);
      done(await door.pause(keeper, id, 'resume'));
      expect(await call(secret, '/projects')).toBe(200);
      done(await door.pause('editor', id, 'revoke'));
      expect(await call(secret, '/projects')).toBe(401);
    },
    story,
  );

  test(
    'losing a project removes it from authorizations',
    async () => {
      const { secret } = done(
        await door.makeKey('editor', 'loses one', {
          ...api,
          projects: { atlas: 'editor', borealis: 'viewer' },
        }),
      );
      const { body } = await codeFlow(mandate.issuer, {
        request: { scope: 'api flows:edit' },
        answers: { 'flows:edit': true, atlas: true, 'Role in atlas': 'Editor', borealis: true },
      });
      const token = body.access_token ?? '';
      expect(await call(secret, '/projects/atlas/flows')).toBe(200);
      expect(await call(token, '/projects/atlas/flows')).toBe(200);
      done(await door.unassign('admin', 'editor', 'editor', 'atlas'));
      expect(await call(token, '/projects/atlas/flows')).toBe(403);
      expect((await introspect(mandate.issuer, token)).withheld).toContainEqual(
        expect.objectContaining({ dimension: 'project', reason: 'owner_lost_access' }),
      );
      expect(await call(secret, '/projects/atlas/flows')).toBe(403);
      expect(await call(secret, '/projects/borealis/flows')).toBe(200);
      done(await door.assign('admin', 'editor', 'editor', 'atlas'));
      expect(await call(secret, '/projects/atlas/flows')).toBe(200);
    },
    story,
  );
});
