/** People leave: what stops is said before, keys are given to others, and what is removed is gone at the very next call. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { signIn } from '../support/account.ts';
import { type Administrator, signInToApi } from '../support/administrator.ts';
import { anotherMillisecond } from '../support/clock.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, introspect, tokenByCode } from '../support/oauth.ts';
import { type SmtpServer, startSmtpServer } from '../support/smtp-server.ts';

interface Departure {
  readonly [name: string]: unknown;
  readonly api_keys: { id: string; name: string; last_used_at: number | null }[];
  readonly authorizations: { id: string; name: string }[];
  readonly clients: { id: string; last_used_at: number | null }[];
}

describe.each(['sqlite', 'postgres'] as const)('leaving on %s', (engine) => {
  let mandate: TestMandate;
  let smtp: SmtpServer;
  let admin: Administrator;
  let owner: Administrator;
  beforeAll(async () => {
    smtp = await startSmtpServer();
    mandate = await startMandate({
      engine,
      mail: { route: { kind: 'smtp', url: smtp.url }, from: 'Mandate <mandate@acme.test>', language: 'en' },
    });
    admin = await signInToApi(mandate.issuer, 'admin@acme.test');
    owner = await signInToApi(mandate.issuer, 'owner@acme.test');
  });
  afterAll(async () => {
    await mandate.stop();
    await smtp.stop();
  });

  const idOf = async (email: string) => (await mandate.stores.users.findByEmail(email))?.id ?? '';
  const project = async (slug: string) =>
    (await mandate.stores.projects.list({ limit: 10 })).find((one) => one.slug === slug)?.id ?? '';
  const roleId = async (slug: string) => (await mandate.stores.roles.findBySlug(slug))?.id ?? '';
  const versionOf = async (id: string) => {
    const user = await mandate.stores.users.findById(id);
    return { 'if-match': `"${user?.version}"` };
  };
  const ask = (token: string) => introspect(mandate.issuer, token);

  /** A person with rights of an editor on atlas, made for one story. */
  async function hire(email: string) {
    const made = await admin.call('POST', '/users', {
      email,
      name: email.split('@')[0],
      password: demo.password,
      role_ids: [await roleId('member')],
    });
    const id = String(made.body.id);
    await admin.call('POST', `/users/${id}/assignments`, {
      role_id: await roleId('editor'),
      project_id: await project('atlas'),
    });
    return id;
  }
  async function keyFor(userId: string, name: string, capabilities = ['api', 'flows:edit']) {
    const editor = await roleId('editor');
    const made = await mandate.stores.apiKeys.create(
      { id: userId },
      {
        userId,
        name,
        capabilities,
        roles: [],
        projects: [{ id: await project('atlas'), roles: [editor] }],
        mcpServers: [],
        expiresAt: null,
      },
    );
    return { id: made.authorization.id, secret: made.secret };
  }

  test('says what stops by name and last use, and moves keys to a service account that goes on with them', async () => {
    const id = await hire('leaver@acme.test');
    const nightly = await keyFor(id, 'nightly build');
    await anotherMillisecond();
    const other = await keyFor(id, 'laptop');
    expect((await ask(nightly.secret)).active).toBe(true);
    await mandate.app.settle();

    const said = await admin.call<Departure>('GET', `/users/${id}/departure`);
    expect(said.body.api_keys.map(({ name }) => name)).toEqual(['laptop', 'nightly build']);
    expect(said.body.api_keys[1]?.last_used_at).not.toBeNull();
    expect(said.body.api_keys[0]?.last_used_at).toBeNull();

    const client = await signIn(mandate.issuer, 'admin@acme.test');
    const page = await client.get(`/admin/users/${id}/suspend`);
    expect(page.text).toContain('nightly build');
    expect(page.text).toContain('acme-api');
    const ci = await idOf('ci@acme.test');
    const moved = await client.submit(
      page,
      'Move keys',
      { laptop: false, 'Service account': ci },
      { follow: true },
    );
    expect(moved.url).toContain(`/admin/users/${id}/suspend`);
    expect(moved.text).not.toContain('nightly build');
    expect(moved.text).toContain('laptop');

    const suspended = await client.submit(moved, 'Suspend', {}, { follow: true });
    expect(suspended.text).toContain('suspended');
    expect(await ask(other.secret)).toEqual({ active: false });
    expect(await ask(nightly.secret)).toMatchObject({ active: true, sub: ci, scope: 'api flows:edit' });
    await mandate.app.mail.sendDue();
    const told = await smtp.next();
    expect([told.to[0], told.subject]).toEqual(['leaver@acme.test', 'An API key of yours was moved']);
  });

  test('never gives a key back what its owner had lost, nor what the new owner does not hold', async () => {
    const id = await hire('loser@acme.test');
    const key = await keyFor(id, 'once mighty', ['api', 'flows:edit', 'secrets:edit', 'endpoints:access']);
    await admin.call(
      'DELETE',
      `/users/${id}/assignments/${await roleId('editor')}?project_id=${await project('atlas')}`,
    );
    expect((await ask(key.secret)).scope).toBe('api');
    const strong = await idOf('admin@acme.test');
    const moved = await owner.call<{ moved: string[] }>('POST', `/users/${id}/departure/keys`, {
      to: strong,
    });
    expect([moved.status, moved.body.moved]).toEqual([200, [key.id]]);
    expect(await ask(key.secret)).toMatchObject({ active: true, sub: strong, scope: 'api' });

    const weak = await idOf('viewer@acme.test');
    const second = await keyFor(await idOf('editor@acme.test'), 'bounded');
    const down = await admin.call('POST', `/users/${await idOf('editor@acme.test')}/departure/keys`, {
      to: 'Viewer@acme.test',
      authorization_ids: [second.id],
    });
    expect(down.status).toBe(200);
    expect(await ask(second.secret)).toMatchObject({ sub: weak, scope: 'api' });
  });

  test('refuses heirs that are not there, suspended, the leaver, or not theirs to give to', async () => {
    const id = await hire('stuck@acme.test');
    await keyFor(id, 'stuck');
    const gone = await hire('gone@acme.test');
    await admin.call('POST', `/users/${gone}/suspend`);
    const to = async (heir: string, who = admin) =>
      (await who.call('POST', `/users/${id}/departure/keys`, { to: heir })).status;
    expect(await to('nobody@acme.test')).toBe(422);
    expect(await to('usr_nothing')).toBe(422);
    expect(await to(gone)).toBe(422);
    expect(await to(id)).toBe(422);
    const foreign = await keyFor(await idOf('viewer@acme.test'), 'foreign', ['api']);
    const stolen = await admin.call('POST', `/users/${id}/departure/keys`, {
      to: 'ci@acme.test',
      authorization_ids: [foreign.id],
    });
    expect(stolen.status).toBe(422);
    // `users.manage` alone moves nobody's keys.
    const role = await owner.call('POST', '/roles', {
      slug: `people-${engine}`,
      name: 'People',
      permissions: ['users.manage'],
    });
    await owner.call('POST', '/users', {
      email: 'people@acme.test',
      name: 'People',
      password: demo.password,
      role_ids: [role.body.id],
    });
    expect(await to('ci@acme.test', await signInToApi(mandate.issuer, 'people@acme.test'))).toBe(403);
    const viewer = await signInToApi(mandate.issuer, 'viewer@acme.test');
    expect(await to('ci@acme.test', viewer)).toBe(403);
    expect((await viewer.call('DELETE', `/users/${id}`, undefined, await versionOf(id))).status).toBe(403);
  });

  test('removes somebody from the page: tokens, keys and sessions are dead at the very next call', async () => {
    const email = 'removed@acme.test';
    const id = await hire(email);
    const key = await keyFor(id, 'doomed');
    const theirs = await signIn(mandate.issuer, email);
    const tokens = await tokenByCode(mandate.issuer, {
      email,
      answers: { 'flows:edit': true, atlas: true, 'Role in atlas': 'Editor' },
    });
    const access = tokens.access_token ?? '';
    expect((await ask(access)).active).toBe(true);
    expect((await ask(key.secret)).active).toBe(true);

    const client = await signIn(mandate.issuer, 'admin@acme.test');
    const profile = await client.get(`/admin/users/${id}`);
    expect(profile.body).toContain(`/admin/users/${id}/remove`);
    const page = await client.get(`/admin/users/${id}/remove`);
    expect(page.text).toContain('Remove removed@acme.test?');
    expect(page.text).toContain('doomed');
    const done = await client.submit(page, 'Remove');
    expect(done.status).toBe(303);
    expect(await ask(access)).toEqual({ active: false });
    expect(await ask(key.secret)).toEqual({ active: false });
    expect((await theirs.get('/account/authorizations')).status).toBe(303);
    const refresh = await askToken(
      mandate.issuer,
      { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? 'none' },
      demo.web,
    );
    expect(refresh.status).toBe(400);
    const again = createBrowserlessClient(mandate.issuer);
    const form = await again.get('/sign-in');
    expect((await again.submit(form, 'Sign in', { Email: email, Password: demo.password })).status).toBe(401);

    // What they did is still theirs to read, under the address that they had.
    const audit = await client.get(`/admin/audit?actor=${id}`);
    expect(audit.text).toContain(email);
    expect((await admin.call('GET', `/users/${id}`)).status).toBe(404);
    for (const table of ['role_assignments', 'sessions', 'account_links'] as const) {
      const rows = await mandate.store.db.selectFrom(table).selectAll().where('user_id', '=', id).execute();
      expect([table, rows]).toEqual([table, []]);
    }
    const left = await mandate.store.db
      .selectFrom('authorizations')
      .select('status')
      .where('user_id', '=', id)
      .where('status', '<>', 'revoked')
      .execute();
    expect(left).toEqual([]);

    // The address is free again, for somebody else.
    const next = await hire(email);
    expect(next).not.toBe(id);
    expect(await ask(key.secret)).toEqual({ active: false });
    expect((await admin.call<Departure>('GET', `/users/${next}/departure`)).body.api_keys).toEqual([]);
  });

  test('removes a service account with the clients that act as it', async () => {
    const before = await askToken(mandate.issuer, { grant_type: 'client_credentials' }, demo.ci);
    const token = String(before.body.access_token);
    expect((await ask(token)).active).toBe(true);
    await mandate.app.settle();
    const id = await idOf('ci@acme.test');
    const said = await owner.call<Departure>('GET', `/service-accounts/${id}/departure`);
    const client = said.body.clients.find((one) => one.id === 'acme-ci');
    expect(client?.last_used_at).toBe(mandate.clock.now());
    const removed = await owner.call('DELETE', `/service-accounts/${id}`, undefined, await versionOf(id));
    expect(removed.status).toBe(204);
    expect(await ask(token)).toEqual({ active: false });
    expect(await mandate.stores.clients.find('acme-ci')).toBeUndefined();
    const after = await askToken(mandate.issuer, { grant_type: 'client_credentials' }, demo.ci);
    expect(after.status).toBe(401);
  });

  test('keeps the last active Owner, whoever asks, and lets nobody below an Owner remove one', async () => {
    const id = await idOf('owner@acme.test');
    const last = await owner.call('DELETE', `/users/${id}`, undefined, await versionOf(id));
    expect([last.status, last.body.code]).toEqual([409, 'last_owner']);
    const below = await admin.call('DELETE', `/users/${id}`, undefined, await versionOf(id));
    expect([below.status, below.body.code]).toEqual([403, 'owners_only']);
    const stale = await owner.call('DELETE', `/users/${await idOf('viewer@acme.test')}`, undefined, {
      'if-match': '"999"',
    });
    expect(stale.status).toBe(412);
    expect((await owner.call('DELETE', `/users/${await idOf('viewer@acme.test')}`)).status).toBe(428);
    expect((await owner.call('DELETE', '/users/usr_nothing', undefined, { 'if-match': '"1"' })).status).toBe(
      404,
    );
  });

  test('lets one of two Owners remove the other at once, never both', async () => {
    const second = await hire('second@acme.test');
    const first = await idOf('owner@acme.test');
    await owner.call('POST', `/users/${second}/assignments`, { role_id: await roleId('owner') });
    const other = await signInToApi(mandate.issuer, 'second@acme.test');
    const [one, two] = await Promise.all([
      owner.call('DELETE', `/users/${second}`, undefined, await versionOf(second)),
      other.call('DELETE', `/users/${first}`, undefined, await versionOf(first)),
    ]);
    const outcomes = [one.status, two.status].sort();
    expect(outcomes[0]).toBe(204);
    expect(outcomes[1]).not.toBe(204);
    const owners = await mandate.store.db
      .selectFrom('role_assignments')
      .select('user_id')
      .where('role_id', '=', await roleId('owner'))
      .execute();
    expect(owners.length).toBe(1);
  });
});
