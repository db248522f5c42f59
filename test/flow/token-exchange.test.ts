/** Token exchange (RFC 8693): who may hand in what, what comes out, and that it dies with what it came from. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import * as oauth from 'oauth4webapi';
import { makeProof, type ProofKey, proofKey } from '../support/dpop.ts';
import { issueToken } from '../support/issue-token.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, introspect, postForm, tokenByCode } from '../support/oauth.ts';
import { register } from '../support/oauth-requests.ts';
import { needing, setPolicies } from '../support/policies.ts';

const actor = { id: 'command' };
const grantType = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';
const gateway = { id: 'atlas-gateway', secret: 'g'.repeat(43) };
const names = (scope: unknown) => String(scope).split(' ').toSorted();

let mandate: TestMandate;
let owner: string;
let project: string;
let borealis: string;
let role: string;
let server: string;

beforeAll(async () => {
  mandate = await startMandate();
  const { stores } = mandate;
  owner = (await stores.users.findByEmail('editor@acme.test'))?.id ?? '';
  project = (await stores.projects.findBySlug('atlas'))?.id ?? '';
  borealis = (await stores.projects.findBySlug('borealis'))?.id ?? '';
  role = (await stores.roles.findBySlug('editor'))?.id ?? '';
  server = (await stores.mcpServers.findByName('atlas-flows'))?.id ?? '';
  await stores.clients.saveRegistered(actor, {
    ...gateway,
    metadata: {
      redirect_uris: [],
      response_types: [],
      grant_types: [],
      token_endpoint_auth_method: 'client_secret_basic',
    },
  });
});
afterAll(() => mandate.stop());
beforeEach(async () => {
  await allow({ own: true, from: [demo.atlasFlows], to: [demo.api, demo.atlasFlows] });
});

const allow = (
  tokenExchange: { own: boolean; from: string[]; to: string[] } | null,
  id: string = gateway.id,
) => mandate.stores.clients.configure(actor, id, { tokenExchange });

/** What the editor handed to `acme-web`. */
const authorize = (over: { clientId?: string; expiresAt?: number } = {}) =>
  mandate.store.transact((trx) =>
    mandate.stores.authorizations.insert(trx, actor, {
      kind: 'oauth2',
      userId: owner,
      clientId: over.clientId ?? demo.web.id,
      capabilities: ['mcp', 'api', 'flows:edit'],
      projects: [
        { id: project, roles: [role] },
        { id: borealis, roles: [role] },
      ],
      mcpServers: [server],
      asked: [],
      expiresAt: over.expiresAt ?? null,
    }),
  );
const tokenOf = (
  { id, clientId }: { id: string; clientId: string | null },
  over: { audience?: string; ceiling?: string[]; lifetimeSeconds?: number } = {},
) =>
  issueToken(mandate.store, {
    authorizationId: id,
    clientId: clientId ?? '',
    audience: over.audience ?? demo.atlasFlows,
    issuedAt: mandate.clock.now(),
    ...(over.ceiling && { ceiling: over.ceiling }),
    ...(over.lifetimeSeconds && { lifetimeSeconds: over.lifetimeSeconds }),
  });
const exchange = (
  token: string | undefined,
  fields: Record<string, string> = {},
  as: { id: string; secret: string } = gateway,
  headers?: Record<string, string>,
) =>
  askToken(
    mandate.issuer,
    {
      grant_type: grantType,
      subject_token: token ?? '',
      subject_token_type: accessTokenType,
      resource: demo.api,
      ...fields,
    },
    as,
    headers,
  );
const atApi = (token: unknown) => introspect(mandate.issuer, String(token));
const childOf = async (id: string) => (await mandate.stores.handedOn.under(id, 10))[0];

describe('what comes out', () => {
  test('is for the other audience, of the client that exchanged, and no more than the token that was handed in', async () => {
    const parent = await authorize();
    const { status, body } = await exchange(await tokenOf(parent));
    expect([status, body]).toEqual([
      200,
      {
        access_token: expect.any(String),
        issued_token_type: accessTokenType,
        token_type: 'Bearer',
        expires_in: 3_600,
        // `api` is nothing that a token for an MCP server is shown, and borealis is not that server's project.
        scope: 'flows:edit',
        authorization_details: expect.any(Array),
      },
    ]);
    const child = await childOf(parent.id);
    expect(await atApi(body.access_token)).toMatchObject({
      active: true,
      aud: demo.api,
      client_id: gateway.id,
      sub: owner,
      scope: 'flows:edit',
      authorization_id: child?.id,
      authorization_details: [{ type: 'project', identifier: project, actions: ['flows:edit'] }],
    });
    expect(await introspect(mandate.issuer, body.access_token ?? '', demo.mcpServer)).toEqual({
      active: false,
    });
  });

  test('is one authorization however often it is asked for', async () => {
    const parent = await authorize();
    const tokens = await Promise.all([tokenOf(parent), tokenOf(parent), tokenOf(parent)]);
    const answers = await Promise.all(tokens.map((token) => exchange(token)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await mandate.stores.handedOn.under(parent.id, 10)).length).toBe(1);
    const { changes } = { changes: await mandate.store.db.selectFrom('changes').selectAll().execute() };
    const child = await childOf(parent.id);
    const recorded = changes.filter(({ subject_id: id }) => id === child?.id);
    expect(recorded.map(({ action, actor: by }) => [action, by])).toEqual([
      ['created', `client:${gateway.id}`],
    ]);
    expect(JSON.parse(recorded[0]?.after ?? '{}')).toMatchObject({ parent: parent.id, resource: demo.api });
  });

  test('a spelling of the resource, or the same as audience, is the same', async () => {
    const parent = await authorize();
    const token = await tokenOf(parent);
    expect((await exchange(token, { resource: `${demo.api}/` })).status).toBe(200);
    expect((await exchange(token, { audience: demo.api })).status).toBe(200);
    expect((await mandate.stores.handedOn.under(parent.id, 10)).length).toBe(1);
  });

  test('a narrower scope stays narrower when its parent holds more again', async () => {
    const own = await authorize({ clientId: gateway.id });
    const token = await tokenOf(own, { audience: demo.api });
    const narrow = await exchange(token, { scope: 'api' });
    expect([narrow.status, narrow.body.scope]).toEqual([200, 'api']);
    expect((await atApi(narrow.body.access_token)).scope).toBe('api');
    const whole = await exchange(token);
    expect(names(whole.body.scope)).toEqual(['api', 'flows:edit']);
    expect((await atApi(narrow.body.access_token)).scope).toBe('api');
    const further = await exchange(narrow.body.access_token);
    expect([further.status, further.body.scope]).toEqual([200, 'api']);
    expect((await exchange(narrow.body.access_token, { scope: 'flows:edit' })).body.error).toBe(
      'invalid_scope',
    );
  });

  test('what the token handed in was narrowed to is a ceiling, also for an exchange that names no scope', async () => {
    const own = await authorize({ clientId: gateway.id });
    const token = await tokenOf(own, { audience: demo.api, ceiling: ['api'] });
    const { body } = await exchange(token);
    expect([body.scope, (await atApi(body.access_token)).scope]).toEqual(['api', 'api']);
    expect((await exchange(token, { scope: 'flows:edit' })).body.error).toBe('invalid_scope');
  });

  test('never lives longer than the token that was handed in, or its authorization', async () => {
    const parent = await authorize({ expiresAt: mandate.clock.now() + 900 });
    expect((await exchange(await tokenOf(parent, { lifetimeSeconds: 120 }))).body.expires_in).toBe(120);
    const { body } = await exchange(await tokenOf(parent));
    expect(body.expires_in).toBe(900);
    expect((await atApi(body.access_token)).exp).toBe(parent.expiresAt);
  });

  test('no refresh token, and introspection knows no other one', async () => {
    const { body } = await exchange(await tokenOf(await authorize()));
    expect(body.refresh_token).toBeUndefined();
    const refused = await askToken(
      mandate.issuer,
      { grant_type: 'refresh_token', refresh_token: body.access_token ?? '' },
      gateway,
    );
    expect(refused.status).toBe(400);
  });

  test('an API key is exchanged for the part that the client is shown of it', async () => {
    const made = await mandate.stores.apiKeys.create(actor, {
      name: 'key',
      userId: owner,
      capabilities: ['mcp', 'api', 'flows:edit'],
      roles: [],
      projects: [
        { id: project, roles: [role] },
        { id: borealis, roles: [role] },
      ],
      mcpServers: [server],
      expiresAt: null,
    });
    const { status, body } = await exchange(made.secret);
    expect([status, body.scope, body.expires_in]).toEqual([200, 'flows:edit', 3_600]);
    expect((await atApi(body.access_token)).authorization_details).toMatchObject([{ identifier: project }]);
    await mandate.stores.authorizations.revoke(actor, made.authorization.id);
    expect(await atApi(body.access_token)).toEqual({ active: false });
  });
});

describe('its life', () => {
  test('narrowed, suspended and ended with its parent', async () => {
    const parent = await authorize();
    const { body } = await exchange(await tokenOf(parent));
    const scope = async () => (await atApi(body.access_token)).scope;
    await mandate.stores.authorizations.suspend(actor, parent.id);
    expect(await atApi(body.access_token)).toEqual({ active: false });
    await mandate.stores.authorizations.resume(actor, parent.id);
    expect(await scope()).toBe('flows:edit');
    const choice = { capabilities: ['mcp'], projects: [], asked: [], expiresAt: null };
    await mandate.store.transact((trx) =>
      mandate.stores.authorizations.replaceChoice(trx, actor, parent.id, { ...choice, mcpServers: [server] }),
    );
    expect(await atApi(body.access_token)).toEqual({ active: false });
    await mandate.store.transact((trx) =>
      mandate.stores.authorizations.replaceChoice(trx, actor, parent.id, {
        capabilities: ['mcp', 'flows:edit'],
        projects: [{ id: project, roles: [role] }],
        mcpServers: [server],
        asked: [],
        expiresAt: null,
      }),
    );
    expect(await scope()).toBe('flows:edit');
    await mandate.stores.authorizations.revoke(actor, parent.id);
    expect(await atApi(body.access_token)).toEqual({ active: false });
  });

  test('a disabled tool takes along what it handed on', async () => {
    const parent = await authorize();
    const { body } = await exchange(await tokenOf(parent));
    await mandate.stores.clients.disable(actor, demo.web.id);
    expect(await atApi(body.access_token)).toEqual({ active: false });
    await mandate.stores.clients.enable(actor, demo.web.id);
    expect(await atApi(body.access_token)).toMatchObject({ active: true });
  });

  test('TX-07: what its owner revoked is not made again, while the tool goes on', async () => {
    const parent = await authorize();
    const token = await tokenOf(parent);
    const { body } = await exchange(token);
    await mandate.stores.authorizations.revoke({ id: owner }, (await childOf(parent.id))?.id ?? '');
    expect(await atApi(body.access_token)).toEqual({ active: false });
    expect((await exchange(token)).body).toMatchObject({ error: 'invalid_request' });
    expect(await introspect(mandate.issuer, token, demo.mcpServer)).toMatchObject({ active: true });
  });

  test('the client revokes a token of its own, and only that', async () => {
    const parent = await authorize();
    const token = await tokenOf(parent);
    const [one, other] = [await exchange(token), await exchange(token)];
    const gone = await postForm(`${mandate.issuer}/revoke`, { token: one.body.access_token ?? '' }, gateway);
    expect(gone.status).toBe(200);
    expect(await atApi(one.body.access_token)).toEqual({ active: false });
    expect(await atApi(other.body.access_token)).toMatchObject({ active: true });
  });

  test('a policy that does not let the client be authorized takes it all', async () => {
    const parent = await authorize();
    const token = await tokenOf(parent);
    const { body } = await exchange(token);
    await mandate.stores.clients.unverify(actor, gateway.id);
    await setPolicies(mandate, { clients: { permitted: 'verified' } });
    expect(await atApi(body.access_token)).toEqual({ active: false });
    expect((await exchange(token)).body.error).toBe('invalid_request');
    expect(await introspect(mandate.issuer, token, demo.mcpServer)).toMatchObject({ active: true });
    await setPolicies(mandate);
    await mandate.stores.clients.verify(actor, gateway.id);
    expect(await atApi(body.access_token)).toMatchObject({ active: true });
  });

  test('an approval that the tool has counts for what it handed on', async () => {
    const parent = await authorize();
    const { body } = await exchange(await tokenOf(parent));
    await setPolicies(mandate, needing('flows:edit'));
    expect(await atApi(body.access_token)).toEqual({ active: false });
    await setPolicies(mandate);
    expect(await atApi(body.access_token)).toMatchObject({ active: true });
  });

  test('when a code comes back, the tokens that were made of its tokens end too', async () => {
    const answer = await tokenByCode(
      mandate.issuer,
      {
        email: 'editor@acme.test',
        answers: {
          mcp: true,
          'flows:edit': true,
          atlas: true,
          'Role in atlas': 'Editor',
          'atlas-flows': true,
        },
      },
      { resource: demo.atlasFlows, scope: 'mcp flows:edit' },
    );
    const { body } = await exchange(answer.access_token);
    expect(await atApi(body.access_token)).toMatchObject({ active: true });
    const again = { grant_type: 'authorization_code', code: answer.code, code_verifier: answer.verifier };
    await askToken(mandate.issuer, { ...again, redirect_uri: demo.web.redirect }, demo.web);
    expect(await atApi(body.access_token)).toEqual({ active: false });
  });
});

describe('TX-03: who may not', () => {
  test('a client that no administrator allowed, whatever its metadata says', async () => {
    const token = await tokenOf(await authorize());
    await allow(null);
    expect(await exchange(token)).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } });
    const { metadata = {} } = (await mandate.stores.clients.find(gateway.id)) ?? {};
    const listing = { ...metadata, grant_types: [grantType] };
    await mandate.stores.clients.saveRegistered(actor, { id: gateway.id, metadata: listing });
    expect((await exchange(token)).body.error).toBe('unauthorized_client');
    await mandate.stores.clients.saveRegistered(actor, { id: gateway.id, metadata });
  });

  test.each(['none', 'client_secret_basic'])(
    'one that registered itself with %s, even where a row says that it may',
    async (method) => {
      const { body } = await register(mandate.issuer, {
        redirect_uris: ['http://127.0.0.1/callback'],
        grant_types: [grantType, 'authorization_code'],
        token_endpoint_auth_method: method,
        token_exchange: { own: true, from: [demo.atlasFlows], to: [demo.api] },
      });
      const { client_id: id, client_secret: secret, grant_types: grants } = body;
      expect(grants).not.toContain(grantType);
      expect((await mandate.stores.clients.find(String(id)))?.tokenExchange).toBeNull();
      await allow({ own: true, from: [demo.atlasFlows], to: [demo.api] }, String(id));
      const token = await tokenOf(await authorize());
      const fields = { grant_type: grantType, subject_token: token, subject_token_type: accessTokenType };
      const answer =
        secret === undefined
          ? await askToken(mandate.issuer, { ...fields, client_id: String(id) })
          : await askToken(mandate.issuer, fields, { id: String(id), secret: String(secret) });
      expect([answer.status, answer.body.access_token]).toEqual([400, undefined]);
    },
  );

  test('a public client that an administrator registered', async () => {
    await allow({ own: true, from: [], to: [demo.api] }, demo.cli.id);
    const own = await authorize({ clientId: demo.cli.id });
    const answer = await askToken(mandate.issuer, {
      grant_type: grantType,
      client_id: demo.cli.id,
      subject_token: await tokenOf(own, { audience: demo.api }),
      subject_token_type: accessTokenType,
    });
    expect([answer.status, answer.body.access_token]).toEqual([400, undefined]);
    await allow(null, demo.cli.id);
  });

  test('a wrong secret is invalid_client', async () => {
    const token = await tokenOf(await authorize());
    expect((await exchange(token, {}, { ...gateway, secret: 'wrong' })).body.error).toBe('invalid_client');
  });
});

describe('TX-04: tokens that are not taken', () => {
  const same = { error: 'invalid_request', error_description: expect.stringContaining('subject token') };

  test('all of them alike: unknown, foreign, of another audience, expired, suspended, revoked', async () => {
    const parent = await authorize();
    const expired = await tokenOf(parent, { lifetimeSeconds: 1 });
    const foreign = await tokenOf(parent, { audience: demo.api });
    const suspended = await authorize();
    const revoked = await authorize();
    const tokens = [
      'unknown',
      foreign,
      await tokenOf(parent, { audience: demo.borealisReports }),
      await tokenOf(parent, { audience: `${mandate.issuer}/api/v1` }),
      await tokenOf(suspended),
      await tokenOf(revoked),
      expired,
    ];
    await mandate.stores.authorizations.suspend(actor, suspended.id);
    await mandate.stores.authorizations.revoke(actor, revoked.id);
    mandate.clock.advance(2);
    const answers = await Promise.all(tokens.map((token) => exchange(token)));
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(answers[0]).toMatchObject({ status: 400, body: same });
    expect(await mandate.stores.handedOn.under(parent.id, 10)).toEqual([]);
  });

  test('its own where it may exchange only those of others', async () => {
    await allow({ own: false, from: [demo.atlasFlows], to: [demo.api] });
    const own = await authorize({ clientId: gateway.id });
    expect((await exchange(await tokenOf(own))).body).toMatchObject(same);
  });

  test('refresh tokens and ID tokens', async () => {
    const { refresh_token: refresh, id_token: idToken } = await tokenByCode(
      mandate.issuer,
      { email: 'editor@acme.test', answers: { 'flows:edit': true, atlas: true, 'Role in atlas': 'Editor' } },
      { scope: 'openid api flows:edit offline_access' },
    );
    expect((await exchange(refresh)).body).toMatchObject(same);
    expect((await exchange(String(idToken))).body).toMatchObject(same);
    for (const type of ['refresh_token', 'id_token', 'jwt', 'saml2']) {
      const urn = `urn:ietf:params:oauth:token-type:${type}`;
      expect((await exchange(refresh, { subject_token_type: urn })).body.error).toBe('invalid_request');
    }
  });
});

describe('TX-05: requests that are refused', () => {
  test.each([
    ['an actor token', { actor_token: 'x', actor_token_type: accessTokenType }],
    ['another requested type', { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }],
    ['no subject token', { subject_token: '' }],
  ])('%s', async (_, fields) => {
    const token = await tokenOf(await authorize());
    expect((await exchange(token, fields)).body.error).toBe('invalid_request');
  });

  test.each([
    ['an unknown resource', 'https://unknown.example'],
    ['one that is not allowed', demo.borealisReports],
    ['a fragment', `${demo.api}#x`],
  ])('%s is invalid_target', async (_, resource) => {
    expect((await exchange(await tokenOf(await authorize()), { resource })).body.error).toBe(
      'invalid_target',
    );
  });

  test('two targets, and the administration whatever is set', async () => {
    const token = await tokenOf(await authorize());
    const administration = `${mandate.issuer}/api/v1`;
    await allow({ own: true, from: [demo.atlasFlows], to: [demo.api, demo.atlasFlows, administration] });
    expect((await exchange(token, { audience: demo.atlasFlows })).body.error).toBe('invalid_target');
    expect((await exchange(token, { resource: administration })).body.error).toBe('invalid_target');
  });

  test('more than the token allows there', async () => {
    const token = await tokenOf(await authorize());
    for (const scope of ['api', 'secrets:edit', 'flows:edit mandate:admin', 'nonsense']) {
      expect((await exchange(token, { scope })).body.error).toBe('invalid_scope');
    }
  });

  test('a fourth step', async () => {
    const own = await authorize({ clientId: gateway.id });
    let token: string | undefined = await tokenOf(own, { audience: demo.api });
    for (let step = 1; step <= 3; step++) {
      const { status, body } = await exchange(token);
      expect(status).toBe(200);
      token = body.access_token;
    }
    expect((await exchange(token)).body.error).toBe('invalid_request');
  });
});

describe('TX-06: bound to a key', () => {
  let key: ProofKey;
  beforeAll(async () => {
    key = await proofKey();
  });
  const proof = async (by = key) => ({
    DPoP: await makeProof(by, {
      method: 'POST',
      url: `${mandate.issuer}/token`,
      accessToken: '',
      now: Math.floor(Date.now() / 1_000),
      claims: { ath: undefined },
    }),
  });

  test('to the key that the client proves; its own bound token needs the same one', async () => {
    const own = await authorize({ clientId: gateway.id });
    const token = await tokenOf(own, { audience: demo.api });
    const { status, body } = await exchange(token, {}, gateway, await proof());
    expect([status, body.token_type]).toEqual([200, 'DPoP']);
    expect(await atApi(body.access_token)).toMatchObject({ cnf: { jkt: expect.any(String) } });
    expect((await exchange(body.access_token)).body.error).toBe('invalid_request');
    const other = await proofKey();
    expect((await exchange(body.access_token, {}, gateway, await proof(other))).status).toBe(400);
    expect((await exchange(body.access_token, {}, gateway, await proof())).status).toBe(200);
  });

  test('a proof counts once', async () => {
    const own = await authorize({ clientId: gateway.id });
    const token = await tokenOf(own, { audience: demo.api });
    const headers = await proof();
    expect((await exchange(token, {}, gateway, headers)).status).toBe(200);
    expect((await exchange(token, {}, gateway, headers)).status).toBe(400);
  });
});

test('oauth4webapi: from the metadata to the token', async () => {
  const insecure = { [oauth.allowInsecureRequests]: true };
  const issuer = new URL(mandate.issuer);
  const as = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }),
  );
  expect(as.grant_types_supported).toContain(grantType);
  const { access_token: subject } = await tokenByCode(
    mandate.issuer,
    {
      email: 'editor@acme.test',
      answers: { mcp: true, 'flows:edit': true, atlas: true, 'Role in atlas': 'Editor', 'atlas-flows': true },
    },
    { resource: demo.atlasFlows, scope: 'mcp flows:edit' },
  );
  const client = { client_id: gateway.id };
  const response = await oauth.genericTokenEndpointRequest(
    as,
    client,
    oauth.ClientSecretBasic(gateway.secret),
    grantType,
    {
      subject_token: subject ?? '',
      subject_token_type: accessTokenType,
      resource: demo.api,
      scope: 'flows:edit',
    },
    insecure,
  );
  const result = await oauth.processGenericTokenEndpointResponse(as, client, response);
  expect(result).toMatchObject({
    issued_token_type: accessTokenType,
    token_type: 'bearer',
    scope: 'flows:edit',
  });
  expect(await atApi(result.access_token)).toMatchObject({
    active: true,
    client_id: gateway.id,
    username: 'editor@acme.test',
  });
});
