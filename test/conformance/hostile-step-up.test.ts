/** What an open session, a password alone, or a tool must not be enough for. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Secret, TOTP } from 'otpauth';
import { signIn } from '../support/account.ts';
import { signInToApi } from '../support/administrator.ts';
import { administratingTool, toolWith } from '../support/administrator-token.ts';
import { engines } from '../support/databases.ts';
import { type BrowserlessClient, createBrowserlessClient } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { pkce } from '../support/oauth.ts';
import { openConsent } from '../support/oauth-requests.ts';
import { type SmtpServer, startSmtpServer } from '../support/smtp-server.ts';

/** The whole of a key: the random parts of a page have `mk_` in them now and then. */
const apiKey = /mk_[0-9A-Za-z]{49}/;

interface Versioned {
  id: string;
  version: number;
}

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  let smtp: SmtpServer;
  beforeAll(async () => {
    smtp = await startSmtpServer();
    const route = { kind: 'smtp', url: smtp.url } as const;
    mandate = await startMandate({
      engine,
      mail: { route, from: 'Mandate <mandate@acme.test>', language: 'en' },
    });
  });
  afterAll(async () => {
    await mandate.stop();
    await smtp.stop();
  });
  // Whoever signed in for one test did so long ago for the next.
  beforeEach(() => mandate.clock.advance(1_000));

  const codeOf = (secret: string) =>
    new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: mandate.clock.now() * 1_000 });

  async function setUpApp(client: BrowserlessClient): Promise<string> {
    const asked = await client.submit(await client.get('/account/security'), 'Set up an app');
    const secret = (/<p><code>([A-Z2-7 ]+)<\/code>/.exec(asked.body)?.[1] ?? '').replaceAll(' ', '');
    await client.submit(asked, 'Switch on', { 'Code that the app shows now': codeOf(secret) });
    return secret;
  }

  test('LG-11: changing the password does not make an old sign-in a fresh one where a second step is set up', async () => {
    const thief = await signIn(mandate.issuer, 'editor@acme.test');
    const secret = await setUpApp(thief);
    mandate.clock.advance(601);
    const fresh = 'a thief chose these words';
    const passwords = { 'Present password': demo.password, 'New password': fresh };
    const asked = await thief.submit(await thief.get('/account/security'), 'Change password', passwords);
    expect(asked.status).toBe(403);
    expect(asked.text).toContain('Confirm that it is you');
    expect(asked.body).not.toContain(fresh);
    const removal = await thief.submit(await thief.get('/account/security'), 'Switch off');
    expect(removal.text).toContain('Confirm that it is you');
    // Whoever has the app goes on from here.
    const proof = { Password: demo.password, Code: codeOf(secret) };
    const done = await thief.submit(asked, 'Confirm', proof, { follow: true });
    expect(done.text).toContain('Your password is changed');
  });

  test('an invitation of somebody who has a second step sets a password, and does not go around that step', async () => {
    await setUpApp(await signIn(mandate.issuer, 'viewer@acme.test'));
    const owner = await signInToApi(mandate.issuer, 'owner@acme.test');
    const { id = '' } = (await mandate.stores.users.findByEmail('viewer@acme.test')) ?? {};
    const { body: viewer } = await owner.call<Versioned>('GET', `/users/${id}`);
    const without = await owner.call(
      'PATCH',
      `/users/${id}`,
      { password: null },
      { 'if-match': `"${viewer.version}"` },
    );
    expect(without.status).toBe(200);
    expect((await owner.call('POST', `/users/${id}/invitation`, {})).status).toBe(200);
    let link: string | undefined;
    while (link === undefined)
      link = /https?:\/\/\S+\/invitation\?token=[\w-]{43}/.exec((await smtp.next()).text)?.[0];
    const reader = createBrowserlessClient(mandate.issuer);
    const page = await reader.get(link);
    const [form] = page.forms;
    const fields = Object.fromEntries((form?.fields ?? []).map(({ name, value }) => [name, value]));
    const password = 'three quiet lanterns';
    const set = await reader.postForm(form?.action ?? '', { ...fields, password, repeated: password });
    expect(set.text).toContain('Your password is set');
    expect((await reader.get('/account/authorizations')).status).toBe(303);
  });

  test('a new secret of a key with something sensitive asks for a sign-in of now, on its page and over the API', async () => {
    const admin = await signInToApi(mandate.issuer, 'admin@acme.test');
    const key = async (capabilities: string[]) =>
      (await admin.call<Versioned>('POST', '/api-keys', { name: capabilities.join(), capabilities })).body.id;
    const sensitive = await key(['api', 'mandate:admin']);
    const plain = await key(['api']);
    const forAWhile = await key(['api']);
    const addition = { capabilities: ['apps:admin'], for_seconds: 3_600 };
    const additions = `/authorizations/${forAWhile}/additions`;
    expect((await admin.call('POST', additions, addition, { 'if-match': '"1"' })).status).toBe(201);
    mandate.clock.advance(601);
    for (const id of [sensitive, forAWhile]) {
      expect(await admin.call('POST', `/api-keys/${id}/rotate`, {})).toMatchObject({
        status: 403,
        body: { code: 'sign_in_again' },
      });
    }
    for (const id of [sensitive, forAWhile]) {
      const browser = await signIn(mandate.issuer, 'admin@acme.test');
      mandate.clock.advance(601);
      const page = await browser.get(`/account/authorizations/${id}`);
      const form = page.forms.find(({ action }) => action.endsWith('/rotate'));
      const fields = Object.fromEntries((form?.fields ?? []).map(({ name, value }) => [name, value]));
      const asked = await browser.postForm(form?.action ?? '', { ...fields, overlap: '0' });
      expect(asked.status).toBe(403);
      expect(asked.body).not.toMatch(apiKey);
      const confirmed = await browser.submit(asked, 'Confirm', { Password: demo.password });
      expect(confirmed.body).toMatch(apiKey);
    }
    expect((await admin.call('POST', `/api-keys/${plain}/rotate`, {})).status).toBe(201);
  });

  test('a browser that was left open gives no tool anything sensitive; with a proof it goes on with what was picked', async () => {
    const browser = await signIn(mandate.issuer, 'admin@acme.test');
    const ask = (redirectUri = demo.web.redirect, clientId: string = demo.web.id) =>
      openConsent(
        browser,
        {
          client_id: clientId,
          redirect_uri: redirectUri,
          response_type: 'code',
          code_challenge: pkce().challenge,
          code_challenge_method: 'S256',
          scope: 'api apps:admin',
        },
        'admin@acme.test',
      );
    const { id = '' } = (await mandate.stores.users.findByEmail('admin@acme.test')) ?? {};
    const handedOut = async () => (await mandate.stores.authorizations.listByUser(id)).length;
    mandate.clock.advance(601);
    // What is not sensitive is not asked about.
    const plain = await browser.submit(await ask(), 'Authorize', { api: true, 'apps:admin': false });
    expect(plain.status).toBe(303);
    const before = await handedOut();
    const sensitive = { api: true, 'apps:admin': true };
    const asked = await browser.submit(await ask(), 'Authorize', sensitive);
    expect([asked.status, asked.text]).toEqual([403, expect.stringContaining('Confirm that it is you')]);
    expect(asked.headers.get('content-security-policy')).toContain(
      `form-action 'self' ${new URL(demo.web.redirect).origin};`,
    );
    const wrong = await browser.submit(asked, 'Confirm', { Password: 'wrong' });
    expect([wrong.status, await handedOut()]).toEqual([403, before]);
    const back = await browser.submit(asked, 'Confirm', { Password: demo.password }, { follow: true });
    const { searchParams } = new URL(back.location ?? 'about:blank');
    expect(searchParams.get('code')).toEqual(expect.any(String));
    const [made] = await mandate.stores.authorizations.listByUser(id);
    expect(made?.capabilities).toContain('apps:admin');
    // The proof counts from now on, and what waited is nobody else's.
    expect((await browser.submit(await ask(), 'Authorize', sensitive)).status).toBe(303);
    const other = await signIn(mandate.issuer, 'owner@acme.test');
    const [form] = asked.forms;
    const fields = Object.fromEntries((form?.fields ?? []).map(({ name, value }) => [name, value]));
    const stolen = await other.postForm(form?.action ?? '', { ...fields, password: demo.password });
    expect(stolen.status).toBe(400);
  });

  test('keys of a machine’s client, and where security events go, are not set from a browser that was left open', async () => {
    const owner = await signInToApi(mandate.issuer, 'owner@acme.test');
    const { body: accounts } = await owner.call<{ items: Versioned[] }>('GET', '/service-accounts');
    const account = accounts.items[0]?.id ?? '';
    const { body: servers } = await owner.call<{ items: Versioned[] }>('GET', '/resource-servers');
    const server = servers.items[0]?.id ?? '';
    mandate.clock.advance(601);
    const receiver = { endpoint: 'https://events.example/', token: 'token' };
    for (const [method, path, body] of [
      ['POST', `/service-accounts/${account}/clients/${demo.ci.id}/keys`, {}],
      ['PUT', `/resource-servers/${server}/event-receiver`, receiver],
    ] as const) {
      expect(await owner.call(method, path, body)).toMatchObject({ body: { code: 'sign_in_again' } });
    }
  });

  test('nobody is removed, given keys, let in or believed from a browser that was left open', async () => {
    const owner = await signInToApi(mandate.issuer, 'owner@acme.test');
    const idOf = async (who: string) =>
      (await mandate.stores.users.findByEmail(`${who}@acme.test`))?.id ?? '';
    const [viewer, analyst, ci] = await Promise.all(['viewer', 'analyst', 'ci'].map(idOf));
    const { body: key } = await owner.call<Versioned>('POST', '/api-keys', {
      name: 'nightly',
      user_id: analyst,
      capabilities: ['api'],
    });
    mandate.clock.advance(601);
    const client = { id: 'new-tool', client_name: 'New', redirect_uris: ['https://new.test/back'] };
    const requests = [
      ['DELETE', `/users/${viewer}`],
      ['DELETE', `/service-accounts/${ci}`],
      ['POST', `/users/${analyst}/departure/keys`, { to: ci }],
      ['POST', `/service-accounts/${ci}/departure/keys`, { to: analyst }],
      ['POST', `/api-keys/${key.id}/move`, { user_id: ci }],
      ['POST', `/users/${viewer}/invitation`, {}],
      ['POST', '/clients', client],
      ['POST', `/clients/${demo.web.id}/verify`],
    ] as const;
    for (const [method, path, body] of requests) {
      const answer = await owner.call(method, path, body, { 'if-match': '"1"' });
      expect([path, answer.body.code]).toEqual([path, 'sign_in_again']);
    }
    const again = await signInToApi(mandate.issuer, 'owner@acme.test');
    const moved = await again.call('POST', `/users/${analyst}/departure/keys`, { to: ci });
    expect(moved).toMatchObject({ status: 200, body: { moved: [key.id] } });
    expect((await again.call('POST', '/clients', client)).status).toBe(201);
  });

  test('the pages ask for a proof and go on with what was sent', async () => {
    const browser = await signIn(mandate.issuer, 'owner@acme.test');
    const { body: made } = await (await signInToApi(mandate.issuer, 'owner@acme.test')).call<Versioned>(
      'POST',
      '/service-accounts',
      { email: 'leaving@acme.test', name: 'Leaving' },
    );
    const { body: key } = await (await signInToApi(mandate.issuer, 'owner@acme.test')).call<Versioned>(
      'POST',
      '/api-keys',
      { name: 'to be moved', capabilities: ['api'] },
    );
    mandate.clock.advance(601);
    const own = await browser.get(`/account/authorizations/${key.id}`);
    const move = await browser.submit(own, 'Move key', { 'Service account': 'Acme CI · ci@acme.test' });
    expect(move.text).toContain('Confirm that it is you');
    const owner = (await mandate.stores.users.findByEmail('owner@acme.test'))?.id;
    expect(await mandate.stores.authorizations.find(key.id)).toMatchObject({ userId: owner });
    const page = await browser.get(`/admin/service-accounts/${made.id}/remove`);
    const asked = await browser.submit(page, 'Remove');
    expect(asked.text).toContain('Confirm that it is you');
    expect(await mandate.stores.users.findById(made.id)).toBeDefined();
    expect((await browser.submit(asked, 'Confirm', { Password: demo.password })).status).toBe(303);
    expect(await mandate.stores.users.findById(made.id)).toBeUndefined();
  });

  test('over a token nobody brings back, prolongs or widens what administers Mandate', async () => {
    const owner = await signInToApi(mandate.issuer, 'owner@acme.test');
    const tool = await administratingTool(mandate.issuer, 'admin@acme.test');
    const admin = await signInToApi(mandate.issuer, 'admin@acme.test');
    const { body: account } = await owner.call<Versioned>('POST', '/service-accounts', {
      email: 'robot@acme.test',
      name: 'Robot',
      role_ids: [(await mandate.stores.roles.findBySlug('admin'))?.id],
    });
    const { body: key } = await owner.call<Versioned & { secret: string }>('POST', '/api-keys', {
      name: 'robot',
      user_id: account.id,
      capabilities: ['mandate:admin', 'api'],
      lifetime_seconds: 3_600,
    });
    expect(key.id).toMatch(/^az_/);
    const prolong = await tool.call(
      'PATCH',
      `/api-keys/${key.id}`,
      { lifetime_seconds: null },
      { 'if-match': `"${key.version}"` },
    );
    const refused = { status: 403, body: { code: 'not_over_token' } };
    expect(prolong).toMatchObject(refused);
    expect((await tool.call('POST', `/api-keys/${key.id}/suspend`)).status).toBe(200);
    expect(await tool.call('POST', `/api-keys/${key.id}/resume`)).toMatchObject(refused);
    expect(await tool.call('POST', `/authorizations/${key.id}/resume`)).toMatchObject(refused);
    expect((await toolWith(mandate.issuer, key.secret).call('GET', '/session')).status).toBe(401);
    expect((await admin.call('POST', `/api-keys/${key.id}/resume`)).status).toBe(200);
    expect((await toolWith(mandate.issuer, key.secret).call('GET', '/session')).status).toBe(200);
  });

  test('nobody registers Mandate’s own API as an MCP server, to be asked about tokens that administer it', async () => {
    const owner = await signInToApi(mandate.issuer, 'owner@acme.test');
    const { body: projects } = await owner.call<{ items: Versioned[] }>('GET', '/projects');
    for (const resource of [`${mandate.issuer}/api/v1`, `${mandate.issuer}/api/v1/`]) {
      const made = await owner.call('POST', '/mcp-servers', {
        name: 'own',
        project_id: projects.items[0]?.id,
        resource,
      });
      expect(made).toMatchObject({ status: 409, body: { code: 'resource_taken' } });
    }
  });
});
