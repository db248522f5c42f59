/** An invitation is taken up with an account at another provider, in place of a password. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Secret, TOTP } from 'otpauth';
import { signIn } from '../support/account.ts';
import { signInToApi } from '../support/administrator.ts';
import { engines } from '../support/databases.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';
import { type SmtpServer, startSmtpServer } from '../support/smtp-server.ts';
import { type LyingProvider, leadsTo, providerAt, startLyingProvider } from '../support/upstream.ts';

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  let above: LyingProvider;
  let smtp: SmtpServer;
  beforeAll(async () => {
    smtp = await startSmtpServer();
    above = await startLyingProvider({ now: () => mandate.clock.now() });
    mandate = await startMandate({
      engine,
      upstreamProviders: [providerAt(above.issuer)],
      mail: { route: { kind: 'smtp', url: smtp.url }, from: 'Mandate <mandate@acme.test>', language: 'en' },
    });
  });
  afterAll(async () => {
    await mandate.stop();
    await above.stop();
    await smtp.stop();
  });

  async function invite(email: string): Promise<string> {
    const admin = await signInToApi(mandate.issuer, 'admin@acme.test');
    await admin.call('POST', '/invitations', { email });
    return letterTo(email);
  }

  async function letterTo(email: string): Promise<string> {
    for (;;) {
      const { to, text } = await smtp.next();
      const link = /https?:\/\/\S+\/invitation\?token=[\w-]{43}/.exec(text)?.[0];
      if (to.includes(email) && link !== undefined) return link;
    }
  }

  test('whoever has the letter comes in, and back, without a password; the letter is used up', async () => {
    const link = await invite('ada@acme.test');
    const client = createBrowserlessClient(mandate.issuer);
    const form = await client.get(link);
    const asked = leadsTo(await client.submit(form, 'Continue with Acme'));
    expect(asked.href).not.toContain(new URL(link).searchParams.get('token'));
    const claims = { sub: 'ada', name: 'Ada Lovelace', email: 'countess@elsewhere.test' };
    const home = await client.get(above.answer(asked, { claims }), { follow: true });
    expect(home.url).toBe(`${mandate.issuer}/account/authorizations`);
    const account = await mandate.stores.users.findByEmail('ada@acme.test');
    expect(account).toMatchObject({ name: 'Ada Lovelace', passwordHash: null });
    expect((await client.get(link)).status).toBe(410);

    const again = createBrowserlessClient(mandate.issuer);
    const back = leadsTo(await again.submit(await again.get('/sign-in'), 'Continue with Acme'));
    expect((await again.get(above.answer(back, { claims }), { follow: true })).status).toBe(200);
    expect((await again.get('/account/security')).text).toContain('ada@acme.test');
  });

  test('an account there that is somebody’s already leaves the letter as good as before', async () => {
    const viewer = await signIn(mandate.issuer, 'viewer@acme.test');
    const linking = await viewer.submit(await viewer.get('/account/security'), 'Link an account at Acme');
    await viewer.get(above.answer(leadsTo(linking), { claims: { sub: 'taken' } }), { follow: true });

    const link = await invite('grace@acme.test');
    const client = createBrowserlessClient(mandate.issuer);
    const asked = leadsTo(await client.submit(await client.get(link), 'Continue with Acme'));
    const refused = await client.get(above.answer(asked, { claims: { sub: 'taken' } }), { follow: true });
    expect(refused.status).toBe(409);
    expect(refused.text).toContain('somebody else’s account');
    expect((await client.get('/account/security')).status).toBe(303);
    const more = leadsTo(await client.submit(refused, 'Continue with Acme'));
    const home = await client.get(above.answer(more, { claims: { sub: 'grace' } }), { follow: true });
    expect(home.url).toBe(`${mandate.issuer}/account/authorizations`);
  });

  test('whoever has an authenticator app is asked for its code, though the letter is right', async () => {
    const link = await invite('mary@acme.test');
    const client = createBrowserlessClient(mandate.issuer);
    const asked = leadsTo(await client.submit(await client.get(link), 'Continue with Acme'));
    await client.get(above.answer(asked, { claims: { sub: 'mary' } }), { follow: true });
    const { secondFactors, users } = mandate.stores;
    const mary = await users.findByEmail('mary@acme.test');
    if (!mary) throw new Error('nobody was invited');
    const { secret = '' } = (await secondFactors.begin(mary)) ?? {};
    const timestamp = mandate.clock.now() * 1_000;
    const code = new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp });
    expect(await secondFactors.confirm({ id: mary.id }, mary.id, code)).toHaveLength(10);

    const admin = await signInToApi(mandate.issuer, 'admin@acme.test');
    await admin.call('POST', `/users/${mary.id}/invitation`, {});
    const reader = createBrowserlessClient(mandate.issuer);
    const form = await reader.get(await letterTo('mary@acme.test'));
    const sent = leadsTo(await reader.submit(form, 'Continue with Acme'));
    const claims = { sub: 'reader-of-marys-mail' };
    const back = await reader.get(above.answer(sent, { claims }), { follow: true });
    expect(new URL(back.url).pathname).toBe('/sign-in');
    expect((await reader.get('/account/security')).status).toBe(303);
    const again = leadsTo(await reader.submit(back, 'Continue with Acme'));
    const step = await reader.get(above.answer(again, { claims }), { follow: true });
    expect(new URL(step.url).pathname).toBe('/sign-in/code');
    expect((await reader.get('/account/security')).status).toBe(303);
  });
});
