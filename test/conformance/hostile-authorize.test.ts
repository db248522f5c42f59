/** Hostile requests at /authorize (catalogue AZ): nothing is redirected to whoever asks, nothing is written for them. */
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { freePort } from '../support/free-port.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { authorize, pkce } from '../support/oauth.ts';
import { openConsent, registerClient } from '../support/oauth-requests.ts';
import { sendTo } from '../support/raw-request.ts';
import { ownCpuMilliseconds } from '../support/thread-time.ts';

const redirect = 'https://tool.example/callback';

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  let toolId: string;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
    toolId = String((await registerClient(mandate.issuer, redirect)).client_id);
  });
  afterAll(() => mandate.stop());

  const request = (changes: Record<string, string> = {}) => ({
    client_id: toolId,
    response_type: 'code',
    redirect_uri: redirect,
    code_challenge: pkce().challenge,
    code_challenge_method: 'S256',
    state: 'state',
    scope: 'api',
    ...changes,
  });
  const visit = (query: string) => createBrowserlessClient(mandate.issuer).get(`/authorize?${query}`);
  const without = (fields: Record<string, string>, ...names: string[]) =>
    Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));
  const interactions = async () =>
    (
      await mandate.store.db
        .selectFrom('oidc_artifacts')
        .select('key')
        .where('model', 'in', ['Interaction', 'AuthorizationCode', 'Grant'])
        .execute()
    ).length;

  describe('AZ-01: a redirect URI is the registered one to the letter, or the answer is a page', () => {
    const mutations = [
      'https://tool.example/callback/',
      'https://tool.example/Callback',
      'https://tool.example/callback?x=1',
      'https://tool.example/callback?',
      'https://tool.example/callback#x',
      'https://tool.example/callback#',
      'https://tool.example/%63allback',
      'https://tool.example/callback%2e',
      'https://tool.example/callback/..',
      'https://tool.example/x/../callback',
      'https://tool.example//callback',
      'https://tool.example/callback;x',
      'https://tool.example/callback%00',
      'https://tool.example/callback%0d%0aX: y',
      'https://tool.example/callback ',
      ' https://tool.example/callback',
      'https://tool.example:443/callback',
      'https://tool.example:8443/callback',
      'https://TOOL.example/callback',
      'https://tool.example./callback',
      'https://tool.example.evil.example/callback',
      'https://eviltool.example/callback',
      'https://sub.tool.example/callback',
      'https://tool.example@evil.example/callback',
      'https://user:pass@tool.example/callback',
      'https://evil.example\\@tool.example/callback',
      'https://evil.example/callback',
      'https://evil.example/?https://tool.example/callback',
      'http://tool.example/callback',
      'HTTPS://tool.example/callback',
      'https:tool.example/callback',
      'https:///tool.example/callback',
      '//tool.example/callback',
      '/callback',
      'callback',
      'javascript:alert(1)//https://tool.example/callback',
      'data:text/html,x',
      'http://127.0.0.1/callback',
      'http://localhost:1/callback',
      'urn:ietf:wg:oauth:2.0:oob',
      'https://tool.example/callback,https://evil.example',
    ];

    test.each(mutations)('%s', async (uri) => {
      const before = await interactions();
      const page = await visit(new URLSearchParams(request({ redirect_uri: uri })).toString());
      expect(page.status).toBe(400);
      expect(page.location).toBeUndefined();
      expect(page.headers.get('content-type')).toMatch(/^text\/html/);
      expect(await interactions()).toBe(before);
    });

    test.each([
      ['no redirect_uri', ['redirect_uri']],
      ['no client_id', ['client_id']],
    ])('%s', async (_what, missing) => {
      const before = await interactions();
      const page = await visit(new URLSearchParams(without(request(), ...missing)).toString());
      expect([page.status, page.location]).toEqual([400, undefined]);
      expect(await interactions()).toBe(before);
    });

    test('an unknown client', async () => {
      for (const client_id of ['nobody', '', 'x'.repeat(10_000), "' or 1=1 --", '\u0000']) {
        const page = await visit(new URLSearchParams(request({ client_id })).toString());
        expect([page.status, page.location]).toEqual([400, undefined]);
        expect(page.body).not.toMatch(/sqlite|postgres|select /i);
      }
    });

    test('a port other than the registered one is for loopback addresses of native clients alone', async () => {
      const page = await visit(
        new URLSearchParams(
          request({ client_id: demo.web.id, redirect_uri: 'http://localhost:4101/callback' }),
        ).toString(),
      );
      expect([page.status, page.location]).toEqual([400, undefined]);
    });
  });

  describe('AZ-02: S256 is for everyone', () => {
    test.each([
      ['no challenge', ['code_challenge', 'code_challenge_method'], {}],
      ['a challenge without its method', ['code_challenge_method'], {}],
      ['plain', [], { code_challenge_method: 'plain' }],
      ['an unknown method', [], { code_challenge_method: 'S512' }],
      ['a challenge that is too short', [], { code_challenge: 'abc' }],
      ['a method without a challenge', ['code_challenge'], {}],
    ])('%s is invalid_request, for public and confidential clients', async (_what, missing, changes) => {
      const before = await interactions();
      for (const [client_id, redirect_uri] of [
        [toolId, redirect],
        [demo.web.id, demo.web.redirect],
        [demo.cli.id, 'http://127.0.0.1:5005/callback'],
      ] as const) {
        const page = await visit(
          new URLSearchParams(
            without(request({ client_id, redirect_uri, ...changes }), ...missing),
          ).toString(),
        );
        const back = new URL(page.location ?? 'about:blank');
        expect(back.origin).toBe(new URL(redirect_uri).origin);
        expect(Object.fromEntries(back.searchParams)).toMatchObject({
          error: 'invalid_request',
          iss: mandate.issuer,
          state: 'state',
        });
      }
      expect(await interactions()).toBe(before);
    });
  });

  describe('AZ-03: a parameter that is given twice', () => {
    test.each([
      'client_id',
      'redirect_uri',
      'scope',
      'state',
      'response_type',
      'code_challenge',
      'prompt',
      'nonce',
    ])('%s: an error, to the registered URI if anywhere', async (name) => {
      const before = await interactions();
      const fields = { prompt: 'login', nonce: 'n', ...request() } as Record<string, string>;
      for (const second of [fields[name] ?? '', 'https://evil.example/callback']) {
        const query = new URLSearchParams(fields);
        query.append(name, second);
        const page = await visit(query.toString());
        if (page.location === undefined) expect(page.status).toBe(400);
        else {
          const back = new URL(page.location);
          expect(`${back.origin}${back.pathname}`).toBe(redirect);
          expect(back.searchParams.get('error')).toBe('invalid_request');
        }
      }
      expect(await interactions()).toBe(before);
    });
  });

  describe('AZ-04: what is not offered', () => {
    let canary: Server;
    let hits = 0;
    let canaryPort: number;
    beforeAll(async () => {
      canaryPort = await freePort();
      canary = createServer((_request, response) => {
        hits++;
        response.end();
      }).listen(canaryPort);
    });
    afterAll(() => void canary.close());

    test.each([
      ['response_type=token', { response_type: 'token' }, 'unsupported_response_type'],
      ['response_type=id_token', { response_type: 'id_token', nonce: 'n' }, 'unsupported_response_type'],
      ['response_type=code token', { response_type: 'code token' }, 'unsupported_response_type'],
      ['response_type=none', { response_type: 'none' }, 'unsupported_response_type'],
      ['a request object', { request: 'eyJhbGciOiJub25lIn0.e30.' }, 'request_not_supported'],
      ['a claims registration', { registration: '{}' }, 'registration_not_supported'],
    ])('%s', async (_what, changes, error) => {
      const page = await visit(new URLSearchParams(request(changes)).toString());
      const back = new URL(page.location ?? 'about:blank');
      const answered = back.hash ? new URLSearchParams(back.hash.slice(1)) : back.searchParams;
      expect(`${back.origin}${back.pathname}`).toBe(redirect);
      expect(answered.get('error')).toBe(error);
      expect(answered.get('code')).toBeNull();
    });

    test('a request_uri on some host is not fetched', async () => {
      for (const request_uri of [`http://127.0.0.1:${canaryPort}/`, `https://localhost:${canaryPort}/x`]) {
        const page = await visit(new URLSearchParams(request({ request_uri })).toString());
        const back = new URL(page.location ?? 'about:blank');
        expect([`${back.origin}${back.pathname}`, back.searchParams.get('error')]).toEqual([
          redirect,
          'request_uri_not_supported',
        ]);
      }
      expect(hits).toBe(0);
    });

    test.each([
      ['form_post', 'invalid_request'],
      ['query.jwt', 'unsupported_response_mode'],
      ['web_message', 'unsupported_response_mode'],
      ['nonsense', 'unsupported_response_mode'],
    ])('response_mode=%s', async (response_mode, error) => {
      const before = await interactions();
      const page = await visit(new URLSearchParams(request({ response_mode })).toString());
      const back = new URL(page.location ?? 'about:blank');
      expect([`${back.origin}${back.pathname}`, back.searchParams.get('error')]).toEqual([redirect, error]);
      expect(await interactions()).toBe(before);
    });

    test('the metadata lists what is there and nothing more', async () => {
      const metadata = (await (
        await fetch(`${mandate.issuer}/.well-known/oauth-authorization-server`)
      ).json()) as Record<string, unknown>;
      expect(metadata.response_types_supported).toEqual(['code']);
      expect(metadata.code_challenge_methods_supported).toEqual(['S256']);
      expect(metadata.request_uri_parameter_supported ?? false).toBe(false);
      expect(metadata.request_parameter_supported ?? false).toBe(false);
      expect(metadata.authorization_response_iss_parameter_supported).toBe(true);
      expect(metadata.token_endpoint_auth_methods_supported).not.toContain('client_secret_jwt');
    });
  });

  describe('AZ-06: every answer says who it is from and what it was asked with', () => {
    const state = `ünï✓ "&=+%/\\ ${'𝔘'.repeat(450)}`;

    test('a success and a refusal carry iss and 2 KB of state, to the letter', async () => {
      expect(Buffer.byteLength(state)).toBeGreaterThan(1_800);
      for (const decision of ['Authorize', 'Deny'] as const) {
        const back = await authorize(mandate.issuer, request({ state }), {
          email: 'editor@acme.test',
          answers: {},
          decision,
        });
        expect(back.searchParams.get('state')).toBe(state);
        expect(back.searchParams.get('iss')).toBe(mandate.issuer);
        expect(back.searchParams.get('error')).toBe(decision === 'Deny' ? 'access_denied' : null);
        expect(back.searchParams.has('code')).toBe(decision === 'Authorize');
      }
    });

    test('a posted form is answered by 303, never by 307', async () => {
      const browser = createBrowserlessClient(mandate.issuer);
      const signIn = await browser.get(`/authorize?${new URLSearchParams(request())}`, { follow: true });
      const person = { Email: 'editor@acme.test', Password: demo.password };
      const signedIn = await browser.submit(signIn, 'Sign in', person);
      expect(signedIn.status).toBe(303);
      const page = await browser.get(signedIn.location ?? '', { follow: true });
      expect((await browser.submit(page, 'Authorize', { api: true })).status).toBe(303);
      // Parameters in a body are not taken at all (RFC 6749 section 3.1 leaves it to the server).
      expect((await browser.postForm('/authorize', request())).location).toBeUndefined();
    });

    test('a page whose address says something tells it to nobody', async () => {
      const page = await openConsent(createBrowserlessClient(mandate.issuer), request());
      expect(page.headers.get('referrer-policy')).toBe('no-referrer');
      expect(page.body).not.toMatch(/(src|href|action)="(https?:)?\/\/(?!localhost)/);
      expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'/);
    });
  });

  describe('AZ-08: what is too much is refused at once', () => {
    test.each([
      ['a query of 60 KB', () => `state=${'x'.repeat(60_000)}`],
      [
        'a client_id of 10 KB',
        () => new URLSearchParams(request({ client_id: 'x'.repeat(10_000) })).toString(),
      ],
      [
        '200 resources',
        () => `${new URLSearchParams(request())}&${'resource=https://x.example/&'.repeat(200)}`,
      ],
      ['10 KB of scope', () => new URLSearchParams(request({ scope: 'a '.repeat(5_000) })).toString()],
      ['broken escapes', () => `${new URLSearchParams(request())}&state=%E0%A4%A`],
      ['names of the prototype', () => `${new URLSearchParams(request())}&__proto__[x]=1&constructor=1`],
    ])('%s', async (_what, query) => {
      const { port } = new URL(mandate.issuer);
      const before = ownCpuMilliseconds();
      const { status, text, headers } = await sendTo(port, `/authorize?${query()}`, {
        headers: { host: new URL(mandate.issuer).host },
      });
      expect([303, 400, 414, 431]).toContain(status);
      // To a tool that is known, the error; what is merely odd goes on to the sign-in. Neither is a code.
      expect(headers.location ?? '').not.toContain('code=');
      if (_what === '200 resources') expect(headers.location).toContain('error=invalid_target');
      expect(text).not.toMatch(/sqlite|at .*\.ts:/i);
      expect(ownCpuMilliseconds() - before).toBeLessThan(500);
    });
  });
});
