/** People come: invited by an administrator on the page and over the API, they choose a password and are in. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { signIn } from '../support/account.ts';
import { type Administrator, signInToApi } from '../support/administrator.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';
import { type SmtpServer, startSmtpServer } from '../support/smtp-server.ts';

interface AccountBody {
  readonly [name: string]: unknown;
  readonly id: string;
  readonly invited: boolean;
  readonly invitation: { readonly expires_at: number; readonly mail_file: string | null } | null;
}

const password = 'seven quiet lanterns';

describe.each(['sqlite', 'postgres'] as const)('an invitation on %s', (engine) => {
  let mandate: TestMandate;
  let smtp: SmtpServer;
  let admin: Administrator;
  beforeAll(async () => {
    smtp = await startSmtpServer();
    mandate = await startMandate({
      engine,
      mail: { route: { kind: 'smtp', url: smtp.url }, from: 'Mandate <mandate@acme.test>', language: 'en' },
    });
    admin = await signInToApi(mandate.issuer, 'admin@acme.test');
  });
  afterAll(async () => {
    await mandate.stop();
    await smtp.stop();
  });

  const browser = () => createBrowserlessClient(mandate.issuer);
  const linkIn = (text: string) => /https?:\/\/\S+\/invitation\?token=[\w-]{43}/.exec(text)?.[0] ?? '';
  const invite = (email: string, more: object = {}) =>
    admin.call<AccountBody>('POST', '/invitations', { email, ...more });
  async function accept(link: string, name = 'Ada Lovelace', chosen = password) {
    const client = browser();
    const page = await client.get(link);
    const answers = { Name: name, 'New password': chosen, 'New password, once more': chosen };
    return { client, answer: await client.submit(page, 'Set password and sign in', answers) };
  }

  test('goes from the page by mail to the first sign-in, with the roles that were picked', async () => {
    const client = await signIn(mandate.issuer, 'admin@acme.test');
    const users = await client.get('/admin/users');
    expect(users.body).toContain('href="/admin/users/invite"');
    const form = await client.get('/admin/users/invite');
    const made = await client.submit(
      form,
      'Send invitation',
      { Email: 'Ada@acme.test', Member: false, Viewer: true },
      { follow: true },
    );
    expect(made.text).toContain('Ada@acme.test');
    expect(made.text).toContain('Send again');
    expect((await client.get('/admin/users?search=ada@acme')).text).toContain('invited');

    const mail = await smtp.next();
    expect([mail.to, mail.subject]).toEqual([['Ada@acme.test'], 'You are invited to Mandate']);
    expect(mail.text).toContain(`admin@acme.test invites you to ${mandate.issuer}`);
    const link = linkIn(mail.text);

    // Nobody signs in before a password is chosen, and none is chosen by asking for a new one.
    const early = browser();
    const refused = await early.submit(await early.get('/sign-in'), 'Sign in', {
      Email: 'ada@acme.test',
      Password: password,
    });
    expect(refused.status).toBe(401);
    const forgetful = browser();
    await forgetful.submit(await forgetful.get('/forgot-password'), 'Send the link', {
      Email: 'ada@acme.test',
    });
    await mandate.app.mail.sendDue();
    expect(smtp.received.length).toBe(1);

    const { answer: nameless } = await accept(link, ' ');
    expect([nameless.status, nameless.text.includes('Enter your name')]).toEqual([422, true]);
    const { answer: common } = await accept(link, 'Ada', 'Sommer2026');
    expect([common.status, common.text.includes('somebody would guess')]).toEqual([422, true]);
    const { client: ada } = await accept(link, 'Ada');
    expect((await ada.get('/account/authorizations')).status).toBe(200);
  });

  test('works once, and for the address that it was sent to alone', async () => {
    const { status, body } = await invite('grace@acme.test', { language: 'de' });
    expect([status, body.invited, body.has_password]).toEqual([201, true, false]);
    expect(body.invitation).toMatchObject({
      expires_at: mandate.clock.now() + 7 * 86_400,
      mail_file: null,
    });
    const mail = await smtp.next();
    expect(mail.subject).toBe('Sie sind zu Mandate eingeladen');
    const link = linkIn(mail.text);
    const { client, answer } = await accept(link, 'Grace Hopper');
    expect(answer.location).toBe(`${mandate.issuer}/account/authorizations`);
    expect((await client.get('/account/authorizations')).text).toContain('grace@acme.test');
    expect((await browser().get(link)).status).toBe(410);
    const after = await admin.call<AccountBody>('GET', `/users/${body.id}`);
    expect(after.body).toMatchObject({
      name: 'Grace Hopper',
      invited: false,
      invitation: null,
      has_password: true,
    });
    await mandate.app.mail.sendDue();
    expect(smtp.received.filter(({ to }) => to[0] === 'grace@acme.test').length).toBe(1);
    const actions = (await mandate.stores.history.of('user', body.id, 10)).map(({ action }) => action);
    expect(actions).toEqual(expect.arrayContaining(['invited', 'invitation_accepted', 'password_changed']));
    expect((await admin.call('POST', `/users/${body.id}/invitation`, {})).status).toBe(409);
  });

  test('is sent again, withdrawn, and expires', async () => {
    const { body } = await invite('katherine@acme.test');
    const first = linkIn((await smtp.next()).text);
    expect((await admin.call('POST', `/users/${body.id}/invitation`, {})).status).toBe(200);
    const second = linkIn((await smtp.next()).text);
    expect((await browser().get(first)).status).toBe(410);
    expect((await browser().get(second)).status).toBe(200);
    const withdrawn = await admin.call<AccountBody>('DELETE', `/users/${body.id}/invitation`);
    expect([withdrawn.status, withdrawn.body.invited]).toEqual([200, false]);
    expect((await browser().get(second)).status).toBe(410);
    await admin.call('POST', `/users/${body.id}/invitation`, {});
    const third = linkIn((await smtp.next()).text);
    // Another address, another person: the link of the old one opens nothing.
    const { body: now } = await admin.call<AccountBody>('GET', `/users/${body.id}`);
    const patched = await admin.call(
      'PATCH',
      `/users/${body.id}`,
      { email: 'k@acme.test' },
      { 'if-match': `"${now.version}"` },
    );
    expect(patched.status).toBe(200);
    expect((await browser().get(third)).status).toBe(410);
    await admin.call('POST', `/users/${body.id}/invitation`, {});
    const fourth = linkIn((await smtp.next()).text);
    mandate.clock.advance(7 * 86_400);
    expect((await browser().get(fourth)).status).toBe(410);
    mandate.clock.advance(-7 * 86_400);
    expect((await accept(fourth)).answer.status).toBe(303);
  });

  test('says when its mail could not be delivered', async () => {
    smtp.refusals.push('550 5.1.1 no such user');
    const { body } = await invite('typo@acme.test');
    for (let tries = 0; tries < 600; tries += 1) {
      await mandate.app.mail.sendDue();
      const now = await admin.call<{ invitation: { mail: string } }>('GET', `/users/${body.id}`);
      if (now.body.invitation.mail === 'failed') break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const client = await signIn(mandate.issuer, 'admin@acme.test');
    expect((await client.get(`/admin/users/${body.id}`)).text).toContain('the mail could not be delivered');
  });

  test('gives nobody more than whoever invites has, and no second account for one address', async () => {
    const roles = await admin.call<{ items: { id: string; slug: string }[] }>('GET', '/roles');
    const owner = roles.body.items.find(({ slug }) => slug === 'owner')?.id;
    expect((await invite('mallory@acme.test', { role_ids: [owner] })).status).toBe(403);
    expect((await invite('VIEWER@acme.test')).status).toBe(409);
    expect(await mandate.stores.users.findByEmail('mallory@acme.test')).toBeUndefined();
    const { answer } = await accept(`${mandate.issuer}/invitation?token=${'a'.repeat(43)}`).catch(() => ({
      answer: undefined,
    }));
    expect(answer).toBeUndefined();
  });

  test('cannot be taken for a forgotten password, nor the other way round', async () => {
    await invite('rosa@acme.test');
    const link = linkIn((await smtp.next()).text);
    expect((await browser().get(link.replace('/invitation', '/reset-password'))).status).toBe(410);
    const client = browser();
    await client.submit(await client.get('/forgot-password'), 'Send the link', { Email: 'viewer@acme.test' });
    const reset = /token=([\w-]{43})/.exec((await smtp.next()).text)?.[1];
    expect((await browser().get(`/invitation?token=${reset}`)).status).toBe(410);
  });

  test('shows a password that the administration sets what it has to be', async () => {
    for (const [bad, code] of [
      ['short', 'password_too_short'],
      ['password1234', 'password_common'],
      ['new-acme.test', 'password_names_account'],
    ]) {
      const answer = await admin.call('POST', '/users', {
        email: 'new@acme.test',
        name: 'New',
        password: bad,
      });
      expect([answer.status, answer.body.code]).toEqual([422, code]);
    }
  });
});

test('development shows where the mail went; a server without mail says that it sends none', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mandate-mail-'));
  const mandate = await startMandate({
    mail: {
      route: { kind: 'folder', path: folder },
      from: 'Mandate <m@localhost>',
      language: 'en',
    },
  });
  const silent = await startMandate();
  try {
    const admin = await signInToApi(mandate.issuer, 'admin@acme.test');
    const { body } = await admin.call<AccountBody>('POST', '/invitations', { email: 'ada@acme.test' });
    expect(body.invitation?.mail_file).toMatch(/\/mail_\w+\.eml$/);
    const client = await signIn(mandate.issuer, 'admin@acme.test');
    expect((await client.get(`/admin/users/${body.id}`)).text).toContain(body.invitation?.mail_file);

    const other = await signInToApi(silent.issuer, 'admin@acme.test');
    const refused = await other.call('POST', '/invitations', { email: 'ada@acme.test' });
    expect([refused.status, refused.body.code]).toEqual([409, 'mail_unavailable']);
    const page = await (await signIn(silent.issuer, 'admin@acme.test')).get('/admin/users/invite');
    expect(page.text).toContain('This server sends no mail');
  } finally {
    await mandate.stop();
    await silent.stop();
    await rm(folder, { recursive: true });
  }
});
