/** A forgotten password, from the link on the sign-in page to the first sign-in with the new one. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Secret, TOTP } from 'otpauth';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { sendTo } from '../support/raw-request.ts';
import { type SmtpServer, startSmtpServer } from '../support/smtp-server.ts';

const fresh = 'seven quiet lanterns';

describe.each(['sqlite', 'postgres'] as const)('a forgotten password on %s', (engine) => {
  let mandate: TestMandate;
  let smtp: SmtpServer;
  beforeAll(async () => {
    smtp = await startSmtpServer();
    mandate = await startMandate({
      engine,
      mail: {
        route: { kind: 'smtp', url: smtp.url },
        from: 'Mandate <mandate@acme.test>',
        language: 'en',
      },
    });
  });
  afterAll(async () => {
    await mandate.stop();
    await smtp.stop();
  });

  const browser = () => createBrowserlessClient(mandate.issuer);
  async function want(email: string, headers: Record<string, string> = {}) {
    const client = browser();
    const page = await client.get('/forgot-password', { headers });
    return client.submit(
      page,
      headers['accept-language'] === 'de' ? 'Link senden' : 'Send the link',
      { [headers['accept-language'] === 'de' ? 'E-Mail' : 'Email']: email },
      { headers },
    );
  }
  async function signIn(email: string, password: string) {
    const client = browser();
    const page = await client.get('/sign-in');
    return { client, answer: await client.submit(page, 'Sign in', { Email: email, Password: password }) };
  }
  const linkIn = (text: string) => /https?:\/\/\S+\/reset-password\?token=[\w-]{43}/.exec(text)?.[0] ?? '';
  const asIt = (
    client: ReturnType<typeof browser>,
    page: Awaited<ReturnType<typeof client.get>>,
    password: string,
  ) =>
    client.submit(page, 'Set new password', {
      'New password': password,
      'New password, once more': password,
    });

  test('is asked for from the sign-in page, set by a link that works once, and ends every session', async () => {
    const { client: elsewhere } = await signIn('editor@acme.test', demo.password);
    expect((await elsewhere.get('/account/authorizations')).status).toBe(200);
    expect((await browser().get('/sign-in')).body).toContain('href="/forgot-password"');

    expect((await want('Editor@ACME.test ')).text).toContain('a link is on its way');
    const mail = await smtp.next();
    expect(mail.to).toEqual(['editor@acme.test']);
    expect(mail.subject).toBe('Set a new password');
    const link = linkIn(mail.text);
    expect(new URL(link).origin).toBe(mandate.issuer);

    const client = browser();
    const page = await client.get(link);
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    expect(page.headers.get('cache-control')).toBe('no-store');
    // Looking, as a mail program may, uses nothing up.
    expect((await browser().get(link)).status).toBe(200);
    for (const [password, said] of [
      ['short', 'fewer than 8'],
      ['Password2026', 'somebody would guess'],
      ['editor-acme.test', 'little else than your name or address'],
      ['x'.repeat(1_025), 'more than 1,024 bytes'],
    ] as const) {
      const again = await asIt(client, page, password);
      expect([again.status, again.text.includes(said)]).toEqual([422, true]);
    }
    const waiting = browser();
    const opened = await waiting.get(link);
    const done = await asIt(client, page, fresh);
    expect(done.text).toContain('Your password is set');

    expect((await elsewhere.get('/account/authorizations')).status).toBe(303);
    expect((await signIn('editor@acme.test', demo.password)).answer.status).toBe(401);
    expect((await signIn('editor@acme.test', fresh)).answer.status).toBe(303);
    expect((await smtp.next()).subject).toBe('Your password was changed');
    const rows = await mandate.store.db
      .selectFrom('changes')
      .select(['action', 'actor', 'subject_id', 'after'])
      .execute();
    const [row] = rows.filter(({ action }) => action === 'password_reset');
    expect(row).toMatchObject({ actor: row?.subject_id, after: '{"sessions":1}' });

    const late = await asIt(waiting, opened, 'another quiet lantern');
    expect(late.status).toBe(410);
    expect((await browser().get(link)).status).toBe(410);
  });

  test('answers the same for an address that nobody has, writes to nobody, and takes no longer', async () => {
    const known = await want('viewer@acme.test');
    const unknown = await want('nobody@acme.test');
    const strip = (text: string) => text.replaceAll(/(viewer|nobody)@acme\.test/g, '');
    expect(strip(unknown.text)).toBe(strip(known.text));
    expect((await smtp.next()).to).toEqual(['viewer@acme.test']);
    await want('ci@acme.test');
    await mandate.app.mail.sendDue();
    expect(
      smtp.received.filter(({ to }) => to[0] !== 'viewer@acme.test' && to[0] !== 'editor@acme.test'),
    ).toEqual([]);
  });

  test('opens nothing after half an hour, after a newer link, after a new password, or when suspended', async () => {
    const links: string[] = [];
    for (let n = 0; n < 2; n += 1) {
      await want('analyst@acme.test', { 'accept-language': 'de' });
      const mail = await smtp.next();
      expect(mail.subject).toBe('Neues Passwort setzen');
      links.push(linkIn(mail.text));
    }
    const [older = '', newer = ''] = links;
    expect((await browser().get(older)).status).toBe(410);
    expect((await browser().get(newer)).status).toBe(200);
    const analyst = await mandate.stores.users.findByEmail('analyst@acme.test');
    const id = analyst?.id ?? '';
    await mandate.stores.users.suspend({ id: 'command' }, id);
    expect((await browser().get(newer)).status).toBe(410);
    await mandate.stores.users.resume({ id: 'command' }, id);
    expect((await browser().get(newer)).status).toBe(200);
    await mandate.stores.users.update({ id: 'command' }, id, { passwordHash: `${analyst?.passwordHash}x` });
    expect((await browser().get(newer)).status).toBe(410);
    expect((await smtp.next()).subject).toBe('Your password was changed');
    await want('analyst@acme.test');
    const last = linkIn((await smtp.next()).text);
    mandate.clock.advance(30 * 60);
    expect((await browser().get(last)).status).toBe(410);
  });

  test('leaves nothing of a sign-in with the old password that was only half done', async () => {
    const email = 'viewer@acme.test';
    const thief = browser();
    const asked = new URLSearchParams({
      client_id: demo.web.id,
      response_type: 'code',
      redirect_uri: demo.web.redirect,
      code_challenge: 'a'.repeat(43),
      code_challenge_method: 'S256',
      scope: 'api',
    });
    const page = await thief.get(`/authorize?${asked}`, { follow: true });
    const half = await thief.submit(page, 'Sign in', { Email: email, Password: demo.password });
    expect(half.status).toBe(303);
    const other = browser();
    const form = await other.get(`/authorize?${asked}`, { follow: true });
    const credentials = { Email: email, Password: demo.password };
    const consent = await other.submit(form, 'Sign in', credentials, { follow: true });
    expect(consent.text).toContain('Authorize');
    await want(email);
    const client = browser();
    const done = await asIt(client, await client.get(linkIn((await smtp.next()).text)), `${fresh} anew`);
    expect(done.status).toBe(200);
    const late = await thief.get(half.location ?? '', { follow: true });
    expect(late.text).not.toContain('Authorize');
    expect((await thief.get('/account/authorizations')).status).toBe(303);
    const given = await other.submit(consent, 'Authorize', { api: true }, { follow: true });
    expect([given.location ?? '', given.text].join()).not.toContain('code=');
    const { authorizations } = mandate.stores;
    const viewer = (await mandate.stores.users.findByEmail(email))?.id ?? '';
    expect(await authorizations.listByUser(viewer)).toEqual([]);
    await smtp.next();
  });

  test('is set by one of two who use the link at once', async () => {
    await want('owner@acme.test');
    const link = linkIn((await smtp.next()).text);
    const both = await Promise.all(
      [0, 1].map(async (n) => {
        const client = browser();
        return asIt(client, await client.get(link), `${fresh} ${n}`);
      }),
    );
    expect(both.map(({ status }) => status).sort()).toEqual([200, 410]);
    await smtp.next();
  });

  test('never writes a link to the host that a request claims to have come to', async () => {
    const { port } = new URL(mandate.issuer);
    const headers = { host: 'evil.test' };
    const answer = await sendTo(port, '/forgot-password', { headers, body: 'email=admin%40acme.test' });
    expect(answer.status).toBe(421);
    await want('admin@acme.test', { 'x-forwarded-host': 'evil.test', forwarded: 'host=evil.test' });
    const mail = await smtp.next();
    expect(mail.raw).not.toContain('evil.test');
    expect(linkIn(mail.text).startsWith(`${mandate.issuer}/`)).toBe(true);
  });

  test('refuses a form from elsewhere, a form without its token, and a made-up link', async () => {
    const client = browser();
    const page = await client.get('/forgot-password');
    const elsewhere = { headers: { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' } };
    expect((await client.submit(page, 'Send the link', { Email: 'a@b.test' }, elsewhere)).status).toBe(403);
    expect((await client.postForm('/forgot-password', { email: 'a@b.test' })).status).toBe(403);
    for (const token of ['', 'x', 'a'.repeat(43), `${'a'.repeat(43)}&token=b`, '%00']) {
      expect((await client.get(`/reset-password?token=${token}`)).status).toBe(410);
    }
    expect((await client.get('/invitation?token=a')).status).toBe(410);
  });

  test('is asked for five times an hour at most for one address', async () => {
    const statuses: number[] = [];
    for (let n = 0; n < 6; n += 1) statuses.push((await want('limited@acme.test')).status);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
  });

  test('leaves no token and no address in the outbox or the log', async () => {
    await mandate.app.mail.sendDue();
    const rows = await mandate.store.db.selectFrom('mail_outbox').selectAll().execute();
    expect(rows.every(({ sealed }) => sealed === null)).toBe(true);
    expect(mandate.logged()).not.toMatch(/token=|@acme\.test/);
    const links = JSON.stringify(await mandate.store.db.selectFrom('account_links').selectAll().execute());
    for (const { text } of smtp.received) {
      const token = /token=([\w-]{43})/.exec(text)?.[1];
      if (token) expect(links).not.toContain(token);
    }
  });

  test('whoever has the mailbox alone does not get past an app; passkeys stay, and the page says so', async () => {
    const { client: own } = await signIn('admin@acme.test', demo.password);
    const asked = await own.submit(await own.get('/account/security'), 'Set up an app');
    const secret = (/<p><code>([A-Z2-7 ]+)<\/code>/.exec(asked.body)?.[1] ?? '').replaceAll(' ', '');
    const code = () =>
      new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: mandate.clock.now() * 1_000 });
    await own.submit(asked, 'Switch on', { 'Code that the app shows now': code() });
    const { id = '' } = (await mandate.stores.users.findByEmail('admin@acme.test')) ?? {};
    const passkey = { userId: id, credentialId: `of-${id}`, publicKey: 'key', transports: [], synced: false };
    await mandate.stores.passkeyList.add({ id }, { ...passkey, name: 'Laptop', counter: 0 });

    await want('admin@acme.test');
    let link = '';
    while (link === '') link = linkIn((await smtp.next()).text);
    const thief = browser();
    const done = await asIt(thief, await thief.get(link), fresh);
    expect(done.text).toContain('Where an app is set up, its code is still asked for.');
    expect((await thief.get('/account/security')).status).toBe(303);
    const { client, answer } = await signIn('admin@acme.test', fresh);
    const step = answer.location ? await client.get(answer.location, { follow: true }) : answer;
    expect(step.text).toContain('authenticator app');
    expect((await client.get('/account/security')).status).toBe(303);
    expect((await client.submit(step, 'Continue', { Code: '000000' })).status).toBe(401);
    expect(await mandate.stores.secondFactors.required(id)).toBe(true);
    expect(await mandate.stores.passkeyList.list(id)).toHaveLength(1);
    mandate.clock.advance(60);
    const { client: person, answer: again } = await signIn('admin@acme.test', fresh);
    const second = again.location ? await person.get(again.location, { follow: true }) : again;
    expect((await person.submit(second, 'Continue', { Code: code() })).status).toBe(303);
  });
});

test('a server without mail says that it sends none', async () => {
  const mandate = await startMandate();
  try {
    const client = createBrowserlessClient(mandate.issuer);
    const page = await client.get('/forgot-password');
    expect(page.text).toContain('This server sends no mail');
    expect(page.forms.length).toBe(0);
  } finally {
    await mandate.stop();
  }
});
