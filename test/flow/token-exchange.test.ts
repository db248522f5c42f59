/** Token exchange (RFC 8693): what comes out, and that it dies with what it came from. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import * as oauth from 'oauth4webapi';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, introspect, postForm, tokenByCode } from '../support/oauth.ts';
import { needing, setPolicies } from '../support/policies.ts';
import {
  accessTokenType,
  type Exchange,
  exchangeGrant,
  gateway,
  prepareExchange,
} from '../support/token-exchange.ts';

const actor = { id: 'command' };
const names = (scope: unknown) => String(scope).split(' ').toSorted();

let mandate: TestMandate;
let at: Exchange;

beforeAll(async () => {
  mandate = await startMandate();
  at = await prepareExchange(mandate);
});
afterAll(() => mandate.stop());
beforeEach(async () => {
  await at.allow();
});

describe('what comes out', () => {
  test('is for the other audience, of the client that exchanged, and no more than the token that was handed in', async () => {
    const parent = await at.authorize();
    const { status, body } = await at.exchange(await at.tokenOf(parent));
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
    const child = await at.childOf(parent.id);
    expect(await at.atApi(body.access_token)).toMatchObject({
      active: true,
      aud: demo.api,
      client_id: gateway.id,
      sub: at.owner,
      scope: 'flows:edit',
      authorization_id: child?.id,
      authorization_details: [{ type: 'project', identifier: at.project, actions: ['flows:edit'] }],
    });
    expect(await introspect(mandate.issuer, body.access_token ?? '', demo.mcpServer)).toEqual({
      active: false,
    });
  });

  test('is one authorization however often it is asked for', async () => {
    const parent = await at.authorize();
    const tokens = await Promise.all([at.tokenOf(parent), at.tokenOf(parent), at.tokenOf(parent)]);
    const answers = await Promise.all(tokens.map((token) => at.exchange(token)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await mandate.stores.handedOn.under(parent.id, 10)).length).toBe(1);
    const { changes } = { changes: await mandate.store.db.selectFrom('changes').selectAll().execute() };
    const child = await at.childOf(parent.id);
    const recorded = changes.filter(({ subject_id: id }) => id === child?.id);
    expect(recorded.map(({ action, actor: by }) => [action, by])).toEqual([
      ['created', `client:${gateway.id}`],
    ]);
    expect(JSON.parse(recorded[0]?.after ?? '{}')).toMatchObject({ parent: parent.id, resource: demo.api });
  });

  test('a spelling of the resource, or the same as audience, is the same', async () => {
    const parent = await at.authorize();
    const token = await at.tokenOf(parent);
    expect((await at.exchange(token, { resource: `${demo.api}/` })).status).toBe(200);
    expect((await at.exchange(token, { audience: demo.api })).status).toBe(200);
    expect((await mandate.stores.handedOn.under(parent.id, 10)).length).toBe(1);
  });

  test('a narrower scope stays narrower when its parent holds more again', async () => {
    const own = await at.authorize({ clientId: gateway.id });
    const token = await at.tokenOf(own, { audience: demo.api });
    const narrow = await at.exchange(token, { scope: 'api' });
    expect([narrow.status, narrow.body.scope]).toEqual([200, 'api']);
    expect((await at.atApi(narrow.body.access_token)).scope).toBe('api');
    const whole = await at.exchange(token);
    expect(names(whole.body.scope)).toEqual(['api', 'flows:edit']);
    expect((await at.atApi(narrow.body.access_token)).scope).toBe('api');
    const further = await at.exchange(narrow.body.access_token);
    expect([further.status, further.body.scope]).toEqual([200, 'api']);
    expect((await at.exchange(narrow.body.access_token, { scope: 'flows:edit' })).body.error).toBe(
      'invalid_scope',
    );
  });

  test('what the token handed in was narrowed to is a ceiling, also for an exchange that names no scope', async () => {
    const own = await at.authorize({ clientId: gateway.id });
    const token = await at.tokenOf(own, { audience: demo.api, ceiling: ['api'] });
    const { body } = await at.exchange(token);
    expect([body.scope, (await at.atApi(body.access_token)).scope]).toEqual(['api', 'api']);
    expect((await at.exchange(token, { scope: 'flows:edit' })).body.error).toBe('invalid_scope');
  });

  test('never lives longer than the token that was handed in, or its authorization', async () => {
    const parent = await at.authorize({ expiresAt: mandate.clock.now() + 900 });
    expect((await at.exchange(await at.tokenOf(parent, { lifetimeSeconds: 120 }))).body.expires_in).toBe(120);
    const { body } = await at.exchange(await at.tokenOf(parent));
    expect(body.expires_in).toBe(900);
    expect((await at.atApi(body.access_token)).exp).toBe(parent.expiresAt);
  });

  test('no refresh token, and introspection knows no other one', async () => {
    const { body } = await at.exchange(await at.tokenOf(await at.authorize()));
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
      userId: at.owner,
      ...at.slice,
      roles: [],
      expiresAt: null,
    });
    const { status, body } = await at.exchange(made.secret);
    expect([status, body.scope, body.expires_in]).toEqual([200, 'flows:edit', 3_600]);
    expect((await at.atApi(body.access_token)).authorization_details).toMatchObject([
      { identifier: at.project },
    ]);
    await mandate.stores.authorizations.revoke(actor, made.authorization.id);
    expect(await at.atApi(body.access_token)).toEqual({ active: false });
  });
});

test('a service account’s client exchanges too, and goes on acting as its account', async () => {
  await at.allow({ own: false, from: [demo.atlasFlows], to: [demo.api] }, demo.ci.id);
  const parent = await at.authorize();
  const { body } = await at.exchange(await at.tokenOf(parent), {}, demo.ci);
  expect(await at.atApi(body.access_token)).toMatchObject({ client_id: demo.ci.id, sub: at.owner });
  const own = await askToken(mandate.issuer, { grant_type: 'client_credentials' }, demo.ci);
  expect(await at.atApi(own.body.access_token)).toMatchObject({ username: 'ci@acme.test' });
});

test('the request that the documentation shows', async () => {
  const text = await readFile(join(import.meta.dirname, '../../docs/clients.md'), 'utf8');
  const [, snippet = ''] = /## Handing on[\s\S]*?```sh\n([\s\S]*?)```/.exec(text) ?? [];
  const { stdout } = await promisify(execFile)('bash', ['-c', snippet], {
    env: {
      PATH: process.env.PATH,
      ISSUER: mandate.issuer,
      GATEWAY_SECRET: gateway.secret,
      TOKEN: await at.tokenOf(await at.authorize()),
    },
  });
  expect(JSON.parse(stdout)).toMatchObject({ issued_token_type: accessTokenType, scope: 'flows:edit' });
});

describe('its life', () => {
  test('narrowed, suspended and ended with its parent', async () => {
    const parent = await at.authorize();
    const { body } = await at.exchange(await at.tokenOf(parent));
    const scope = async () => (await at.atApi(body.access_token)).scope;
    await mandate.stores.authorizations.suspend(actor, parent.id);
    expect(await at.atApi(body.access_token)).toEqual({ active: false });
    await mandate.stores.authorizations.resume(actor, parent.id);
    expect(await scope()).toBe('flows:edit');
    const choice = { capabilities: ['mcp'], projects: [], asked: [], expiresAt: null };
    await mandate.store.transact((trx) =>
      mandate.stores.authorizations.replaceChoice(trx, actor, parent.id, {
        ...choice,
        mcpServers: [at.server],
      }),
    );
    expect(await at.atApi(body.access_token)).toEqual({ active: false });
    await mandate.store.transact((trx) =>
      mandate.stores.authorizations.replaceChoice(trx, actor, parent.id, {
        capabilities: ['mcp', 'flows:edit'],
        projects: [{ id: at.project, roles: [at.role] }],
        mcpServers: [at.server],
        asked: [],
        expiresAt: null,
      }),
    );
    expect(await scope()).toBe('flows:edit');
    await mandate.stores.authorizations.revoke(actor, parent.id);
    expect(await at.atApi(body.access_token)).toEqual({ active: false });
  });

  test('a disabled tool takes along what it handed on', async () => {
    const parent = await at.authorize();
    const { body } = await at.exchange(await at.tokenOf(parent));
    await mandate.stores.clients.disable(actor, demo.web.id);
    expect(await at.atApi(body.access_token)).toEqual({ active: false });
    await mandate.stores.clients.enable(actor, demo.web.id);
    expect(await at.atApi(body.access_token)).toMatchObject({ active: true });
  });

  test('TX-07: what its owner revoked is not made again, while the tool goes on', async () => {
    const parent = await at.authorize();
    const token = await at.tokenOf(parent);
    const { body } = await at.exchange(token);
    await mandate.stores.authorizations.revoke({ id: at.owner }, (await at.childOf(parent.id))?.id ?? '');
    expect(await at.atApi(body.access_token)).toEqual({ active: false });
    expect((await at.exchange(token)).body).toMatchObject({ error: 'invalid_request' });
    expect(await introspect(mandate.issuer, token, demo.mcpServer)).toMatchObject({ active: true });
  });

  test('the client revokes a token of its own, and only that', async () => {
    const parent = await at.authorize();
    const token = await at.tokenOf(parent);
    const [one, other] = [await at.exchange(token), await at.exchange(token)];
    const gone = await postForm(`${mandate.issuer}/revoke`, { token: one.body.access_token ?? '' }, gateway);
    expect(gone.status).toBe(200);
    expect(await at.atApi(one.body.access_token)).toEqual({ active: false });
    expect(await at.atApi(other.body.access_token)).toMatchObject({ active: true });
  });

  test('a policy that does not let the client be authorized takes it all', async () => {
    const parent = await at.authorize();
    const token = await at.tokenOf(parent);
    const { body } = await at.exchange(token);
    await mandate.stores.clients.unverify(actor, gateway.id);
    await setPolicies(mandate, { clients: { permitted: 'verified' } });
    expect(await at.atApi(body.access_token)).toEqual({ active: false });
    expect((await at.exchange(token)).body.error).toBe('invalid_request');
    expect(await introspect(mandate.issuer, token, demo.mcpServer)).toMatchObject({ active: true });
    await setPolicies(mandate);
    await mandate.stores.clients.verify(actor, gateway.id);
    expect(await at.atApi(body.access_token)).toMatchObject({ active: true });
  });

  test('an approval that the tool has counts for what it handed on', async () => {
    const parent = await at.authorize();
    const { body } = await at.exchange(await at.tokenOf(parent));
    await setPolicies(mandate, needing('flows:edit'));
    expect(await at.atApi(body.access_token)).toEqual({ active: false });
    await setPolicies(mandate);
    expect(await at.atApi(body.access_token)).toMatchObject({ active: true });
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
    const { body } = await at.exchange(answer.access_token);
    expect(await at.atApi(body.access_token)).toMatchObject({ active: true });
    const again = { grant_type: 'authorization_code', code: answer.code, code_verifier: answer.verifier };
    await askToken(mandate.issuer, { ...again, redirect_uri: demo.web.redirect }, demo.web);
    expect(await at.atApi(body.access_token)).toEqual({ active: false });
  });
});

test('oauth4webapi: from the metadata to the token', async () => {
  const insecure = { [oauth.allowInsecureRequests]: true };
  const issuer = new URL(mandate.issuer);
  const as = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }),
  );
  expect(as.grant_types_supported).toContain(exchangeGrant);
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
    exchangeGrant,
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
  expect(await at.atApi(result.access_token)).toMatchObject({
    active: true,
    client_id: gateway.id,
    username: 'editor@acme.test',
  });
});
