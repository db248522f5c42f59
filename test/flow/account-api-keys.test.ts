/** API keys on the pages: who makes them for whom, what they do on the example platform, and how they end. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Platform } from '../../examples/platform/platform.ts';
import { createKey, type KeyAnswers, signIn } from '../support/account.ts';
import { engines } from '../support/databases.ts';
import { type BrowserlessClient, createBrowserlessClient } from '../support/http.ts';
import { demo, type TestMandate } from '../support/mandate.ts';
import { introspect } from '../support/oauth.ts';
import { startPlatformOnMandate } from '../support/platform-on-mandate.ts';

describe.each(engines)('API keys, on %s', (engine) => {
  let mandate: TestMandate;
  let platform: Platform;
  let stop: () => Promise<void>;
  let origin: string;
  const people = new Map<string, BrowserlessClient>();

  beforeAll(async () => {
    ({ mandate, platform, stop } = await startPlatformOnMandate({ engine }));
    ({ origin } = platform);
  });
  afterAll(async () => {
    await stop();
  });

  const as = async (who: string): Promise<BrowserlessClient> => {
    const known = people.get(who) ?? (await signIn(mandate.issuer, `${who}@acme.test`));
    people.set(who, known);
    return known;
  };
  const userId = async (who: string) =>
    (await mandate.stores.users.findByEmail(`${who}@acme.test`))?.id ?? '';
  const call = async (key: string, path: string, body?: object) =>
    (
      await fetch(`${origin}/api${path}`, {
        method: body ? 'POST' : 'GET',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      })
    ).status;
  const make = async (who: string, answers: KeyAnswers, owner?: string) =>
    createKey(await as(who), { Name: 'a key', api: true, ...answers }, owner && (await userId(owner)));
  const press = async (who: string, id: string, button: string, answers = {}) => {
    const client = await as(who);
    const page = await client.get(`/account/authorizations/${id}`);
    return client.submit(page, button, answers, { follow: true });
  };

  test.each(['owner', 'admin', 'editor', 'viewer'])(
    'own keys for Owner, Admin, Editor, Viewer and Member: %s makes one for themselves',
    async (who) => {
      const { page, secret } = await make(who, {});
      expect(page.status).toBe(200);
      expect(secret).toMatch(/^mk_[0-9A-Za-z]{49}$/);
      expect(page.text).toContain(`curl -H "Authorization: Bearer ${secret}" ${origin}/api/projects`);
      expect(await call(secret, '/projects')).toBe(200);
      expect(await introspect(mandate.issuer, secret)).toMatchObject({
        active: true,
        username: `${who}@acme.test`,
        authorization_kind: 'api_key',
        scope: 'api',
      });
    },
  );

  test('custom role: off by default, and the refusal names what is missing; on when ticked', async () => {
    const analyst = await as('analyst');
    const refused = await analyst.get('/account/api-keys/new');
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('Your roles lack the permission api-keys.create.');
    const role = await mandate.stores.roles.findBySlug('analyst');
    const permissions = role?.permissions ?? [];
    const actor = { id: 'command' };
    await mandate.stores.roles.update(actor, role?.id ?? '', {
      permissions: [...permissions, 'api-keys.create'],
    });
    const { secret } = await make('analyst', {});
    expect(await call(secret, '/projects')).toBe(200);
    await mandate.stores.roles.update(actor, role?.id ?? '', { permissions });
    expect((await analyst.get('/account/api-keys/new')).status).toBe(403);
    // What was made stays its owner's: making more is what the permission is for.
    expect(await call(secret, '/projects')).toBe(200);
  });

  test('admin creates for others, bounded by their rights; nobody else does', async () => {
    const { secret, id } = await make(
      'admin',
      { Name: 'for editor', 'flows:edit': true, atlas: true },
      'editor',
    );
    expect(await introspect(mandate.issuer, secret)).toMatchObject({
      username: 'editor@acme.test',
      scope: 'api flows:edit',
    });
    const offer = await (await as('admin')).get(`/account/api-keys/new?owner=${await userId('editor')}`);
    expect(offer.text).not.toContain('secrets:edit');
    const page = await (await as('editor')).get(`/account/authorizations/${id}`);
    expect(page.text).toContain('admin@acme.test');
    const refused = await (await as('editor')).get(`/account/api-keys/new?owner=${await userId('admin')}`);
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('api-keys.manage');
    await press('editor', id, 'Revoke');
    expect(await introspect(mandate.issuer, secret)).toEqual({ active: false });
  });

  test('AK-03: a key made for another is bounded by that owner, not by its creator', async () => {
    const { secret } = await make('admin', {}, 'viewer');
    await mandate.stores.users.suspend({ id: 'command' }, await userId('admin'));
    expect(await call(secret, '/projects')).toBe(200);
    await mandate.stores.users.resume({ id: 'command' }, await userId('admin'));
    await mandate.stores.users.suspend({ id: 'command' }, await userId('viewer'));
    expect(await call(secret, '/projects')).toBe(401);
    await mandate.stores.users.resume({ id: 'command' }, await userId('viewer'));
    people.clear();
  });

  test('admin sees all, others their own', async () => {
    const { id } = await make('editor', { Name: 'the key of editor' });
    const path = `/account/authorizations/${id}`;
    expect((await (await as('admin')).get('/account/authorizations?tab=api-keys')).text).toContain(
      'the key of editor',
    );
    expect((await (await as('admin')).get(path)).status).toBe(200);
    const viewer = await as('viewer');
    expect((await viewer.get('/account/authorizations?tab=api-keys')).text).not.toContain(
      'the key of editor',
    );
    expect((await viewer.get(path)).status).toBe(404);
    // Deactivated and activated again by whoever manages keys.
    await press('admin', id, 'Suspend');
    await press('admin', id, 'Resume');
  });

  test('reads A, edits B, nothing on C: exactly that, on the platform', async () => {
    const { secret } = await make('editor', {
      'flows:edit': true,
      borealis: true,
      'Role in borealis': 'Viewer',
      atlas: true,
      'Role in atlas': 'Editor',
    });
    expect(await call(secret, '/projects/borealis/flows')).toBe(200);
    expect(await call(secret, '/projects/borealis/flows', { name: 'x' })).toBe(403);
    expect(await call(secret, '/projects/atlas/flows', { name: 'x' })).toBe(201);
    expect(await call(secret, '/projects/cygnus/flows')).toBe(403);
  });

  test('one or many roles per key, by reference: a role edited later changes the key', async () => {
    const { stores } = mandate;
    const actor = { id: 'command' };
    const made = await stores.roles.create(actor, {
      slug: 'flow-writer',
      name: 'Flow writer',
      permissions: ['flows:edit'],
    });
    const one = await createKey(await as('editor'), { Name: 'one', Member: true });
    expect((await introspect(mandate.issuer, one.secret)).scope).toBe('api apps:view');
    const many = await createKey(await as('editor'), {
      Name: 'many',
      Member: true,
      'Flow writer': true,
      atlas: true,
    });
    expect((await introspect(mandate.issuer, many.secret)).scope).toBe('api apps:view flows:edit');
    if (made.outcome !== 'created') throw new Error(made.outcome);
    await stores.roles.update(actor, made.role.id, { permissions: ['endpoints:access'] });
    expect((await introspect(mandate.issuer, many.secret)).scope).toBe('api apps:view endpoints:access');
    const page = await (await as('editor')).get(`/account/authorizations/${many.id}`);
    expect(page.status).toBe(200);
  });

  test('role created in place, by those who may create roles', async () => {
    const admin = await as('admin');
    const page = await admin.get('/account/api-keys/new');
    const again = await admin.submit(page, 'Create role', {
      Name: 'with a new role',
      'Name of the role': `Reader ${engine}`,
      'Role holds api': true,
    });
    expect(again.text).toContain(`The role Reader ${engine} was made`);
    const made = await admin.submit(again, 'Create key', {});
    const secret = /mk_[0-9A-Za-z]{49}/.exec(made.body)?.[0] ?? '';
    expect((await introspect(mandate.issuer, secret)).scope).toBe('api');
    const editor = await (await as('editor')).get('/account/api-keys/new');
    expect(editor.text).not.toContain('Create a role');
  });

  test('service account: needs service-accounts.create to make its key, service-accounts.update to change it', async () => {
    const { secret, id } = await make('admin', { 'flows:edit': true, atlas: true }, 'ci');
    expect(await introspect(mandate.issuer, secret)).toMatchObject({ username: 'ci@acme.test' });
    const editor = await as('editor');
    const refused = await editor.get(`/account/api-keys/new?owner=${await userId('ci')}`);
    expect(refused.text).toContain('service-accounts.create');
    expect((await editor.get(`/account/authorizations/${id}`)).status).toBe(404);
    const made = await mandate.stores.roles.create(
      { id: 'command' },
      {
        slug: 'robot-keeper',
        name: 'Robot keeper',
        permissions: ['service-accounts.create', 'service-accounts.update'],
      },
    );
    if (made.outcome !== 'created') throw new Error(made.outcome);
    const assignment = { userId: await userId('editor'), roleId: made.role.id, projectId: null };
    await mandate.stores.users.assign({ id: 'command' }, assignment);
    expect((await make('editor', {}, 'ci')).page.status).toBe(200);
    await press('editor', id, 'Suspend');
    expect(await introspect(mandate.issuer, secret)).toEqual({ active: false });
    expect((await editor.get('/account/authorizations?tab=api-keys')).text).toContain('ci@acme.test');
    await mandate.stores.users.unassign({ id: 'command' }, assignment);
  });

  test('moved from a person to a service account: bounded by the new owner, and the secret goes on', async () => {
    const { secret, id } = await make('admin', {
      'secrets:edit': true,
      'flows:edit': true,
      atlas: true,
      'Role in atlas': 'Editor',
    });
    const moved = await press('admin', id, 'Move key', { 'Service account': 'Acme CI · ci@acme.test' });
    expect(moved.text).toContain('Moved to another owner');
    expect(await introspect(mandate.issuer, secret)).toMatchObject({
      username: 'ci@acme.test',
      scope: 'api flows:edit',
    });
    const own = await make('editor', {});
    const page = await (await as('editor')).get(`/account/authorizations/${own.id}`);
    expect(page.text).not.toContain('Move key');
    const csrf = page.forms[0]?.fields.find(({ name }) => name === 'csrf')?.value ?? '';
    const forced = await (await as('editor')).postForm(`/account/authorizations/${own.id}/move`, {
      csrf,
      version: '1',
      owner: await userId('ci'),
    });
    expect(forced.status).toBe(404);
  });

  test('narrowed: refused, widened: allowed, suspended: 401, resumed: 200, revoked: 401, with one secret', async () => {
    const { secret, id } = await make('editor', {
      'flows:edit': true,
      atlas: true,
      'Role in atlas': 'Editor',
    });
    const edit = () => call(secret, '/projects/atlas/flows', { name: 'x' });
    expect(await edit()).toBe(201);
    const narrowed = await press('editor', id, 'Save', { 'flows:edit': false });
    expect(narrowed.text).toContain('This key can no longer edit flows in atlas, at once.');
    expect(await edit()).toBe(403);
    await press('editor', id, 'Save', { 'flows:edit': true });
    expect(await edit()).toBe(201);
    await press('editor', id, 'Suspend');
    expect(await edit()).toBe(401);
    await press('editor', id, 'Resume');
    expect(await edit()).toBe(201);
    await press('editor', id, 'Revoke');
    expect(await edit()).toBe(401);
  });

  test('capabilities, projects and MCP servers: each resource server sees the part that it guards', async () => {
    const { secret } = await make('editor', { mcp: true, 'atlas-flows': true, atlas: true });
    const api = await introspect(mandate.issuer, secret);
    expect(api).not.toHaveProperty('aud');
    expect(api).not.toHaveProperty('client_id');
    expect(api.authorization_details).toEqual([expect.objectContaining({ type: 'project', slug: 'atlas' })]);
    const gateway = await introspect(mandate.issuer, secret, demo.mcpServer);
    expect(gateway.authorization_details).toContainEqual(
      expect.objectContaining({ type: 'mcp_server', locations: [`${origin}/mcp/atlas`], actions: ['mcp'] }),
    );
    expect(gateway.scope).toBe('mcp');
    expect(JSON.stringify(gateway)).not.toContain('borealis');
  });

  test('losing a project takes it from the key', async () => {
    const { secret } = await make('editor', { borealis: true, 'Role in borealis': 'Viewer' });
    expect(await call(secret, '/projects/borealis/flows')).toBe(200);
    const borealis = (await mandate.stores.projects.list({ limit: 9 })).find(
      ({ slug }) => slug === 'borealis',
    );
    const viewer = await mandate.stores.roles.findBySlug('viewer');
    const assignment = {
      userId: await userId('editor'),
      roleId: viewer?.id ?? '',
      projectId: borealis?.id ?? '',
    };
    await mandate.stores.users.unassign({ id: 'command' }, assignment);
    expect(await call(secret, '/projects/borealis/flows')).toBe(403);
    await mandate.stores.users.assign({ id: 'command' }, assignment);
    expect(await call(secret, '/projects/borealis/flows')).toBe(200);
  });

  test('rotated: both secrets work for the overlap, then the new one alone; never three', async () => {
    const { secret: first, id } = await make('editor', {});
    const rotate = async (overlap: string) =>
      /mk_[0-9A-Za-z]{49}/.exec(
        (await press('editor', id, 'Rotate secret', { 'Old secret works for': overlap })).body,
      )?.[0] ?? '';
    const active = async (...secrets: string[]) =>
      Promise.all(secrets.map(async (secret) => (await introspect(mandate.issuer, secret)).active));
    const second = await rotate('24 more hours');
    expect(await active(first, second)).toEqual([true, true]);
    const third = await rotate('1 more hour');
    expect(await active(first, second, third)).toEqual([false, true, true]);
    mandate.clock.advance(3_601);
    expect(await active(first, second, third)).toEqual([false, false, true]);
    const fourth = await rotate('no longer');
    expect(await active(third, fourth)).toEqual([false, true]);
    await mandate.app.garbage.collect();
    const page = await (await as('editor')).get(`/account/authorizations/${id}`);
    expect(page.text).toContain('Old secret ended after rotation');
  });

  test('a form that makes a secret counts once', async () => {
    const editor = await as('editor');
    const page = await editor.get('/account/api-keys/new');
    const answers = { Name: 'only one', api: true };
    expect((await editor.submit(page, 'Create key', answers)).status).toBe(200);
    expect((await editor.submit(page, 'Create key', answers)).status).toBe(409);
  });

  test('leaked: anyone can have it disabled, and resuming does not bring the secret back', async () => {
    const { secret, id } = await make('editor', {});
    const anyone = createBrowserlessClient(mandate.issuer);
    const report = (key: string) => anyone.postForm('/api-keys/leaked', { key });
    expect((await report(`${secret.slice(0, -1)}${secret.endsWith('0') ? '1' : '0'}`)).status).toBe(400);
    expect(await introspect(mandate.issuer, secret)).toMatchObject({ active: true });
    expect((await report(secret)).status).toBe(202);
    expect(await introspect(mandate.issuer, secret)).toEqual({ active: false });
    const page = await press('editor', id, 'Resume');
    expect(page.text).toContain('Secret reported as leaked, and disabled');
    expect(await introspect(mandate.issuer, secret)).toEqual({ active: false });
  });

  test('expires, and says so on record', async () => {
    const { secret, id } = await make('editor', { '1 day': true });
    mandate.clock.advance(86_401);
    expect(await introspect(mandate.issuer, secret)).toEqual({ active: false });
    await mandate.app.garbage.collect();
    const page = await (await as('editor')).get(`/account/authorizations/${id}`);
    expect(page.text).toContain('Expired');
    expect(page.forms.some(({ fields }) => fields.some(({ label }) => label === 'Save'))).toBe(false);
  });

  test('RV-07: a sensitive capability asks for a fresh sign-in, and keeps what was picked meanwhile', async () => {
    const admin = await as('admin');
    mandate.clock.advance(700);
    const page = await admin.get('/account/api-keys/new');
    const asked = await admin.submit(page, 'Create key', { Name: 'sensitive', 'apps:admin': true });
    expect(asked.status).toBe(403);
    expect(asked.body).not.toMatch(/mk_[0-9A-Za-z]{49}/);
    const wrong = await admin.submit(asked, 'Confirm', { Password: 'wrong' });
    expect(wrong.status).toBe(403);
    const made = await admin.submit(wrong, 'Confirm', { Password: demo.password });
    expect((await admin.get('/account/authorizations?tab=api-keys')).text).toContain('sensitive');
    expect(made.body).toMatch(/mk_[0-9A-Za-z]{49}/);
  });

  test('AK-02: no secret is in the log, nor anywhere in the database', async () => {
    const { secret } = await make('editor', {});
    await call(secret, '/projects');
    // In an address it is no credential, and is on no record either.
    for (const name of ['access_token', 'token', 'api_key', 'key']) {
      const address = `${mandate.issuer}/api/v1/users?${name}=${secret}`;
      expect((await fetch(address)).status).toBe(401);
    }
    const list = (await (await as('editor')).get('/account/authorizations?tab=api-keys')).body;
    expect(list).not.toContain(secret);
    expect(list).toContain(`mk_…${secret.slice(-4)}`);
    expect(mandate.logged()).not.toContain(secret);
    const rows = await mandate.store.db.selectFrom('api_key_secrets').selectAll().execute();
    const changes = await mandate.store.db.selectFrom('changes').selectAll().execute();
    expect(JSON.stringify([rows, changes])).not.toContain(secret.slice(3, 40));
  });
});
