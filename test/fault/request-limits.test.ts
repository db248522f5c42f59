/** What anybody may send without being known has an end (catalogue RG-02, IN-01, DS-04), counted in the database for every node. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { developmentSecret } from '../../src/config.ts';
import { createRateLimits, type RateLimits } from '../../src/http/rate-limit.ts';
import { createSecrets } from '../../src/secrets.ts';
import { engines } from '../support/databases.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, postForm } from '../support/oauth.ts';

describe.each(engines)('on %s', (engine) => {
  let nodes: TestMandate[];
  let counters: RateLimits;
  beforeAll(async () => {
    const first = await startMandate({ engine });
    nodes = [first, await startMandate({ databaseUrl: first.databaseUrl, clock: first.clock })];
    counters = createRateLimits({ ...first, secrets: createSecrets(developmentSecret) });
  });
  afterAll(async () => {
    for (const node of nodes.toReversed()) await node.stop();
  });
  const node = (index: number) => nodes[index % 2] as TestMandate;
  /** What the tests' own requests may come from. */
  const home = ['0:0:0:0::/64', '127.0.0.1'];
  const useUp = async (name: string, windowSeconds: number, keys: readonly string[], amount: number) => {
    for (const key of keys) {
      await counters.take({ name, points: Number.MAX_SAFE_INTEGER, windowSeconds }, key, amount);
    }
  };
  const tally = (statuses: readonly number[]) =>
    Object.fromEntries(
      [...new Set(statuses)].sort().map((one) => [one, statuses.filter((s) => s === one).length]),
    );

  test('RG-02: registrations from one address, over both nodes, in OAuth’s shape', async () => {
    await useUp('registration', 3_600, home, 290);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        fetch(`${node(index).issuer}/register`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            redirect_uris: ['http://127.0.0.1/callback'],
            client_name: `tool ${index}`,
          }),
        }),
      ),
    );
    expect(tally(answers.map(({ status }) => status))).toEqual({ 201: 10, 429: 10 });
    const refused = answers.find(({ status }) => status === 429);
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused?.headers.get('cache-control')).toBe('no-store');
    expect(await refused?.json()).toMatchObject({ error: 'temporarily_unavailable' });
  });

  test('RG-02: changes of registrations from one address; one that is refused changes nothing', async () => {
    node(0).clock.advance(3_601);
    const registered = await fetch(`${node(0).issuer}/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: ['https://web.example/callback'], client_name: 'Web' }),
    });
    const client = (await registered.json()) as { client_id: string; registration_access_token: string };
    const manage = (method: string, token: string, client_name?: string) =>
      fetch(`${node(1).issuer}/register/${client.client_id}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(client_name !== undefined && {
          body: JSON.stringify({
            client_id: client.client_id,
            redirect_uris: ['https://web.example/callback'],
            client_name,
          }),
        }),
      });
    const first = await manage('PUT', client.registration_access_token, 'Another');
    expect(first.status).toBe(200);
    const { registration_access_token: token } = (await first.json()) as typeof client;
    await useUp('registration-changes', 3_600, home, 300);
    const refused = await manage('PUT', token, 'A third');
    expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([429, true]);
    expect(await refused.json()).toMatchObject({ error: 'temporarily_unavailable' });
    const present = await manage('GET', token);
    expect([present.status, await present.json()]).toMatchObject([200, { client_name: 'Another' }]);
    expect((await manage('DELETE', token)).status).toBe(204);
  });

  test('DV-02: user codes that are tried all at once, over both nodes', async () => {
    await useUp('user-code-address', 3_600, home, 95);
    const browsers = await Promise.all(
      Array.from({ length: 15 }, async (_, index) => {
        const browser = createBrowserlessClient(node(index).issuer);
        return { browser, entry: await browser.get('/device') };
      }),
    );
    const answers = await Promise.all(
      browsers.map(({ browser, entry }) => browser.submit(entry, 'Continue', { Code: 'WWWWW-WWWWW' })),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status !== 429).length).toBeGreaterThanOrEqual(5);
    // Five for each spelling that this machine may have of itself.
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(5);
  });

  test('DV-02: a thousand wrong codes in ten minutes are all that everybody together may try, from wherever', async () => {
    node(0).clock.advance(3_601);
    const enter = async (index: number, code: string) => {
      const browser = createBrowserlessClient(node(index).issuer);
      return browser.submit(await browser.get('/device'), 'Continue', { Code: code });
    };
    const start = async () => {
      const asked = { client_id: demo.cli.id, scope: 'api' };
      const { text } = await postForm(`${node(0).issuer}/device/auth`, asked);
      return (JSON.parse(text) as { user_code: string }).user_code;
    };
    const right = await start();
    // As many other addresses have tried before.
    await useUp('user-code-everywhere', 600, [''], 998);
    for (let index = 0; index < 2; index += 1) {
      expect((await enter(index, `WWWWW-WWWW${'BC'[index]}`)).text).toContain('There is no such code');
    }
    for (const [index, code] of ['WWWWW-WWWWD', right].entries()) {
      const limited = await enter(index, code);
      expect([limited.status, limited.text.includes('Is this the code')]).toEqual([429, false]);
      expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    node(0).clock.advance(601);
    const next = await start();
    expect((await enter(1, next)).text).toContain('Is this the code');
    // Codes of twenty letters that live ten minutes, in which two windows may meet.
    expect((2 * 1_000) / 20 ** next.replace('-', '').length).toBeLessThan(2 ** -32);
  });

  test('credentials that do not hold at /token; those that do cost nothing', async () => {
    const ofClient = home.map((address) => `${address} ${demo.ci.id}`);
    await useUp('refused-credentials', 300, ofClient, 295);
    for (let index = 0; index < 6; index += 1) {
      expect((await askToken(node(0).issuer, { grant_type: 'client_credentials' }, demo.ci)).status).toBe(
        200,
      );
    }
    const statuses: number[] = [];
    for (let index = 0; index < 8; index += 1) {
      const wrong = { id: demo.ci.id, secret: `guess ${index}` };
      const { status } = await askToken(node(0).issuer, { grant_type: 'client_credentials' }, wrong);
      statuses.push(status);
    }
    expect(tally(statuses)).toEqual({ 401: 6, 429: 2 });
    const limited = await askToken(node(0).issuer, { grant_type: 'client_credentials' }, demo.ci);
    expect(limited.status).toBe(429);
    node(0).clock.advance(301);
    expect((await askToken(node(0).issuer, { grant_type: 'client_credentials' }, demo.ci)).status).toBe(200);
  });

  test('DS-04: pages that begin a visit: whoever was here before is let in', async () => {
    await useUp('anonymous-pages', 300, home, 2_960);
    const ask = (cookie?: string) =>
      fetch(`${node(0).issuer}/sign-in`, { headers: { ...(cookie && { cookie }) }, redirect: 'manual' });
    const statuses: number[] = [];
    for (let index = 0; index < 60; index += 1) statuses.push((await ask()).status);
    expect(statuses.at(0)).toBe(200);
    expect(statuses.at(-1)).toBe(429);
    expect(await (await ask()).text()).toContain('Too many');
    expect((await ask('mandate_session=something')).status).toBe(200);
    node(0).clock.advance(301);
    expect((await ask()).status).toBe(200);
  });

  test('IN-01: unknown tokens of one resource server, on either way of asking; a token that holds is answered', async () => {
    const { body } = await askToken(
      node(0).issuer,
      { grant_type: 'client_credentials', scope: 'api' },
      demo.ci,
    );
    const live = body.access_token ?? '';
    const ask = (token: string, caller: { id: string; secret: string } = demo.apiServer) =>
      postForm(`${node(0).issuer}/introspect`, { token }, caller);
    const server = await node(0).stores.resourceServers.find(demo.apiServer.id);
    await useUp('unknown-tokens', 60, [server?.id ?? ''], 5_900);
    const statuses: number[] = [];
    for (let index = 0; index < 220; index += 1) {
      statuses.push((await ask(`unknown ${index}`)).status);
    }
    expect(tally(statuses.slice(0, 199))).toEqual({ 200: 199 });
    expect(tally(statuses.slice(199))).toEqual({ 429: 21 });
    const plain = await postForm(`${node(0).issuer}/introspect?uncommon`, {
      token: 'unknown',
      client_id: demo.apiServer.id,
      client_secret: demo.apiServer.secret,
    });
    expect(plain.status).toBe(429);
    expect(Number(plain.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(JSON.parse((await ask(live)).text)).toMatchObject({ active: true });
    // The other one has asked about nothing.
    expect((await ask('unknown', demo.mcpServer)).status).toBe(200);
    expect(
      node(0)
        .logged()
        .match(/asks about too many unknown tokens/g),
    ).toHaveLength(1);
    expect(node(0).logged()).toContain(demo.apiServer.id);
    node(0).clock.advance(61);
    expect((await ask('unknown')).status).toBe(200);
  });
});
