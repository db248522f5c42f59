/** Who gets through each route of the administration's API. The routes are those that the server describes; one that is not listed here fails. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Administrator, callApi, signInToApi } from '../support/administrator.ts';
import { administratingTool } from '../support/administrator-token.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, tokenByCode } from '../support/oauth.ts';

const accounts = (noun: string, see: string, create: string, update: string): Record<string, string> => ({
  [`list_${noun}s`]: see,
  [`create_${noun}`]: create,
  [`get_${noun}`]: see,
  [`update_${noun}`]: update,
  [`suspend_${noun}`]: update,
  [`resume_${noun}`]: update,
  [`assign_${noun}_role`]: update,
  [`unassign_${noun}_role`]: update,
});

const seeRoles =
  'roles.update roles.create users.manage service-accounts.create service-accounts.update projects.manage api-keys.manage';
const seeProjects =
  'projects.manage users.manage mcp-servers.manage service-accounts.create service-accounts.update api-keys.manage';
const seeServers = 'mcp-servers.manage projects.manage api-keys.manage';
const machines = 'service-accounts.update service-accounts.create';

/** Operation → the permissions of which one is enough; empty: every signed-in person. */
const expected: Record<string, string> = {
  ...accounts('user', 'users.manage', 'users.manage', 'users.manage'),
  ...accounts('service_account', machines, 'service-accounts.create', 'service-accounts.update'),
  list_user_sessions: 'users.manage',
  end_user_session: 'users.manage',
  end_user_sessions: 'users.manage',
  get_user_sign_in: 'users.manage',
  reset_user_second_factor: 'users.manage',
  unlink_user_upstream_account: 'users.manage',
  get_user_departure: 'users.manage',
  move_user_keys: 'users.manage',
  delete_user: 'users.manage',
  get_service_account_departure: 'service-accounts.update',
  move_service_account_keys: 'service-accounts.update',
  delete_service_account: 'service-accounts.update',
  invite_user: 'users.manage',
  send_invitation: 'users.manage',
  withdraw_invitation: 'users.manage',
  list_service_account_clients: machines,
  set_service_account_client_keys: 'service-accounts.update',
  create_service_account_client: 'service-accounts.update',
  rotate_service_account_client_secret: 'service-accounts.update',
  delete_service_account_client: 'service-accounts.update',
  list_roles: seeRoles,
  list_permissions: seeRoles,
  get_role: seeRoles,
  create_role: 'roles.create',
  update_role: 'roles.update',
  delete_role: 'roles.update',
  list_projects: seeProjects,
  get_project: seeProjects,
  create_project: 'projects.manage',
  update_project: 'projects.manage',
  delete_project: 'projects.manage',
  list_mcp_servers: seeServers,
  get_mcp_server: seeServers,
  create_mcp_server: 'mcp-servers.manage',
  update_mcp_server: 'mcp-servers.manage',
  list_clients: 'clients.manage',
  create_client: 'clients.manage',
  get_client: 'clients.manage',
  verify_client: 'clients.manage',
  unverify_client: 'clients.manage',
  enable_client: 'clients.manage',
  disable_client: 'clients.manage',
  rotate_client_secret: 'clients.manage',
  delete_client: 'clients.manage',
  update_client: 'clients.manage',
  list_resource_servers: 'clients.manage mcp-servers.manage',
  get_resource_server: 'clients.manage mcp-servers.manage',
  create_resource_server: 'clients.manage',
  update_resource_server: 'clients.manage',
  rotate_resource_server_secret: 'clients.manage',
  set_resource_server_keys: 'clients.manage',
  enable_resource_server: 'clients.manage',
  disable_resource_server: 'clients.manage',
  get_event_receiver: 'clients.manage',
  set_event_receiver: 'clients.manage',
  verify_event_receiver: 'clients.manage',
  remove_event_receiver: 'clients.manage',
  // Everyone's own; of others they tell those who administer them.
  list_authorizations: '',
  get_authorization: '',
  update_authorization: '',
  create_authorization_addition: '',
  end_authorization_addition: '',
  suspend_authorization: '',
  resume_authorization: '',
  revoke_authorization: '',
  why_authorization: '',
  // Which permission it takes depends on whose key it is (test/flow/admin-api-keys).
  list_api_keys: '',
  offer_api_key: '',
  preview_api_key: '',
  create_api_key: '',
  get_api_key: '',
  update_api_key: '',
  rotate_api_key: '',
  suspend_api_key: '',
  resume_api_key: '',
  revoke_api_key: '',
  move_api_key: '',
  get_policies: 'policies.manage',
  replace_policies: 'policies.manage',
  list_approvals: 'policies.manage',
  get_approval: 'policies.manage',
  approve_approval: 'policies.manage',
  decline_approval: 'policies.manage',
  simulate:
    'users.manage service-accounts.update roles.update projects.manage mcp-servers.manage policies.manage',
  examine_connection: 'mcp-servers.manage clients.manage',
  get_overview: 'audit.read users.manage clients.manage api-keys.manage',
  list_changes: 'audit.read',
  export_changes: 'audit.read',
};

/** What somebody without any permission gets from the routes that are open to everyone, asking about another one's key. */
const stranger: Record<string, number> = {
  list_authorizations: 200,
  get_authorization: 404,
  update_authorization: 404,
  create_authorization_addition: 404,
  end_authorization_addition: 404,
  suspend_authorization: 404,
  resume_authorization: 404,
  revoke_authorization: 404,
  why_authorization: 404,
  list_api_keys: 200,
  offer_api_key: 200,
  preview_api_key: 200,
  create_api_key: 422,
  get_api_key: 404,
  update_api_key: 404,
  rotate_api_key: 404,
  suspend_api_key: 404,
  resume_api_key: 404,
  revoke_api_key: 404,
  move_api_key: 404,
};

/** Requests to them that are sound: only whose it is stands in the way. */
const soundBodies: Record<string, object> = {
  create_authorization_addition: { for_seconds: 3_600 },
  create_api_key: { name: 'of nothing' },
  move_api_key: { user_id: 'no-such-id' },
};

/** What a token may not even ask for; all other routes are open to one that holds `mandate:admin` (test/flow/admin-tokens). */
const forPeople: readonly string[] = [
  'invite_user',
  'send_invitation',
  'examine_connection',
  'set_event_receiver',
  'verify_event_receiver',
  'remove_event_receiver',
  'reset_user_second_factor',
  'unlink_user_upstream_account',
  'set_resource_server_keys',
  'set_service_account_client_keys',
];
/** What a token may ask for that a person got by a login of theirs, and no API key. */
const forLogins: readonly string[] = [
  'replace_policies',
  'approve_approval',
  'delete_user',
  'delete_service_account',
];

interface Route {
  readonly method: string;
  readonly path: string;
  readonly id: string;
  readonly permissions: readonly string[];
  /** A token may ask. */
  readonly open: boolean;
}

describe('AD-01: every route of the administration', () => {
  let mandate: TestMandate;
  let routes: Route[];
  let people: Record<'admin' | 'owner' | 'member' | 'auditor', Administrator>;
  /** A key of the admin's. */
  let foreign: string;

  beforeAll(async () => {
    mandate = await startMandate();
    const { body } = await callApi<{
      openapi: string;
      paths: Record<
        string,
        Record<string, { operationId: string; 'x-permissions': string[]; security?: object[] }>
      >;
    }>(mandate.issuer, 'GET', '/openapi.json');
    expect(body.openapi).toBe('3.1.1');
    routes = Object.entries(body.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        method: method.toUpperCase(),
        path: path.replaceAll(/\{\w+\}/g, 'no-such-id'),
        id: operation.operationId,
        permissions: operation['x-permissions'],
        open: operation.security === undefined,
      })),
    );
    const admin = await signInToApi(mandate.issuer, 'admin@acme.test');
    const role = await admin.call('POST', '/roles', {
      slug: 'auditor',
      name: 'Auditor',
      permissions: ['audit.read', 'mandate:admin'],
    });
    await admin.call('POST', '/users', {
      email: 'auditor@acme.test',
      name: 'Auditor',
      password: demo.password,
      role_ids: [role.body.id],
    });
    const key = await admin.call('POST', '/api-keys', { name: 'foreign', capabilities: ['api'] });
    foreign = String(key.body.id);
    people = {
      admin,
      owner: await signInToApi(mandate.issuer, 'owner@acme.test'),
      member: await signInToApi(mandate.issuer, 'editor@acme.test'),
      auditor: await signInToApi(mandate.issuer, 'auditor@acme.test'),
    };
  });
  afterAll(() => mandate.stop());

  /** Everything but who asks is nonsense: nothing is changed, and whoever gets through is told what is wrong with it. */
  const bodyOf = ({ method }: Route) =>
    method === 'GET' || method === 'DELETE' ? undefined : { nonsense: 1 };
  const outcomes = async (ask: (route: Route) => Promise<{ status: number }>) =>
    Object.fromEntries(
      await Promise.all(routes.map(async (route) => [route.id, (await ask(route)).status] as const)),
    );
  const everywhere = (status: number) => Object.fromEntries(routes.map(({ id }) => [id, status]));

  test('is listed here with the permissions that it takes', () => {
    const described = routes.map(({ id, permissions }) => [id, permissions.join(' ')]);
    expect(Object.fromEntries(described)).toEqual(expected);
    expect(described.length).toBe(Object.keys(expected).length);
  });

  const withHeaders = (headers: Record<string, string>) =>
    outcomes((route) => callApi(mandate.issuer, route.method, route.path, bodyOf(route), headers));
  /** With a session beside the token, which counts for nothing. */
  const withToken = (token: string) => {
    const { cookie, csrf } = people.admin;
    return withHeaders({ authorization: `Bearer ${token}`, cookie, 'x-csrf-token': csrf });
  };
  const administer = { 'mandate:admin': true };

  test('answers 401 to nobody, and to a token that is unknown, expired or for another audience', async () => {
    expect(await withHeaders({})).toEqual(everywhere(401));
    const { body } = await askToken(mandate.issuer, { grant_type: 'client_credentials' }, demo.ci);
    const person = { email: 'admin@acme.test', answers: { ...administer, api: true } };
    const platform = await tokenByCode(mandate.issuer, person, { scope: 'mandate:admin api' });
    const tokens = [body.access_token, platform.access_token, 'unknown', `mk_${'a'.repeat(49)}`];
    for (const token of tokens) expect(await withToken(token ?? '')).toEqual(everywhere(401));
    const clock = mandate.clock.now();
    const { token } = await administratingTool(mandate.issuer, 'admin@acme.test');
    mandate.clock.advance(3_601);
    expect(await withToken(token)).toEqual(everywhere(401));
    mandate.clock.advance(clock - mandate.clock.now());
  });

  test('answers 403 to a token or a key that does not hold mandate:admin', async () => {
    const answers = { 'mandate:admin': false, api: true };
    const { token } = await administratingTool(mandate.issuer, 'admin@acme.test', answers);
    expect(await withToken(token)).toEqual(everywhere(403));
    const key = { name: 'without', capabilities: ['api', 'apps:admin'] };
    const { body } = await people.admin.call<{ secret: string }>('POST', '/api-keys', key);
    expect(await withToken(body.secret)).toEqual(everywhere(403));
  });

  test('answers a token or a key that holds it like its owner, save where a person is asked for', async () => {
    expect(new Set(routes.filter(({ open }) => !open).map(({ id }) => id))).toEqual(new Set(forPeople));
    const { token } = await administratingTool(mandate.issuer, 'owner@acme.test');
    const key = { name: 'with', capabilities: ['mandate:admin'] };
    const { body } = await people.owner.call<{ secret: string }>('POST', '/api-keys', key);
    const own = await outcomes((route) => people.owner.call(route.method, route.path, bodyOf(route)));
    const refused = (ids: readonly string[]) => Object.fromEntries(ids.map((id) => [id, 403]));
    expect(await withToken(token)).toEqual({ ...own, ...refused(forPeople) });
    expect(await withToken(body.secret)).toEqual({ ...own, ...refused([...forPeople, ...forLogins]) });
  });

  test('answers the token of a read-only administrator like them', async () => {
    const { token } = await administratingTool(mandate.issuer, 'auditor@acme.test');
    const { auditor } = people;
    const own = await outcomes((route) => auditor.call(route.method, route.path, bodyOf(route)));
    expect(await withToken(token)).toEqual({
      ...own,
      ...Object.fromEntries(forPeople.map((id) => [id, 403])),
    });
    expect(own).toMatchObject({ list_changes: 200, list_users: 403, create_role: 403 });
  });

  test('answers 403 to whoever lacks the permission, and 404 about the authorizations of others', async () => {
    const refused = (mine: readonly string[]) =>
      Object.fromEntries(
        routes
          .filter(
            ({ permissions }) => permissions.length > 0 && !permissions.some((name) => mine.includes(name)),
          )
          .map(({ id }) => [id, 403]),
      );
    const ask = async (who: Administrator) =>
      await outcomes((route) => {
        const { id, method, path } = route;
        if (stranger[id] === undefined) return who.call(method, path, bodyOf(route));
        const address = path.replace('no-such-id', foreign);
        const query = id === 'why_authorization' ? '?capability=api' : '';
        const body = method === 'GET' ? undefined : (soundBodies[id] ?? {});
        return who.call(method, `${address}${query}`, body, { 'if-match': '"1"' });
      });
    expect(await ask(people.member)).toEqual({ ...refused([]), ...stranger });
    expect(await ask(people.auditor)).toEqual({
      ...refused(['audit.read']),
      ...stranger,
      // No `api-keys.create` either.
      ...{ offer_api_key: 403, preview_api_key: 403, create_api_key: 403 },
      list_changes: 200,
      export_changes: 200,
      get_overview: 200,
    });
  });

  test.each(['admin', 'owner'] as const)(
    'lets the %s through to what is wrong with the request',
    async (who) => {
      const answers = await outcomes((route) => people[who].call(route.method, route.path, bodyOf(route)));
      const through = Object.entries(answers).filter(([, status]) => [200, 404, 422, 428].includes(status));
      expect(Object.fromEntries(through)).toEqual(answers);
    },
  );

  test('answers 401 to somebody who has been suspended since', async () => {
    const found = await people.owner.call<{ items: { id: string }[] }>('GET', '/users?search=auditor');
    await people.owner.call('POST', `/users/${found.body.items[0]?.id}/suspend`);
    const { auditor } = people;
    expect(await outcomes((route) => auditor.call(route.method, route.path, bodyOf(route)))).toEqual(
      everywhere(401),
    );
  });

  test('has nothing beside it: other addresses answer 404', async () => {
    for (const path of ['/nothing', '/users/x/y/z', '/', '/../v1/nothing']) {
      expect(await people.admin.call('GET', path)).toMatchObject({ status: 404 });
    }
    expect((await people.admin.call('PUT', '/users', {})).status).toBe(404);
    expect((await callApi(mandate.issuer, 'GET', '/nothing')).status).toBe(401);
  });
});
