/** What real clients send to /authorize and /token, and what they get: by the numbers of "What real clients need". */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, introspect, pkce, postForm } from '../support/oauth.ts';
import { codeFlow, openConsent, registerClient } from '../support/oauth-requests.ts';

describe.each(engines)('on %s', (engine) => {
  const actor = { id: 'command' };
  const assistants = { name: 'lone-mcp', secret: 'a-secret-of-a-lone-resource-server' };
  /** An MCP server that has its origin to itself. */
  const lone = 'http://lone.example:4200/mcp';

  let mandate: TestMandate;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
    const atlas = (await mandate.stores.projects.list({ limit: 10 })).find(({ slug }) => slug === 'atlas');
    const { mcpServers, resourceServers } = mandate.stores;
    await mcpServers.create(actor, { name: 'lone', projectId: atlas?.id ?? '', resource: lone });
    await resourceServers.save(actor, { ...assistants, audiences: [lone] });
  });
  afterAll(() => mandate.stop());

  const run = (flow: Parameters<typeof codeFlow>[1]) => codeFlow(mandate.issuer, flow);
  const request = (fields: Record<string, string>) => ({
    client_id: demo.cli.id,
    redirect_uri: 'http://127.0.0.1:53124/callback',
    response_type: 'code',
    code_challenge: pkce().challenge,
    code_challenge_method: 'S256',
    state: 'state',
    ...fields,
  });

  describe('1. no scope is the baseline, unknown scopes are dropped, blanks trimmed', () => {
    test.each([
      ['no scope for the API', {}, 'api'],
      ['no scope for an MCP server', { resource: demo.atlasFlows }, 'mcp'],
      [
        'unknown scopes beside a known one',
        { resource: demo.atlasFlows, scope: 'mcp claudeai user:read' },
        'mcp',
      ],
      ['unknown scopes alone', { resource: demo.atlasFlows, scope: 'claudeai user:read' }, 'mcp'],
      [
        'leading, trailing and doubled blanks',
        { resource: demo.atlasFlows, scope: '  mcp  offline_access ' },
        'mcp',
      ],
      ['an empty scope', { resource: demo.atlasFlows, scope: '' }, 'mcp'],
    ])('%s: one click gives a token', async (_, fields, scope) => {
      const { status, body } = await run({ request: fields });
      expect([status, body.scope]).toEqual([200, scope]);
    });
  });

  describe('1. scope in a posted form, with blanks around, between and twice', () => {
    const scope = '  api   api flows:edit ';
    const asTool = { client_id: demo.cli.id };

    test('a pushed request', async () => {
      const { client_id: _id, ...fields } = request({ scope });
      const pushed = await postForm(`${mandate.issuer}/par`, { ...asTool, ...fields });
      expect([pushed.status, pushed.text]).toEqual([201, expect.stringContaining('request_uri')]);
      const { request_uri: uri } = JSON.parse(pushed.text) as { request_uri: string };
      const browser = createBrowserlessClient(mandate.issuer);
      const page = await openConsent(browser, { ...asTool, request_uri: uri });
      expect(page.title).toContain('Authorize');
    });

    test('a device authorization request', async () => {
      const { status, text } = await postForm(`${mandate.issuer}/device/auth`, { ...asTool, scope });
      expect([status, JSON.parse(text)]).toEqual([200, expect.objectContaining({ interval: 5 })]);
    });

    test('a refresh, and a machine that asks for itself', async () => {
      const { body } = await run({ request: { scope: 'api' } });
      const refresh = { grant_type: 'refresh_token', refresh_token: String(body.refresh_token), ...asTool };
      expect((await askToken(mandate.issuer, { ...refresh, scope: ' api  api ' })).body.scope).toBe('api');
      const machine = await askToken(mandate.issuer, { grant_type: 'client_credentials', scope }, demo.ci);
      expect([machine.status, machine.body.scope]).toEqual([200, 'api flows:edit']);
      const blank = await askToken(
        mandate.issuer,
        { grant_type: 'client_credentials', scope: '  ' },
        demo.ci,
      );
      expect(blank.status).toBe(200);
    });
  });

  describe('5. a resource is known in any spelling, and answered in the registered one', () => {
    const at = (origin: string) => [
      `${origin}/mcp`,
      `${origin}/mcp/`,
      `${origin}/mcp?x=1`,
      origin,
      `${origin}/`,
    ];
    const spellings = [...at('http://lone.example:4200'), 'HTTP://LONE.example:4200/mcp'];

    test.each(spellings)('%s at /authorize: the token is for the registered form', async (resource) => {
      const { status, body } = await run({ request: { resource }, answers: { lone: true } });
      expect(status).toBe(200);
      const caller = { id: assistants.name, secret: assistants.secret };
      expect(await introspect(mandate.issuer, body.access_token ?? '', caller)).toMatchObject({
        active: true,
        aud: lone,
      });
    });

    test.each([
      [lone, `${lone}/`],
      [`${lone}/`, lone],
      ['http://lone.example:4200', lone],
      [lone, 'http://lone.example:4200'],
      [lone, 'HTTP://LONE.EXAMPLE:4200/mcp?y'],
    ])('%s at /authorize and %s at /token are one resource', async (asked, redeemed) => {
      const redeem = { resource: redeemed };
      const { status, body } = await run({ request: { resource: asked }, redeem, answers: { lone: true } });
      expect(body.error).toBeUndefined();
      expect(status).toBe(200);
    });

    test.each([
      'http://localhost:4100/mcp/unknown',
      'http://elsewhere.example/mcp',
      `${lone}#fragment`,
      '/mcp/atlas',
      // Several resources live there: which one is meant cannot be told.
      'http://localhost:4100',
    ])('AZ-13: %s is invalid_target, sent back to the client with iss', async (resource) => {
      const browser = createBrowserlessClient(mandate.issuer);
      const page = await browser.get(`/authorize?${new URLSearchParams(request({ resource }))}`);
      const back = new URL(page.location ?? 'about:blank').searchParams;
      expect([back.get('error'), back.get('iss'), back.get('state')]).toEqual([
        'invalid_target',
        mandate.issuer,
        'state',
      ]);
    });

    test('AZ-13: a code for one resource buys no token for another', async () => {
      const redeem = { resource: demo.borealisReports };
      const { status, body } = await run({ request: { resource: demo.atlasFlows }, redeem });
      expect([status, body.error]).toEqual([400, 'invalid_target']);
    });
  });

  describe('6. native clients are known by their redirects, at any port of the loopback', () => {
    test.each([
      'http://127.0.0.1:61001/callback',
      'http://localhost:61002/callback',
      'http://[::1]:61003/callback',
      'http://127.0.0.1/callback',
    ])('mandate-cli may listen at %s', async (redirectUri) => {
      const { status, back } = await run({ redirectUri });
      expect(back.href.startsWith(redirectUri)).toBe(true);
      expect(status).toBe(200);
    });

    test('a client that registered a loopback redirect without saying that it is native may use any port', async () => {
      const { client_id: clientId } = await registerClient(mandate.issuer, 'http://127.0.0.1:7001/oauth');
      const { status } = await run({
        clientId: String(clientId),
        redirectUri: 'http://127.0.0.1:7999/oauth',
      });
      expect(status).toBe(200);
    });

    test('a client that registered a private scheme is called back through it', async () => {
      const redirectUri = 'com.example.assistant:/callback';
      const { client_id: clientId } = await registerClient(mandate.issuer, redirectUri);
      const { status, back } = await run({ clientId: String(clientId), redirectUri });
      expect([status, back.protocol]).toEqual([200, 'com.example.assistant:']);
    });

    test('a web client may use no other port than the one that it registered', async () => {
      const { client_id: clientId } = await registerClient(
        mandate.issuer,
        'https://web.example:8443/callback',
      );
      const fields = { client_id: String(clientId), redirect_uri: 'https://web.example:9443/callback' };
      const browser = createBrowserlessClient(mandate.issuer);
      const page = await browser.get(`/authorize?${new URLSearchParams(request(fields))}`);
      expect([page.status, page.location]).toEqual([400, undefined]);
    });
  });

  describe('12. errors at /authorize carry iss and state', () => {
    const answersOf = async (fields: Record<string, string>) => {
      const browser = createBrowserlessClient(mandate.issuer);
      const page = await browser.get(`/authorize?${new URLSearchParams(request(fields))}`);
      const { search, hash } = new URL(page.location ?? 'about:blank');
      const { error, iss, state } = Object.fromEntries(new URLSearchParams(search || hash.slice(1)));
      return { error, iss, state };
    };

    test.each([
      ['login_required', { prompt: 'none' }],
      ['invalid_request', { code_challenge_method: 'plain' }],
      ['unsupported_response_type', { response_type: 'token' }],
      ['unsupported_response_type', { response_type: 'id_token' }],
    ])('%s for %j', async (error, fields: Record<string, string>) => {
      const answer = await answersOf(fields);
      expect(answer).toEqual({ error, iss: mandate.issuer, state: 'state' });
    });

    test('a request without PKCE is refused', async () => {
      const { code_challenge: _, code_challenge_method: __, ...without } = request({});
      const browser = createBrowserlessClient(mandate.issuer);
      const page = await browser.get(`/authorize?${new URLSearchParams(without)}`);
      const back = new URL(page.location ?? 'about:blank').searchParams;
      expect([back.get('error'), back.get('iss')]).toEqual(['invalid_request', mandate.issuer]);
    });

    test('access_denied when the person denies', async () => {
      const browser = createBrowserlessClient(mandate.issuer);
      const page = await openConsent(browser, request({}));
      const { location } = await browser.submit(page, 'Deny', {}, { follow: true });
      const back = new URL(location ?? 'about:blank').searchParams;
      expect([back.get('error'), back.get('iss'), back.get('state')]).toEqual([
        'access_denied',
        mandate.issuer,
        'state',
      ]);
    });
  });

  describe('14. and 15. whoever returns finds the last choice; one authorization per consent and install', () => {
    const held = async (
      token: string | undefined,
      caller: { id: string; secret: string } = demo.apiServer,
    ) => {
      const answer = await introspect(mandate.issuer, token ?? '', caller);
      return { id: answer.authorization_id, scope: answer.scope };
    };

    test('a person who returns finds the last choice: one click gives the same', async () => {
      const browser = createBrowserlessClient(mandate.issuer);
      const answers = { api: true, 'flows:edit': true, atlas: true };
      const first = await run({ browser, request: { scope: 'api' }, answers });
      const second = await run({ browser, request: { scope: 'api' } });
      expect(second.body.scope).toBe('api flows:edit');
      expect(await held(second.body.access_token)).toEqual(await held(first.body.access_token));
    });

    test('the same install that consents again replaces its choice, for tokens in the field too', async () => {
      const browser = createBrowserlessClient(mandate.issuer);
      const first = await run({
        browser,
        request: { scope: 'api flows:edit' },
        answers: { api: true, 'flows:edit': true, atlas: true },
      });
      expect((await held(first.body.access_token)).scope).toBe('api flows:edit');
      const answers = {
        api: true,
        'flows:edit': false,
        atlas: false,
        'endpoints:access': true,
        borealis: false,
      };
      const second = await run({ browser, request: { scope: 'api' }, answers });
      expect(second.body.scope).toBe('api');
      expect(await held(first.body.access_token)).toEqual(await held(second.body.access_token));
    });

    test('two installs of one client hold two authorizations, and losing one leaves the other', async () => {
      const [one, other] = [await run({}), await run({})];
      const [first, second] = [await held(one.body.access_token), await held(other.body.access_token)];
      expect(first.id).not.toBe(second.id);
      await mandate.stores.authorizations.revoke(actor, String(first.id));
      expect((await held(one.body.access_token)).id).toBeUndefined();
      expect(await held(other.body.access_token)).toEqual(second);
    });

    test('the same install holds one authorization for each resource', async () => {
      const browser = createBrowserlessClient(mandate.issuer);
      const atlas = await run({ browser, request: { resource: demo.atlasFlows } });
      const borealis = await run({ browser, request: { resource: demo.borealisReports } });
      const [first, second] = [
        await held(atlas.body.access_token, demo.mcpServer),
        await held(borealis.body.access_token, demo.mcpServer),
      ];
      expect(first.id).not.toBe(second.id);
      await mandate.stores.authorizations.revoke(actor, String(first.id));
      expect(await held(borealis.body.access_token, demo.mcpServer)).toEqual(second);
    });
  });
});
