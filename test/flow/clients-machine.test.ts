/** Machines: a service account's own client by client_credentials (RFC 6749 section 4.4), and everybody else refused. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, introspect } from '../support/oauth.ts';
import { register } from '../support/oauth-requests.ts';

const actor = { id: 'command' };

describe.each(engines)('client_credentials, on %s', (engine) => {
  let mandate: TestMandate;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
  });
  afterAll(() => mandate.stop());

  const ask = (fields: Record<string, string> = {}, basic: { id: string; secret: string } = demo.ci) =>
    askToken(mandate.issuer, { grant_type: 'client_credentials', ...fields }, basic);
  const names = (scope: unknown) => String(scope).split(' ').toSorted();
  const ci = async () => {
    const user = await mandate.stores.users.findByEmail('ci@acme.test');
    if (!user) throw new Error('the demo has no ci@acme.test');
    return user;
  };

  test('without a scope it is everything that the account may do for the API now', async () => {
    const { status, body } = await ask();
    expect(status).toBe(200);
    expect(names(body.scope)).toEqual(['api', 'apps:view', 'endpoints:access', 'flows:edit']);
    expect(body.refresh_token).toBeUndefined();
    expect(await introspect(mandate.issuer, body.access_token ?? '')).toMatchObject({
      active: true,
      client_id: demo.ci.id,
      username: 'ci@acme.test',
      sub: (await ci()).id,
      aud: demo.api,
      scope: body.scope,
    });
  });

  test('a subset may be asked for, and is a ceiling', async () => {
    const { status, body } = await ask({ scope: 'api flows:edit' });
    expect([status, names(body.scope)]).toEqual([200, ['api', 'flows:edit']]);
    const { scope } = await introspect(mandate.issuer, body.access_token ?? '');
    expect(names(scope)).toEqual(['api', 'flows:edit']);
  });

  test('for an MCP server it is what the server guards', async () => {
    const { status, body } = await ask({ resource: demo.atlasFlows });
    expect([status, names(body.scope)]).toEqual([200, ['endpoints:access', 'flows:edit', 'mcp']]);
    expect(await introspect(mandate.issuer, body.access_token ?? '', demo.mcpServer)).toMatchObject({
      active: true,
      aud: demo.atlasFlows,
    });
    expect(await introspect(mandate.issuer, body.access_token ?? '')).toEqual({ active: false });
  });

  test.each(['secrets:edit', 'api secrets:edit', 'users.manage', 'apps:admin'])(
    'TK-09: %s is beyond the account: invalid_scope',
    async (scope) => {
      expect(await ask({ scope })).toMatchObject({ status: 400, body: { error: 'invalid_scope' } });
    },
  );

  test('a server that the account may not call, and an unknown resource, give nothing', async () => {
    expect((await ask({ resource: demo.borealisReports })).status).toBe(400);
    expect((await ask({ resource: 'https://unknown.example' })).body.error).toBe('invalid_target');
  });

  test('a wrong secret is invalid_client', async () => {
    const wrong = { id: demo.ci.id, secret: 'wrong' };
    expect(await ask({}, wrong)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  test('mandate-cli and acme-web are refused', async () => {
    const fields = { grant_type: 'client_credentials', client_id: demo.cli.id, scope: 'api' };
    expect((await askToken(mandate.issuer, fields)).status).toBe(400);
    expect((await ask({ scope: 'api' }, demo.web)).status).toBe(400);
  });

  test.each(['none', 'client_secret_basic', 'client_secret_post'])(
    'a client that registered itself for it with %s is refused',
    async (method) => {
      const registered = await register(mandate.issuer, {
        redirect_uris: ['http://127.0.0.1/callback'],
        grant_types: ['client_credentials', 'authorization_code'],
        token_endpoint_auth_method: method,
        scope: 'api',
      });
      const { client_id: id, client_secret: secret, grant_types: grants } = registered.body;
      expect(grants).not.toContain('client_credentials');
      const fields = { grant_type: 'client_credentials', scope: 'api' };
      const answer =
        method === 'client_secret_basic'
          ? await ask({ scope: 'api' }, { id: String(id), secret: String(secret) })
          : await askToken(mandate.issuer, {
              ...fields,
              client_id: String(id),
              ...(secret === undefined ? {} : { client_secret: String(secret) }),
            });
      expect(answer.status).toBe(400);
      expect(answer.body.access_token).toBeUndefined();
    },
  );

  test('follows the account: off a project and back, for tokens in the field', async () => {
    const { body } = await ask();
    const { id } = await ci();
    const [atlas, editor] = [
      (await mandate.stores.projects.list({ limit: 10 })).find(({ slug }) => slug === 'atlas'),
      (await mandate.stores.roles.list()).find(({ slug }) => slug === 'editor'),
    ];
    const assignment = { userId: id, roleId: editor?.id ?? '', projectId: atlas?.id ?? '' };
    const scopeNow = async () => names((await introspect(mandate.issuer, body.access_token ?? '')).scope);
    await mandate.stores.users.unassign(actor, assignment);
    expect(await scopeNow()).toEqual(['api', 'apps:view']);
    expect(await ask({ scope: 'flows:edit' })).toMatchObject({ body: { error: 'invalid_scope' } });
    await mandate.stores.users.assign(actor, assignment);
    expect(await scopeNow()).toContain('flows:edit');
  });

  test('suspending the account acts at once, on tokens in the field and on new ones', async () => {
    const { body } = await ask();
    const { id } = await ci();
    await mandate.stores.users.suspend(actor, id);
    expect(await introspect(mandate.issuer, body.access_token ?? '')).toEqual({ active: false });
    const refused = await ask();
    expect([refused.status, refused.body.access_token]).toEqual([400, undefined]);
    await mandate.stores.users.resume(actor, id);
    expect(await introspect(mandate.issuer, body.access_token ?? '')).toMatchObject({ active: true });
    expect((await ask()).status).toBe(200);
  });
});
