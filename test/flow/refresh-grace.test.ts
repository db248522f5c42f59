/** Tools that refresh with an old generation: several at once, one that lost an answer, one that is allowed to lag, and a thief. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Administrator, signInToApi } from '../support/administrator.ts';
import { engines } from '../support/databases.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, introspect } from '../support/oauth.ts';
import { codeFlow } from '../support/oauth-requests.ts';

const actor = { id: 'command' };
const minutes = 60;

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
  });
  afterAll(() => mandate.stop());
  beforeEach(async () => {
    await mandate.stores.clients.configure(actor, demo.cli.id, { refreshGraceSeconds: null });
  });

  const start = async () => {
    const browser = createBrowserlessClient(mandate.issuer);
    const answers = { api: true, 'flows:edit': true, atlas: true };
    const { status, body } = await codeFlow(mandate.issuer, { browser, answers });
    expect(status).toBe(200);
    return { browser, access: body.access_token ?? '', refresh: body.refresh_token ?? '' };
  };
  const refresh = (token: string) =>
    askToken(mandate.issuer, { grant_type: 'refresh_token', client_id: demo.cli.id, refresh_token: token });
  const isActive = async (token: string | undefined) =>
    (await introspect(mandate.issuer, token ?? '')).active;

  test('five parallel refreshes of one token leave everybody connected', async () => {
    const { refresh: token } = await start();
    const answers = await Promise.all(Array.from({ length: 5 }, () => refresh(token)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    const next = await Promise.all(answers.map(({ body }) => refresh(body.refresh_token ?? '')));
    for (const { status, body } of next) {
      expect([status, await isActive(body.access_token)]).toEqual([200, true]);
    }
  });

  test('4. with the override, a generation of 45 minutes ago stays connected', async () => {
    await mandate.stores.clients.configure(actor, demo.cli.id, { refreshGraceSeconds: 60 * minutes });
    const { refresh: old } = await start();
    const first = await refresh(old);
    mandate.clock.advance(20 * minutes);
    const second = await refresh(first.body.refresh_token ?? '');
    mandate.clock.advance(25 * minutes);
    const late = await refresh(old);
    expect([late.status, await isActive(late.body.access_token)]).toEqual([200, true]);
    // It has joined the family again, and the one that went ahead is still in it.
    const joined = await refresh(late.body.refresh_token ?? '');
    expect([joined.status, joined.body.refresh_token]).toEqual([200, second.body.refresh_token]);
    expect((await refresh(second.body.refresh_token ?? '')).status).toBe(200);
  });

  test('without it, 45 minutes are a theft', async () => {
    const { refresh: old } = await start();
    await refresh(old);
    mandate.clock.advance(45 * minutes);
    expect(await refresh(old)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });

  test('after the window the family dies, the authorization keeps its picks, and its owner reads when and from where', async () => {
    await mandate.stores.clients.configure(actor, demo.cli.id, { refreshGraceSeconds: 60 * minutes });
    const { browser, access, refresh: old } = await start();
    const { authorization_id: id } = await introspect(mandate.issuer, access);
    const before = await mandate.stores.authorizations.find(String(id));
    mandate.clock.advance(10 * minutes);
    const leaf = await refresh(old);
    mandate.clock.advance(60 * minutes);
    const replayedAt = mandate.clock.now();
    expect(await refresh(old)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });

    expect(await isActive(access)).toBe(false);
    expect(await isActive(leaf.body.access_token)).toBe(false);
    expect((await refresh(leaf.body.refresh_token ?? '')).body.error).toBe('invalid_grant');
    expect(await mandate.stores.authorizations.find(String(id))).toMatchObject({
      status: 'active',
      capabilities: before?.capabilities,
      projects: before?.projects,
    });
    const page = await browser.get(`/account/authorizations/${String(id)}`);
    const time = new Date(replayedAt * 1_000).toISOString().slice(11, 19);
    expect(page.text).toMatch(new RegExp(`used again, on .* at ${time} UTC from (127\\.0\\.0\\.1|::1)`));
  });

  describe('an administrator', () => {
    let admin: Administrator;
    beforeAll(async () => {
      admin = await signInToApi(mandate.issuer, 'admin@acme.test');
    });
    const read = () => admin.call('GET', `/clients/${demo.cli.id}`);
    const set = async (seconds: unknown) => {
      const { headers } = await read();
      return admin.call(
        'PATCH',
        `/clients/${demo.cli.id}`,
        { refresh_grace_seconds: seconds },
        { 'if-match': headers.get('etag') ?? '' },
      );
    };

    test('sets it over the API, between a minute and an hour', async () => {
      expect(await set(2_700)).toMatchObject({ status: 200, body: { refresh_grace_seconds: 2_700 } });
      const [change] = await mandate.stores.history.of('client', demo.cli.id, 1);
      expect(change).toMatchObject({
        action: 'settings_changed',
        before: { refreshGraceSeconds: null },
        after: { refreshGraceSeconds: 2_700 },
      });
      for (const wrong of [0, 59, 3_601, 'long', 90.5]) expect((await set(wrong)).status).toBe(422);
      expect((await read()).body.refresh_grace_seconds).toBe(2_700);
      expect((await set(null)).body.refresh_grace_seconds).toBeNull();
    });

    test('sets it on the page of the client', async () => {
      const browser = createBrowserlessClient(mandate.issuer);
      const first = await browser.get(`/admin/clients/${demo.cli.id}`, { follow: true });
      const credentials = { Email: 'admin@acme.test', Password: demo.password };
      const page = await browser.submit(first, 'Sign in', credentials, { follow: true });
      const answers = { 'An old refresh token is good for': '30 minutes' };
      const saved = await browser.submit(page, 'Save', answers, { follow: true });
      expect(saved.status).toBe(200);
      expect((await mandate.stores.clients.find(demo.cli.id))?.refreshGraceSeconds).toBe(1_800);
    });
  });
});
