/**
 * A request is for one resource (RFC 8707 section 2): the consent page names one, and what is picked there buys tokens for no other.
 * The same one twice is one, in whatever spelling.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, introspect, pkce, postForm, type TokenAnswer } from '../support/oauth.ts';
import { signInIfAsked } from '../support/oauth-requests.ts';

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
  });
  afterAll(() => mandate.stop());

  const tool = { client_id: demo.cli.id };
  const redirect = { redirect_uri: 'http://127.0.0.1:53124/callback' };
  const one = [demo.atlasFlows, demo.atlasFlows, `${demo.atlasFlows}/`];
  const two = [demo.atlasFlows, demo.borealisReports];
  /** Consent to one MCP server. */
  const answers = { mcp: true, 'atlas-flows': true };

  const form = (fields: Record<string, string>, resources: readonly string[]) =>
    new URLSearchParams([...Object.entries(fields), ...resources.map((each) => ['resource', each])]);
  const request = (challenge = pkce().challenge) => ({
    ...tool,
    ...redirect,
    response_type: 'code',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    state: 'state',
  });
  const said = ({ status, body }: TokenAnswer) => [status, body.error];
  const refused = [400, 'invalid_target'];
  const audienceOf = async ({ body }: TokenAnswer) =>
    (await introspect(mandate.issuer, body.access_token ?? '', demo.mcpServer)).aud;

  test.each([
    ['two MCP servers', two],
    ['the other first', two.toReversed()],
    ['an MCP server and the API', [demo.atlasFlows, demo.api]],
    ['the same one again, and another', [...one, demo.api]],
    ['one that there is and one that there is not', [demo.api, 'https://unknown.example/']],
  ])(
    'AZ-13: %s at /authorize: invalid_target, sent back with iss before anybody is asked',
    async (_, resources) => {
      const browser = createBrowserlessClient(mandate.issuer);
      const { location } = await browser.get(`/authorize?${form(request(), resources)}`);
      const back = new URL(location ?? 'about:blank');
      const { error, iss, state, code } = Object.fromEntries(back.searchParams);
      expect(`${back.origin}${back.pathname}`).toBe(redirect.redirect_uri);
      expect({ error, iss, state, code }).toEqual({
        error: 'invalid_target',
        iss: mandate.issuer,
        state: 'state',
        code: undefined,
      });
    },
  );

  test.each([
    ['/par', request(), 201],
    ['/device/auth', tool, 200],
  ])('AZ-13: two at %s are invalid_target, and one twice is taken', async (path, fields, taken) => {
    const ask = (resources: readonly string[]) =>
      postForm(`${mandate.issuer}${path}`, form(fields, resources));
    const { status, text } = await ask(two);
    expect([status, JSON.parse(text)]).toEqual([400, expect.objectContaining({ error: 'invalid_target' })]);
    expect((await ask(one)).status).toBe(taken);
  });

  test('AZ-13: a machine gets nothing for two, and a token for one that it names twice', async () => {
    const ask = (resources: readonly string[]) =>
      askToken(mandate.issuer, form({ grant_type: 'client_credentials' }, resources), demo.ci);
    expect(said(await ask([demo.atlasFlows, demo.api]))).toEqual(refused);
    expect(await audienceOf(await ask(one))).toBe(demo.atlasFlows);
  });

  test('AZ-13: a code and a refresh token buy nothing for two, and are not used up by asking', async () => {
    const { verifier, challenge } = pkce();
    const browser = createBrowserlessClient(mandate.issuer);
    const begun = await browser.get(`/authorize?${form(request(challenge), one)}`, { follow: true });
    const page = await signInIfAsked(browser, begun);
    expect(page.text).toContain(demo.atlasFlows);
    const { location } = await browser.submit(page, 'Authorize', answers, { follow: true });
    const code = new URL(location ?? 'about:blank').searchParams.get('code') ?? '';
    const byCode = { ...tool, ...redirect, grant_type: 'authorization_code', code, code_verifier: verifier };
    const redeem = (resources: readonly string[]) => askToken(mandate.issuer, form(byCode, resources));
    expect(said(await redeem(two))).toEqual(refused);
    expect(said(await redeem(two.toReversed()))).toEqual(refused);
    const first = await redeem(one);
    expect(await audienceOf(first)).toBe(demo.atlasFlows);

    const again = { ...tool, grant_type: 'refresh_token', refresh_token: first.body.refresh_token ?? '' };
    const refresh = (resources: readonly string[]) => askToken(mandate.issuer, form(again, resources));
    expect(said(await refresh(two))).toEqual(refused);
    expect(said(await refresh(two.slice(1)))).toEqual(refused);
    expect(await audienceOf(await refresh(one))).toBe(demo.atlasFlows);
  });

  test('AZ-13: a device code buys nothing for two, and is not used up by asking', async () => {
    const { text } = await postForm(`${mandate.issuer}/device/auth`, form(tool, one));
    const { device_code: deviceCode, user_code: userCode } = JSON.parse(text) as Record<string, string>;
    const browser = createBrowserlessClient(mandate.issuer);
    const entered = await browser.submit(await browser.get('/device'), 'Continue', { Code: userCode ?? '' });
    const compared = await browser.submit(entered, 'Continue', {}, { follow: true });
    const page = await signInIfAsked(browser, compared);
    expect((await browser.submit(page, 'Authorize', answers, { follow: true })).text).toContain(
      'You are connected',
    );
    const grant = 'urn:ietf:params:oauth:grant-type:device_code';
    const byDevice = { ...tool, grant_type: grant, device_code: deviceCode ?? '' };
    const poll = (resources: readonly string[]) => askToken(mandate.issuer, form(byDevice, resources));
    expect(said(await poll(two))).toEqual(refused);
    expect(await audienceOf(await poll(one))).toBe(demo.atlasFlows);
  });
});
