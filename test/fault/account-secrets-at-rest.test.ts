/**
 * What accounts, machines and operators have that is secret: links in mail, second steps, keys, tokens of receivers and of registrations,
 * an earlier MANDATE_SECRET. Driven through a real process that logs all it can, and is killed; nothing of it may be found afterwards.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Secret, TOTP } from 'otpauth';
import { callApi } from '../support/administrator.ts';
import { dump } from '../support/database-dump.ts';
import { engines, type FreshDatabase, freshDatabaseUrl } from '../support/databases.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo } from '../support/mandate.ts';
import { collectSecrets, type SecretCollector } from '../support/secret-collector.ts';
import { findSecrets, type Haystack } from '../support/secret-search.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { type SmtpServer, startSmtpServer } from '../support/smtp-server.ts';

describe.each(engines)('on %s', (engine) => {
  let database: FreshDatabase;
  let server: ServerProcess | undefined;
  let smtp: SmtpServer;
  let collector: SecretCollector;
  let haystacks: Haystack[];
  const secret = () => randomBytes(24).toString('base64url');
  const text = (name: string, content: string) => ({ name, bytes: Buffer.from(content) });

  beforeAll(async () => {
    [database, smtp] = await Promise.all([freshDatabaseUrl(engine), startSmtpServer()]);
    collector = collectSecrets();
    const settings = {
      MANDATE_SECRET: secret() + secret(),
      MANDATE_SECRET_PREVIOUS: secret() + secret(),
      METRICS_TOKEN: secret(),
    };
    for (const [name, value] of Object.entries(settings)) collector.add(name, value);
    server = await startServerProcess({
      databaseUrl: database.url,
      environment: { ...settings, LOG_LEVEL: 'trace', SMTP_URL: smtp.url },
    });
    const told = await drive(server, settings.METRICS_TOKEN);
    await server.kill();
    haystacks = [text('log', server.output()), ...told, ...(await dump(engine, database.url))];
  }, 90_000);
  afterAll(async () => {
    collector.stop();
    await server?.kill();
    await smtp.stop();
    await database.drop();
  });

  async function signIn(issuer: string, email: string) {
    const client = createBrowserlessClient(issuer);
    const page = await client.get('/sign-in');
    const home = await client.submit(page, 'Sign in', { Email: email, Password: demo.password });
    expect(home.status).toBe(303);
    return client;
  }

  /** @returns what the server tells those who watch it */
  async function drive({ issuer }: ServerProcess, metricsToken: string): Promise<Haystack[]> {
    // A person sets up a second step, and begins with a passkey.
    const person = await signIn(issuer, 'analyst@acme.test');
    const asked = await person.submit(await person.get('/account/security'), 'Set up an app');
    const base32 = (/<p><code>([A-Z2-7 ]+)<\/code>/.exec(asked.body)?.[1] ?? '').replaceAll(' ', '');
    collector.add('secret of an app', base32);
    collector.add(
      'secret of an app, in bytes',
      Buffer.from(Secret.fromBase32(base32).buffer).toString('hex'),
    );
    const code = new TOTP({ secret: Secret.fromBase32(base32) }).generate();
    const done = await person.submit(asked, 'Switch on', { 'Code that the app shows now': code });
    for (const [, one = ''] of done.body.matchAll(/<li><code>([^<]+)<\/code>/g)) {
      collector.add('recovery code', one);
      collector.add('recovery code, typed', one.replace('-', ''));
    }
    const [form] = (await person.get('/account/security')).forms;
    const csrf = form?.fields.find(({ name }) => name === 'csrf')?.value ?? '';
    const options = await person.postForm('/account/security/passkeys/options', { csrf });
    collector.add(
      'challenge of a passkey',
      String((JSON.parse(options.body) as { challenge: string }).challenge),
    );

    // An administrator makes and replaces what is shown once.
    const owner = await signIn(issuer, 'owner@acme.test');
    const cookie = owner.cookieHeader('/api/v1');
    const session = await callApi(issuer, 'GET', '/session', undefined, { cookie });
    const call = <Body = Record<string, string>>(method: string, path: string, body?: unknown) =>
      callApi<Body>(issuer, method, path, body, {
        cookie,
        'x-csrf-token': String(session.body.csrf_token),
        origin: issuer,
      });
    const key = await call('POST', '/api-keys', { name: 'a key', capabilities: ['api'] });
    const rotated = await call('POST', `/api-keys/${key.body.id}/rotate`, { overlap_hours: 1 });
    collector.add('API key', key.body.secret ?? '');
    collector.add('API key, rotated', rotated.body.secret ?? '');
    type List = { items: { id: string; name: string }[] };
    const { body: servers } = await call<List>('GET', '/resource-servers');
    const guard = `/resource-servers/${servers.items.find(({ name }) => name === demo.mcpServer.id)?.id}`;
    collector.add('secret of a resource server', (await call('POST', `${guard}/secret`)).body.secret ?? '');
    const receiver = { endpoint: 'http://127.0.0.1:9/events', token: secret() };
    collector.add('token of a receiver', receiver.token);
    expect((await call('PUT', `${guard}/event-receiver`, receiver)).status).toBe(200);
    expect((await call('POST', `${guard}/event-receiver/verify`)).body).toMatchObject({ taken: false });
    const { body: accounts } = await call<List>('GET', '/service-accounts');
    const machines = `/service-accounts/${accounts.items[0]?.id}/clients`;
    const machine = await call<{ private_key: { d: string } }>('POST', `${machines}/${demo.ci.id}/keys`, {});
    collector.add('private key of a machine', machine.body.private_key.d);
    expect((await call('POST', machines, { id: 'second', client_name: 'Second' })).status).toBe(201);

    // A client manages its own registration, and shows a token that is none.
    const registered = await register(issuer, 'POST', '/register');
    const path = `/register/${registered.client_id}`;
    const replaced = await register(issuer, 'PUT', path, registered);
    await register(issuer, 'PUT', path, registered);

    // Somebody is invited, somebody forgot a password; one link of each is used and one is not.
    const links: string[] = [];
    for (const email of ['ada@acme.test', 'grace@acme.test']) {
      expect((await call('POST', '/invitations', { email })).status).toBe(201);
      links.push(await linkIn('invitation'));
    }
    for (const email of ['viewer@acme.test', 'editor@acme.test']) {
      const visitor = createBrowserlessClient(issuer);
      await visitor.submit(await visitor.get('/forgot-password'), 'Send the link', { Email: email });
      links.push(await linkIn('reset-password'));
    }
    for (const link of [links[0], links[2]]) {
      const visitor = createBrowserlessClient(issuer);
      const page = await visitor.get(link ?? '');
      const [, token = ''] = (link ?? '').split('token=');
      const chosen = secret();
      collector.add('a chosen password', chosen);
      const [set] = page.forms;
      const fields = {
        csrf: set?.fields.find(({ name }) => name === 'csrf')?.value ?? '',
        token,
        name: 'Ada',
      };
      const answer = await visitor.postForm(set?.action ?? '', {
        ...fields,
        password: chosen,
        repeated: chosen,
      });
      expect([200, 303]).toContain(answer.status);
      const report = { 'document-uri': link, 'effective-directive': 'script-src', 'blocked-uri': link };
      await fetch(`${issuer}/csp-reports`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/csp-report' },
        body: JSON.stringify({ 'csp-report': report }),
      });
    }

    const metrics = await fetch(`${issuer}/metrics`, {
      headers: { Authorization: `Bearer ${metricsToken}` },
    });
    expect(metrics.status).toBe(200);
    const audit = await call('GET', '/changes?limit=200');
    expect(audit.text).toContain('invitation_accepted');
    expect(replaced.registration_access_token).toBeDefined();
    return [text('metrics', await metrics.text()), text('audit', audit.text)];
  }

  async function register(issuer: string, method: string, path: string, before: Record<string, string> = {}) {
    const response = await fetch(issuer + path, {
      method,
      headers: {
        'Content-Type': 'application/json',
        Authorization: `Bearer ${before.registration_access_token ?? 'none'}`,
      },
      body: JSON.stringify({
        ...(before.client_id !== undefined && { client_id: before.client_id }),
        redirect_uris: ['https://tool.example/callback'],
      }),
    });
    const body = (await response.json()) as Record<string, string>;
    collector.add('token of a registration', body.registration_access_token ?? '');
    return body;
  }

  async function linkIn(path: string): Promise<string> {
    for (;;) {
      const mail = await smtp.next();
      const link = new RegExp(`https?://\\S+/${path}\\?token=([\\w-]{43})`).exec(mail.text);
      if (!link) continue;
      collector.add(`link of mail, ${path}`, link[1] ?? '');
      return link[0];
    }
  }

  test('there is something to look for', () => {
    const kinds = new Set(collector.secrets.values());
    for (const kind of [
      'secret of an app',
      'recovery code',
      'challenge of a passkey',
      'API key, rotated',
      'secret of a resource server',
      'token of a receiver',
      'private key of a machine',
      'client_secret',
      'token of a registration',
      'link of mail, invitation',
      'link of mail, reset-password',
      'a chosen password',
      'MANDATE_SECRET_PREVIOUS',
      'METRICS_TOKEN',
    ]) {
      expect(kinds).toContain(kind);
    }
    expect(findSecrets(haystacks, new Map([['grace@acme.test', 'an address']])).length).toBeGreaterThan(0);
  });

  test('no secret is in the database, its journal, a log, the metrics or the audit trail, in any spelling', () => {
    // The demo's password is told by whoever starts a demo.
    const secrets = new Map([...collector.secrets].filter(([value]) => value !== demo.password));
    expect(findSecrets(haystacks, secrets)).toEqual([]);
  });
});
