/** Hostile sign-ins (catalogue LG), and the headers of every page (CN-06). */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { createBrowserlessClient, formOf, type Page } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { pkce, postForm } from '../support/oauth.ts';
import { openConsent } from '../support/oauth-requests.ts';
import { ownCpuMilliseconds } from '../support/thread-time.ts';

const actor = { id: 'command' };
const webRequest = () => ({
  client_id: demo.web.id,
  response_type: 'code',
  redirect_uri: demo.web.redirect,
  code_challenge: pkce().challenge,
  code_challenge_method: 'S256',
  state: 'state',
  scope: 'api flows:edit',
});

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
  });
  afterAll(() => mandate.stop());

  const openSignIn = async () => {
    const browser = createBrowserlessClient(mandate.issuer);
    const page = await browser.get(`/authorize?${new URLSearchParams(webRequest())}`, { follow: true });
    return { browser, page, ...formOf(page, 'Sign in', { Email: 'x', Password: 'x' }) };
  };
  const attempt = async (email: string, password: string) => {
    const { browser, target, fields } = await openSignIn();
    fields.set('email', email);
    fields.set('password', password);
    return browser.postForm(target.pathname, fields);
  };

  test('LG-01: unknown, wrong, suspended, a machine: one answer', async () => {
    const { id = '' } = (await mandate.stores.users.findByEmail('analyst@acme.test')) ?? {};
    await mandate.stores.users.suspend(actor, id);
    const said: string[] = [];
    for (const [email, password] of [
      ['nobody@acme.test', demo.password],
      ['editor@acme.test', 'wrong'],
      ['analyst@acme.test', demo.password],
      ['ci@acme.test', demo.password],
      ['editor@acme.test', ''],
      ['editor@acme.test', 'x'.repeat(2_000)],
      ['editor@acme.test\u0000', demo.password],
    ] as const) {
      const page = await attempt(email, password);
      expect({ email, status: page.status }).toEqual({ email, status: 401 });
      said.push(page.text);
    }
    expect(new Set(said).size).toBe(1);
    await mandate.stores.users.resume(actor, id);
  });

  test('LG-02: of 50 wrong passwords at once, at most ten are looked at; the rest are told to wait', async () => {
    const forms = await Promise.all(Array.from({ length: 50 }, openSignIn));
    const answers = await Promise.all(
      forms.map(({ browser, target, fields }, index) => {
        // One account, however it is written.
        fields.set('email', ['viewer@acme.test', ' VIEWER@acme.test', 'Viewer@Acme.Test'][index % 3] ?? '');
        fields.set('password', `guess ${index}`);
        return browser.postForm(target.pathname, fields);
      }),
    );
    const looked = answers.filter(({ status }) => status === 401);
    const limited = answers.filter(({ status }) => status === 429);
    expect([looked.length, limited.length]).toEqual([10, 40]);
    for (const { headers } of limited) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    // The right password waits as well: an answer would tell which one it is.
    expect((await attempt('viewer@acme.test', demo.password)).status).toBe(429);
    expect((await attempt('editor@acme.test', demo.password)).status).toBe(303);
    mandate.clock.advance(901);
    expect((await attempt('viewer@acme.test', demo.password)).status).toBe(303);
  });

  test('LG-05: a session that was planted before does not become the one that is signed in', async () => {
    const attacker = createBrowserlessClient(mandate.issuer);
    await attacker.get('/device');
    const planted = attacker.cookieHeader('/');
    expect(planted).toContain('mandate_session=');
    const victim = createBrowserlessClient(mandate.issuer);
    const page = await victim.get(`/authorize?${new URLSearchParams(webRequest())}`, {
      follow: true,
      headers: { cookie: planted },
    });
    expect(page.status).not.toBe(500);
    const before = attacker.cookie('mandate_session');
    const signIn = await attacker.get(`/authorize?${new URLSearchParams(webRequest())}`, { follow: true });
    const person = { Email: 'editor@acme.test', Password: demo.password };
    await attacker.submit(signIn, 'Sign in', person, { follow: true });
    expect(attacker.cookie('mandate_session')).not.toBe(before);
    const stranger = createBrowserlessClient(mandate.issuer);
    const asked = await stranger.get(
      `/authorize?${new URLSearchParams({ ...webRequest(), prompt: 'none' })}`,
      {
        headers: { cookie: planted },
      },
    );
    expect(asked.location).toContain('error=login_required');
  });

  test('LG-07: a sign-in that did not come from our own page is refused', async () => {
    for (const headers of [
      { origin: 'https://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ] as Record<string, string>[]) {
      const { browser, target, fields } = await openSignIn();
      fields.set('email', 'editor@acme.test');
      fields.set('password', demo.password);
      const page = await browser.postForm(target.pathname, fields, { headers });
      expect([page.status, page.location]).toEqual([403, undefined]);
    }
    const { browser, target, fields } = await openSignIn();
    fields.delete('csrf');
    expect((await browser.postForm(target.pathname, fields)).status).toBe(403);
  });

  test('LG-08: a megabyte of password is refused before it is hashed', async () => {
    const { browser, target, fields } = await openSignIn();
    fields.set('password', 'x'.repeat(1_000_000));
    const before = ownCpuMilliseconds();
    expect((await browser.postForm(target.pathname, fields)).status).toBe(413);
    expect(ownCpuMilliseconds() - before).toBeLessThan(1_000);
  });

  test('LG-12: cookies are signed, HttpOnly and SameSite; signing out by GET only asks', async () => {
    const browser = createBrowserlessClient(mandate.issuer);
    await openConsent(browser, webRequest());
    const { headers } = await fetch(`${mandate.issuer}/device`);
    for (const cookie of headers.getSetCookie()) {
      expect(cookie).toMatch(/; httponly/i);
      expect(cookie).toMatch(/; samesite=lax/i);
    }
    const asked = await browser.get('/session/end');
    expect(asked.status).toBe(200);
    const still = await browser.get(`/authorize?${new URLSearchParams({ ...webRequest(), prompt: 'none' })}`);
    expect(still.location).toContain('error=consent_required');
    const unsigned = browser
      .cookieHeader('/')
      .replace(/mandate_session\.sig=[^;]+/, 'mandate_session.sig=AAAA');
    const tampered = await createBrowserlessClient(mandate.issuer).get(
      `/authorize?${new URLSearchParams({ ...webRequest(), prompt: 'none' })}`,
      { headers: { cookie: unsigned } },
    );
    expect(tampered.location).toContain('error=login_required');
    const forged = await browser.postForm('/session/end/confirm', { logout: 'yes', xsrf: 'guess' });
    expect(forged.status).toBe(400);
  });

  test('CN-06: every page forbids scripts of others, frames, sniffing, storing and telling', async () => {
    const { issuer } = mandate;
    const browser = createBrowserlessClient(issuer);
    const pages: Record<string, Page> = {
      start: await browser.get('/'),
      'not found': await browser.get('/nothing-here'),
      'code entry': await browser.get('/device'),
      'refused request': await browser.get('/authorize?client_id=nobody'),
      'expired interaction': await browser.get('/interaction/none'),
      'expired return': await browser.get('/authorize/none'),
      'signed out': await browser.get('/session/end/success'),
    };
    const started = await postForm(`${issuer}/device/auth`, { client_id: demo.cli.id });
    const { user_code = '' } = JSON.parse(started.text) as Record<string, string>;
    const typed = await browser.get(`/device?user_code=${user_code}`);
    pages['code in the address'] = typed;
    pages['code comparison'] = await browser.submit(typed, 'Continue', {}, { follow: true });
    const signIn = await browser.get(`/authorize?${new URLSearchParams(webRequest())}`, { follow: true });
    pages['sign-in'] = signIn;
    const mistyped = { Email: 'editor@acme.test', Password: 'wrong' };
    pages['sign-in again'] = await browser.submit(signIn, 'Sign in', mistyped);
    pages.consent = await openConsent(browser, webRequest());
    const { target, fields } = formOf(pages.consent, 'Authorize');
    fields.set('csrf', 'wrong');
    pages['refused form'] = await browser.postForm(target.pathname, fields);
    pages['sign-out'] = await browser.get('/session/end');
    // The same browser is signed in by now.
    for (const path of [
      '/account/authorizations',
      '/account/authorizations?tab=api-keys',
      '/account/security',
    ]) {
      const own = await browser.get(path);
      expect({ path, status: own.status }).toEqual({ path, status: 200 });
      pages[path] = own;
    }
    pages['account, nobody'] = await createBrowserlessClient(issuer).get('/account/authorizations', {
      follow: true,
    });
    pages.administration = await browser.get('/admin/users');
    for (const [name, { status, headers, body }] of Object.entries(pages)) {
      const said = (header: string) => headers.get(header) ?? '';
      expect({ name, status, type: said('content-type') }).toMatchObject({
        name,
        type: expect.stringMatching(/^text\/html/) as unknown,
      });
      const policy = said('content-security-policy');
      expect({ name, policy }).toEqual({
        name,
        policy: expect.stringContaining("frame-ancestors 'none'") as unknown,
      });
      expect(policy).toContain("default-src 'none'");
      expect(policy).not.toMatch(/unsafe-|\*|https?:(?!\/\/localhost)/);
      expect({
        name,
        frames: said('x-frame-options'),
        sniff: said('x-content-type-options'),
        store: said('cache-control'),
        referrer: said('referrer-policy'),
        cors: headers.get('access-control-allow-origin'),
      }).toEqual({
        name,
        frames: 'DENY',
        sniff: 'nosniff',
        store: 'no-store',
        referrer: 'no-referrer',
        cors: null,
      });
      expect(body).not.toMatch(/<script(?![^>]*\bsrc="\/)[^>]*>|\son\w+="|javascript:/i);
      expect(headers.get('x-powered-by')).toBeNull();
    }
  });
});
