/** Administration over the JSON API, one story each: what is changed holds at the next introspection. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Administrator, callApi, signInToApi } from '../support/administrator.ts';
import { engines } from '../support/databases.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { introspect, tokenByCode } from '../support/oauth.ts';

interface Account {
  id: string;
  version: number;
  status: string;
  management_permissions: string[];
  permissions: string[];
  projects: { id: string; slug: string; roles: { slug: string }[]; permissions: string[] }[];
}
interface List<Item> {
  items: Item[];
  next: string | null;
}
interface Named {
  id: string;
  slug: string;
  name: string;
  version: number;
}

describe.each(engines)('the administration, on %s', (engine) => {
  let mandate: TestMandate;
  let admin: Administrator;
  let owner: Administrator;

  beforeAll(async () => {
    mandate = await startMandate({ engine });
    admin = await signInToApi(mandate.issuer, 'admin@acme.test');
    owner = await signInToApi(mandate.issuer, 'owner@acme.test');
  });
  afterAll(() => mandate.stop());

  const userNamed = async (email: string) => {
    const { body } = await admin.call<List<Named>>('GET', `/users?search=${encodeURIComponent(email)}`);
    return body.items[0]?.id ?? '';
  };
  const roleNamed = async (slug: string) => {
    const { body } = await admin.call<List<Named>>('GET', '/roles');
    return body.items.find((role) => role.slug === slug) ?? { id: '', slug, name: '', version: 0 };
  };
  const projectNamed = async (slug: string) => {
    const { body } = await admin.call<List<Named>>('GET', `/projects?search=${slug}`);
    return body.items[0] ?? { id: '', slug, name: '', version: 0 };
  };

  test('makes a person, who can sign in, and refuses the same address in another spelling', async () => {
    const made = await admin.call<Account>('POST', '/users', {
      email: 'New.Person@acme.test',
      name: 'New Person',
      password: 'a long enough password',
      role_ids: [(await roleNamed('member')).id],
    });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      status: 'active',
      has_password: true,
      permissions: ['api', 'apps:view'],
      management_permissions: ['api-keys.create'],
    });
    const again = await admin.call('POST', '/users', { email: 'new.person@ACME.test', name: 'Other' });
    expect(again).toMatchObject({ status: 409, body: { code: 'email_taken', status: 409 } });
    expect(again.headers.get('content-type')).toContain('application/problem+json');
  });

  test('AD-02: refuses members that it does not know, and changes nothing', async () => {
    const refused = await admin.call('POST', '/users', {
      email: 'mass@acme.test',
      name: 'Mass',
      kind: 'service_account',
      version: 7,
    });
    expect(refused).toMatchObject({ status: 422, body: { code: 'invalid' } });
    expect(await userNamed('mass@acme.test')).toBe('');
    const id = await userNamed('viewer@acme.test');
    const tag = { 'if-match': (await admin.call('GET', `/users/${id}`)).headers.get('etag') ?? '' };
    const before = (await admin.call('GET', `/users/${id}`)).text;
    for (const more of [
      { id: 'usr_mine' },
      { role: 'owner' },
      { org_id: 'other' },
      { password_hash: 'x' },
      { user_id: 'usr_other' },
      { created_at: 0 },
      { management_permissions: ['users.manage'] },
    ]) {
      const made = await admin.call('POST', '/users', { email: 'mass@acme.test', name: 'Mass', ...more });
      const changed = await admin.call('PATCH', `/users/${id}`, { name: 'Mass', ...more }, tag);
      expect([more, made.status, changed.status]).toEqual([more, 422, 422]);
    }
    expect((await admin.call('GET', `/users/${id}`)).text).toBe(before);
    expect(await userNamed('mass@acme.test')).toBe('');
    expect(await admin.call('GET', '/users?is_admin=1')).toMatchObject({ status: 422 });
  });

  test('asks for the version on an update, and refuses one that has moved', async () => {
    const id = await userNamed('viewer@acme.test');
    const seen = await admin.call<Account>('GET', `/users/${id}`);
    const tag = seen.headers.get('etag') ?? '';
    expect(tag).toBe(`"${seen.body.version}"`);
    expect(await admin.call('PATCH', `/users/${id}`, { name: 'A' })).toMatchObject({
      status: 428,
      body: { code: 'version_missing' },
    });
    const first = await admin.call('PATCH', `/users/${id}`, { name: 'A' }, { 'if-match': tag });
    expect(first).toMatchObject({ status: 200, body: { name: 'A' } });
    const second = await admin.call('PATCH', `/users/${id}`, { name: 'B' }, { 'if-match': tag });
    expect(second).toMatchObject({ status: 412, body: { code: 'version_changed' } });
    for (const odd of ['*', 'W/"1"', '"1", "2"', 'nonsense']) {
      const refused = await admin.call('PATCH', `/users/${id}`, { name: 'C' }, { 'if-match': odd });
      expect(refused.status).toBe(412);
    }
    expect((await admin.call('GET', `/users/${id}`)).body).toMatchObject({ name: 'A' });
  });

  test('two updates that saw the same version: exactly one is done', async () => {
    const id = await userNamed('analyst@acme.test');
    const { headers } = await admin.call('GET', `/users/${id}`);
    const tag = { 'if-match': headers.get('etag') ?? '' };
    const both = await Promise.all(
      ['One', 'Two'].map((name) => admin.call('PATCH', `/users/${id}`, { name }, tag)),
    );
    expect(both.map(({ status }) => status).sort()).toEqual([200, 412]);
  });

  test('suspending a person acts on a token already in the field; resuming gives it back', async () => {
    const { access_token: token = '' } = await tokenByCode(mandate.issuer, {
      email: 'viewer@acme.test',
      answers: {},
    });
    const id = await userNamed('viewer@acme.test');
    expect(await introspect(mandate.issuer, token)).toMatchObject({ active: true });
    expect(await admin.call('POST', `/users/${id}/suspend`)).toMatchObject({ body: { status: 'suspended' } });
    expect(await introspect(mandate.issuer, token)).toEqual({ active: false });
    expect(await admin.call('POST', `/users/${id}/resume`)).toMatchObject({ body: { status: 'active' } });
    expect(await introspect(mandate.issuer, token)).toMatchObject({ active: true });
  });

  test('simulate says what taking a role away would cut, and taking it away cuts exactly that', async () => {
    const { access_token: token = '' } = await tokenByCode(mandate.issuer, {
      email: 'editor@acme.test',
      answers: { 'flows:edit': true, atlas: true, 'Role in atlas': 'Editor' },
    });
    const user = await userNamed('editor@acme.test');
    const { id: role } = await roleNamed('editor');
    const { id: project } = await projectNamed('atlas');
    const change = { kind: 'role_unassigned', user_id: user, role_id: role, project_id: project };
    const foretold = await admin.call('POST', '/simulate', { change });
    expect(foretold.body).toMatchObject({
      authorizations: 1,
      people: 1,
      incomplete: false,
      cuts: [
        {
          tool: 'acme-web',
          username: 'editor@acme.test',
          everything: false,
          lost: [{ dimension: 'project', identifier: project, name: 'atlas' }],
        },
      ],
    });
    const before = await introspect(mandate.issuer, token);
    expect(before.scope).toBe('api flows:edit');
    await admin.call('DELETE', `/users/${user}/assignments/${role}?project_id=${project}`);
    expect(await introspect(mandate.issuer, token)).toMatchObject({ scope: 'api' });
    const id = String(before.authorization_id);
    const asked = await admin.call('GET', `/authorizations/${id}/why?capability=flows:edit&on=${project}`);
    expect(asked.body).toMatchObject({ allowed: false, rule: 'owner_lost_access' });
    const put = await admin.call<Account>('POST', `/users/${user}/assignments`, {
      role_id: role,
      project_id: project,
    });
    expect(put.body.projects.find(({ slug }) => slug === 'atlas')?.permissions).toContain('flows:edit');
    const again = await admin.call('GET', `/authorizations/${id}/why?capability=flows:edit&on=${project}`);
    expect(again.body).toMatchObject({ allowed: true, rule: 'holds' });
  });

  test('why answers people about their own authorizations, and 404 about those of others', async () => {
    const { access_token: token = '' } = await tokenByCode(mandate.issuer, {
      email: 'editor@acme.test',
      answers: {},
    });
    const { authorization_id: id } = await introspect(mandate.issuer, token);
    const question = `/authorizations/${String(id)}/why?capability=api`;
    const editor = await signInToApi(mandate.issuer, 'editor@acme.test');
    expect(await editor.call('GET', question)).toMatchObject({ status: 200, body: { allowed: true } });
    const analyst = await signInToApi(mandate.issuer, 'analyst@acme.test');
    expect(await analyst.call('GET', question)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });

  test('a custom role may create API keys once it says so; its holder follows at once', async () => {
    const analyst = await userNamed('analyst@acme.test');
    const role = await roleNamed('analyst');
    const held = async () =>
      (await admin.call<Account>('GET', `/users/${analyst}`)).body.management_permissions;
    expect(await held()).toEqual([]);
    const changed = await admin.call(
      'PATCH',
      `/roles/${role.id}`,
      { permissions: ['api', 'api-keys.create'] },
      { 'if-match': `"${role.version}"` },
    );
    expect(changed.body).toMatchObject({ can_create_api_keys: true });
    expect(await held()).toEqual(['api-keys.create']);
  });

  test('an Admin changes everybody but Owners, and makes none', async () => {
    const id = await userNamed('owner@acme.test');
    const { id: ownerRole } = await roleNamed('owner');
    const editor = await userNamed('editor@acme.test');
    const { headers } = await admin.call('GET', `/users/${id}`);
    const tag = { 'if-match': headers.get('etag') ?? '' };
    for (const attempt of [
      admin.call('POST', `/users/${id}/suspend`),
      admin.call('PATCH', `/users/${id}`, { password: 'a password of the admin' }, tag),
      admin.call('DELETE', `/users/${id}/assignments/${ownerRole}`),
      admin.call('POST', `/users/${editor}/assignments`, { role_id: ownerRole }),
      admin.call('POST', '/users', { email: 'o@acme.test', name: 'O', role_ids: [ownerRole] }),
    ]) {
      expect(await attempt).toMatchObject({ status: 403, body: { code: 'owners_only' } });
    }
    expect(await userNamed('o@acme.test')).toBe('');
    expect(await owner.call('POST', `/users/${id}/suspend`)).toMatchObject({
      status: 409,
      body: { code: 'last_owner' },
    });
  });

  test('nobody gives a role that holds what they lack, nor takes over an account that holds more', async () => {
    const made = await admin.call<Named>('POST', '/roles', {
      slug: 'people-desk',
      name: 'People desk',
      permissions: [
        'users.manage',
        'roles.create',
        'roles.update',
        'service-accounts.update',
        'api-keys.create',
        'api',
        'apps:view',
      ],
    });
    const desk = await admin.call<Account>('POST', '/users', {
      email: 'desk@acme.test',
      name: 'Desk',
      password: demo.password,
      role_ids: [made.body.id],
    });
    const clerk = await signInToApi(mandate.issuer, 'desk@acme.test');
    const { id: adminRole } = await roleNamed('admin');
    const editor = await userNamed('editor@acme.test');
    const adminId = await userNamed('admin@acme.test');
    const tagOf = async (id: string) => ({
      'if-match': (await admin.call('GET', `/users/${id}`)).headers.get('etag') ?? '',
    });
    const { body: machines } = await admin.call<List<Named>>('GET', '/service-accounts');
    for (const attempt of [
      clerk.call('POST', `/users/${desk.body.id}/assignments`, { role_id: adminRole }),
      clerk.call('POST', '/roles', { slug: 'more', name: 'More', permissions: ['clients.manage'] }),
      clerk.call(
        'PATCH',
        `/roles/${made.body.id}`,
        { permissions: ['users.manage', 'audit.read'] },
        { 'if-match': `"${made.body.version}"` },
      ),
      clerk.call('POST', `/users/${adminId}/suspend`),
      clerk.call('PATCH', `/users/${editor}`, { password: 'now it is mine' }, await tagOf(editor)),
      clerk.call('PATCH', `/users/${editor}`, { email: 'mine@acme.test' }, await tagOf(editor)),
      clerk.call('POST', `/service-accounts/${machines.items[0]?.id}/clients`, {
        id: 'mine',
        client_name: 'Mine',
      }),
    ]) {
      expect(await attempt).toMatchObject({ status: 403, body: { code: 'beyond_own_rights' } });
    }
    const renamed = await clerk.call('PATCH', `/users/${editor}`, { name: 'Ed' }, await tagOf(editor));
    expect(renamed).toMatchObject({ status: 200, body: { name: 'Ed' } });
  });

  test('the audit trail says who changed what from where, never a secret, and can be taken away as JSON lines', async () => {
    const made = await admin.call<{ id: string; secret: string }>('POST', '/resource-servers', {
      name: 'audited',
      audiences: ['https://audited.acme.test'],
    });
    const found = await admin.call<List<Record<string, unknown>>>(
      'GET',
      `/changes?subject_id=${made.body.id}`,
    );
    const adminId = await userNamed('admin@acme.test');
    expect(found.body.items).toEqual([
      expect.objectContaining({
        subject: 'resource_server',
        action: 'created',
        actor: adminId,
        origin: expect.stringMatching(/^(127\.0\.0\.1|::1)$/) as unknown,
      }),
    ]);
    const all = await admin.call('GET', '/changes/export');
    expect(all.headers.get('content-type')).toContain('application/jsonl');
    const lines = all.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { seq: number });
    const { rows } = await mandate.store.db
      .selectFrom('changes')
      .select((count) => count.fn.countAll<number>().as('rows'))
      .executeTakeFirstOrThrow();
    expect(lines.length).toBe(Number(rows));
    expect(lines.map(({ seq }) => seq)).toEqual(lines.map(({ seq }) => seq).sort((a, b) => b - a));
    expect(all.text).not.toContain(made.body.secret);
    const page = await admin.call<List<unknown>>('GET', '/changes?limit=2');
    expect(page.body.items.length).toBe(2);
    expect(
      (await admin.call<List<{ seq: number }>>('GET', `/changes?limit=2&after=${page.body.next}`)).body
        .items[0]?.seq,
    ).toBeLessThan(Number(page.body.next));
  });

  test('AD-04: what changes something needs the token of the session and a page of ours', async () => {
    const body = { slug: 'forged', name: 'Forged' };
    const asking = (headers: Record<string, string>) =>
      callApi(mandate.issuer, 'POST', '/projects', body, { cookie: admin.cookie, ...headers });
    const forged = { status: 403, body: { code: 'request_forged' } };
    expect(await asking({})).toMatchObject(forged);
    expect(await asking({ 'x-csrf-token': owner.csrf })).toMatchObject(forged);
    expect(await asking({ 'x-csrf-token': admin.csrf, origin: 'https://evil.test' })).toMatchObject(forged);
    expect(await asking({ 'x-csrf-token': admin.csrf, 'sec-fetch-site': 'cross-site' })).toMatchObject(
      forged,
    );
    expect((await projectNamed('forged')).id).toBe('');
    expect(await asking({ 'x-csrf-token': admin.csrf })).toMatchObject({ status: 201 });
    const plain = await fetch(`${mandate.issuer}/api/v1/projects`, {
      method: 'POST',
      headers: { cookie: admin.cookie, 'x-csrf-token': admin.csrf, 'content-type': 'text/plain' },
      body: JSON.stringify(body),
    });
    expect(plain.status).toBe(415);
  });
});
