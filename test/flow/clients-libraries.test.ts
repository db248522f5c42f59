/** Clients that nobody here wrote, as their own documentation uses them: nothing is bent to suit them, and nothing patched. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import * as oauth from 'oauth4webapi';
import OAuth2Strategy from 'passport-oauth2';
import { AuthorizationCode, ClientCredentials } from 'simple-oauth2';
import type { Platform } from '../../examples/platform/platform.ts';
import { freePort } from '../support/free-port.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, type TestMandate } from '../support/mandate.ts';
import { authorize, introspect, pkce } from '../support/oauth.ts';
import { registerClient, signInIfAsked } from '../support/oauth-requests.ts';
import { startPlatformOnMandate } from '../support/platform-on-mandate.ts';

let mandate: TestMandate;
let platform: Platform;
let stop: () => Promise<void>;

beforeAll(async () => {
  ({ mandate, platform, stop } = await startPlatformOnMandate());
});
afterAll(async () => {
  await stop();
});

const editor = { email: 'editor@acme.test', answers: { 'flows:edit': true, atlas: true } };

/** Follows a tool's authorization request as the editor. @returns where the tool is called back */
const consent = (address: string): Promise<URL> =>
  authorize(mandate.issuer, Object.fromEntries(new URL(address).searchParams), editor);

test('oauth4webapi: discovery, code, refresh, introspection and revocation, all its checks on', async () => {
  // Its own check of https is the only one that a loopback server cannot meet.
  const insecure = { [oauth.allowInsecureRequests]: true };
  const issuer = new URL(mandate.issuer);
  const server = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { ...insecure, algorithm: 'oauth2' }),
  );
  const client: oauth.Client = { client_id: demo.cli.id };
  const redirect = 'http://127.0.0.1:53124/callback';
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const request = new URL(server.authorization_endpoint ?? '');
  request.search = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: redirect,
    response_type: 'code',
    scope: 'openid api flows:edit',
    state,
    nonce: 'n-1',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }).toString();
  const parameters = oauth.validateAuthResponse(server, client, await consent(request.href), state);
  const tokens = await oauth.processAuthorizationCodeResponse(
    server,
    client,
    await oauth.authorizationCodeGrantRequest(
      server,
      client,
      oauth.None(),
      parameters,
      redirect,
      verifier,
      insecure,
    ),
    { expectedNonce: 'n-1', requireIdToken: true },
  );
  expect(tokens.scope?.split(' ')).toEqual(expect.arrayContaining(['api', 'flows:edit']));
  const refreshed = await oauth.processRefreshTokenResponse(
    server,
    client,
    await oauth.refreshTokenGrantRequest(server, client, oauth.None(), tokens.refresh_token ?? '', insecure),
  );

  const guard: oauth.Client = { client_id: demo.apiServer.id };
  const ask = async () =>
    oauth.processIntrospectionResponse(
      server,
      guard,
      await oauth.introspectionRequest(
        server,
        guard,
        oauth.ClientSecretBasic(demo.apiServer.secret),
        refreshed.access_token,
        insecure,
      ),
    );
  expect(await ask()).toMatchObject({ active: true, username: editor.email });
  await oauth.processRevocationResponse(
    await oauth.revocationRequest(server, client, oauth.None(), refreshed.refresh_token ?? '', insecure),
  );
  expect(await ask()).toEqual({ active: false });
});

test('oauth4webapi: the device flow from the first request to the token', async () => {
  const insecure = { [oauth.allowInsecureRequests]: true };
  const issuer = new URL(mandate.issuer);
  const server = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { ...insecure, algorithm: 'oauth2' }),
  );
  const client: oauth.Client = { client_id: demo.cli.id };
  const started = await oauth.processDeviceAuthorizationResponse(
    server,
    client,
    await oauth.deviceAuthorizationRequest(
      server,
      client,
      oauth.None(),
      new URLSearchParams({ scope: 'api' }),
      insecure,
    ),
  );
  const poll = async () =>
    oauth.processDeviceCodeResponse(
      server,
      client,
      await oauth.deviceCodeGrantRequest(server, client, oauth.None(), started.device_code, insecure),
    );
  await expect(poll()).rejects.toMatchObject({ error: 'authorization_pending' });
  await approveDevice(started.verification_uri_complete ?? '');
  mandate.clock.advance(5);
  expect(await poll()).toMatchObject({ token_type: 'bearer', scope: expect.stringContaining('api') });
});

/** Goes through the device pages as the editor. */
async function approveDevice(address: string): Promise<void> {
  const browser = createBrowserlessClient(mandate.issuer);
  const entry = await browser.get(address, { follow: true });
  const compare = await browser.submit(entry, 'Continue', {}, { follow: true });
  const asked = await signInIfAsked(browser, await browser.submit(compare, 'Continue', {}, { follow: true }));
  const page = await browser.submit(asked, 'Authorize', {}, { follow: true });
  expect(page.text).toContain('Return to your terminal');
}

test('simple-oauth2: a web application with its secret; refresh, revocation, and client credentials', async () => {
  const auth = {
    tokenHost: mandate.issuer,
    tokenPath: '/token',
    authorizePath: '/authorize',
    revokePath: '/revoke',
  };
  const client = new AuthorizationCode({ client: { id: demo.web.id, secret: demo.web.secret }, auth });
  const { verifier, challenge } = pkce();
  const address = client.authorizeURL({
    redirect_uri: `${platform.origin}/callback`,
    scope: 'api flows:edit',
    state: 's',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  });
  const back = await consent(address);
  const first = await client.getToken({
    code: back.searchParams.get('code') ?? '',
    redirect_uri: `${platform.origin}/callback`,
    code_verifier: verifier,
  });
  expect(first.expired()).toBe(false);
  const second = await first.refresh();
  expect(await introspect(mandate.issuer, second.token.access_token)).toMatchObject({ active: true });
  await second.revokeAll();
  expect(await introspect(mandate.issuer, second.token.access_token)).toEqual({ active: false });

  const machine = new ClientCredentials({
    client: { id: demo.ci.id, secret: demo.ci.secret },
    auth: { tokenHost: mandate.issuer, tokenPath: '/token' },
  });
  const { token } = await machine.getToken({ scope: 'api' });
  expect(await introspect(mandate.issuer, token.access_token)).toMatchObject({ username: 'ci@acme.test' });
});

test('passport-oauth2: a site that keeps state and verifier in its session, and posts its secret', async () => {
  const callback = 'http://127.0.0.1:53125/callback';
  const { client_id, client_secret } = await registerClient(mandate.issuer, callback, {
    token_endpoint_auth_method: 'client_secret_post',
  });
  const strategy = new OAuth2Strategy(
    {
      authorizationURL: `${mandate.issuer}/authorize`,
      tokenURL: `${mandate.issuer}/token`,
      clientID: String(client_id),
      clientSecret: String(client_secret),
      callbackURL: callback,
      scope: 'api flows:edit',
      pkce: true,
      state: true,
    },
    (accessToken, refreshToken, _profile, done) => done(null, { accessToken, refreshToken }),
  );
  const session = {};
  /** What a web framework does with the outcome. */
  const visit = (query: Record<string, string>) =>
    new Promise<{ redirect: string } | { user: { accessToken: string; refreshToken: string } }>(
      (resolve, reject) => {
        const attempt = Object.assign(Object.create(strategy) as OAuth2Strategy, {
          redirect: (redirect: string) => resolve({ redirect }),
          success: (user: { accessToken: string; refreshToken: string }) => resolve({ user }),
          fail: (why: unknown) => reject(new Error(JSON.stringify(why))),
          error: reject,
        });
        attempt.authenticate({ query, session } as unknown as IncomingMessage);
      },
    );
  const sent = await visit({});
  if (!('redirect' in sent)) throw new Error('nobody was sent to the server');
  const back = await consent(sent.redirect);
  const came = await visit(Object.fromEntries(back.searchParams));
  if (!('user' in came)) throw new Error('nobody came back');
  expect(came.user.refreshToken).toEqual(expect.any(String));
  expect(await introspect(mandate.issuer, came.user.accessToken)).toMatchObject({
    active: true,
    username: editor.email,
  });
  await expect(visit({ error: 'access_denied', error_description: 'no' })).rejects.toThrow('no');
});

describe('mcp-remote, a bridge that assistants start as a program', () => {
  let child: ChildProcessWithoutNullStreams | undefined;
  let home: string;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'mcp-remote-'));
  });
  afterEach(() => void child?.kill());
  afterAll(() => rm(home, { recursive: true, force: true }));

  /** Starts the bridge. @returns what it says to people, and a way to speak JSON-RPC to it */
  async function start(...options: string[]) {
    const port = String(await freePort());
    const bridge = join(import.meta.dirname, '../../node_modules/mcp-remote/dist/proxy.js');
    const target = `${platform.origin}/mcp/atlas`;
    const running = spawn(
      process.execPath,
      [bridge, target, port, '--allow-http', '--transport', 'http-only', ...options],
      // Without a display it opens no browser of this machine's.
      { env: { PATH: '/nonexistent', HOME: home, MCP_REMOTE_CONFIG_DIR: join(home, port) } },
    );
    child = running;
    let said = '';
    running.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const answers = new Map<number, (message: Record<string, unknown>) => void>();
    createInterface({ input: running.stdout }).on('line', (line) => {
      const message = JSON.parse(line) as { id?: number };
      if (message.id !== undefined) answers.get(message.id)?.(message as Record<string, unknown>);
    });
    return {
      async hears(pattern: RegExp): Promise<string> {
        for (let tries = 0; tries < 300; tries += 1) {
          const found = pattern.exec(said);
          if (found) return found[0];
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
        throw new Error(`mcp-remote never said ${pattern}: ${said}`);
      },
      request(id: number, method: string, params: unknown): Promise<Record<string, unknown>> {
        const answered = new Promise<Record<string, unknown>>((resolve) => answers.set(id, resolve));
        running.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
        return answered;
      },
      notify(method: string): void {
        running.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', method })}\n`);
      },
    };
  }
  type Bridge = Awaited<ReturnType<typeof start>>;

  const initialize = (bridge: Bridge) =>
    bridge.request(1, 'initialize', {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 'assistant', version: '1' },
    });

  async function callsTools(bridge: Bridge): Promise<void> {
    bridge.notify('notifications/initialized');
    const listed = await bridge.request(2, 'tools/list', {});
    expect(listed).toMatchObject({ result: { tools: expect.arrayContaining([expect.anything()]) } });
  }

  test('14. sends the person to the browser, takes the code at its loopback port before it gives up, and calls a tool', async () => {
    const bridge = await start();
    const initialized = initialize(bridge);
    const address = await bridge.hears(/http:\/\/localhost:\d+\/authorize\?\S+/);
    const browser = createBrowserlessClient(mandate.issuer);
    const page = await signInIfAsked(browser, await browser.get(address, { follow: true }));
    const { location } = await browser.submit(page, 'Authorize', {}, { follow: true });
    expect(await fetch(location ?? '')).toMatchObject({ status: 200 });
    expect(await initialized).toMatchObject({ result: { serverInfo: expect.anything() } });
    await callsTools(bridge);
  });

  test('--device-code: shows a code instead, and goes on when the person approved it elsewhere', async () => {
    const bridge = await start('--device-code');
    const initialized = initialize(bridge);
    const address = await bridge.hears(/http:\/\/localhost:\d+\/device\?\S+/);
    await approveDevice(address);
    mandate.clock.advance(60);
    expect(await initialized).toMatchObject({ result: { serverInfo: expect.anything() } });
    await callsTools(bridge);
  });
});
