/** What administrators learn of a tool whose metadata document changed, and what they do about it. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { signInToApi } from '../support/administrator.ts';
import { engines } from '../support/databases.ts';
import { requestOf, toolDocument, toolId, toolRedirect, visit } from '../support/documented-tool.ts';
import { type BrowserlessClient, createBrowserlessClient } from '../support/http.ts';
import { createInternet, type Internet } from '../support/internet.ts';
import { administratorsCommandLine } from '../support/logged-in-command-line.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';
import { codeFlow, signInIfAsked } from '../support/oauth-requests.ts';
import { type SmtpServer, startSmtpServer } from '../support/smtp-server.ts';

const moved = 'https://tool.example/moved';
const client = `/clients/${encodeURIComponent(toolId)}`;

describe.each(engines)('a document that changed, on %s', (engine) => {
  let internet: Internet;
  let smtp: SmtpServer;
  let mandate: TestMandate;
  let admin: BrowserlessClient;
  beforeAll(async () => {
    [internet, smtp] = await Promise.all([createInternet(), startSmtpServer()]);
    mandate = await startMandate({
      engine,
      metadataDocuments: { internet: internet.reached },
      mail: { route: { kind: 'smtp', url: smtp.url }, from: 'Mandate <mandate@acme.test>', language: 'en' },
    });
    internet.serve(toolId, toolDocument);
    await codeFlow(mandate.issuer, { clientId: toolId, redirectUri: toolRedirect, answers: { api: true } });
    admin = createBrowserlessClient(mandate.issuer);
    await signInIfAsked(admin, await admin.get('/admin', { follow: true }), 'admin@acme.test');
  });
  afterAll(async () => {
    await mandate.stop();
    await Promise.all([internet.stop(), smtp.stop()]);
  });

  /** Publishes another document, and sends somebody who uses the tool. */
  async function publish(change: Record<string, unknown>): Promise<void> {
    internet.serve(toolId, { ...toolDocument, ...change });
    mandate.clock.advance(301);
    await visit(createBrowserlessClient(mandate.issuer), toolId, moved);
  }
  async function mailsSince(received: number) {
    // Twice: the first may be a round that looked before there was anything.
    await mandate.app.mail.sendDue();
    await mandate.app.mail.sendDue();
    return smtp.received.slice(received);
  }

  test('is shown as unchanged before that, with the host that rules are made for', async () => {
    const page = await admin.get(`/admin${client}`);
    expect(page.text).toContain('Nothing that a person would go by has changed');
    expect(page.links).toContainEqual({ href: '/admin/policies', label: 'Verify, allow or deny a host' });
  });

  test('takes verification back, and whoever looks after clients is told by mail', async () => {
    await (await signInToApi(mandate.issuer, 'admin@acme.test')).call('POST', `${client}/verify`);
    const before = smtp.received.length;
    await publish({ client_name: 'Other', redirect_uris: [moved] });
    const mails = await mailsSince(before);
    expect(mails.flatMap(({ to }) => to).sort()).toEqual(['admin@acme.test', 'owner@acme.test']);
    expect(mails[0]?.subject).toBe('A tool changed what it publishes about itself');
    expect(mails[0]?.text).toContain('its name and where it sends people back to');
    expect(mails[0]?.text).toContain('It is no longer verified');
    const found = await admin.get(new URL(/\S+search=\S+/.exec(mails[0]?.text ?? '')?.[0] ?? '').href);
    expect(found.links.map(({ href }) => href)).toContain(`/admin${client}`);
  });

  test('is shown on its page: what, from what, to what', async () => {
    const page = await admin.get(`/admin${client}`);
    expect(page.text).toMatch(/Name Tool Other/);
    expect(page.text).toContain(`Redirect addresses ${toolRedirect} ${moved}`);
    expect(page.text).toContain('not verified');
  });

  test('is in the audit trail with the whole of both', async () => {
    const api = await signInToApi(mandate.issuer, 'admin@acme.test');
    const query = new URLSearchParams({ subject_id: toolId, action: 'document_changed' });
    const { body } = await api.call<{ items: unknown[] }>('GET', `/changes?${query}`);
    expect(body.items).toMatchObject([
      {
        before: { metadata: { client_name: 'Tool' }, verified: true },
        after: { metadata: { client_name: 'Other' }, verified: false },
      },
    ]);
  });

  test('is no news again the same day, and is the next one', async () => {
    const before = smtp.received.length;
    await publish({ client_name: 'Third', redirect_uris: [moved] });
    await publish({ client_uri: 'https://tool.example/about', client_name: 'Third', redirect_uris: [moved] });
    expect(await mailsSince(before)).toEqual([]);
    mandate.clock.advance(86_400);
    await publish({ client_name: 'Fourth', redirect_uris: [moved] });
    const mails = await mailsSince(before);
    expect(mails.map(({ text }) => text.includes('It is no longer verified'))).toEqual([false, false]);
  });

  test('is no news where nobody relies on the tool', async () => {
    const before = smtp.received.length;
    const unused = 'https://unused.example/client.json';
    internet.serve(unused, { ...toolDocument, client_id: unused });
    const person = createBrowserlessClient(mandate.issuer);
    await visit(person, unused, toolRedirect);
    internet.serve(unused, { ...toolDocument, client_id: unused, client_name: 'Other' });
    mandate.clock.advance(301);
    await visit(person, unused, toolRedirect);
    expect((await mandate.stores.history.of('client', unused, 1))[0]?.action).toBe('document_changed');
    expect(await mailsSince(before)).toEqual([]);
  });
});

test('a document is verified, disabled, enabled and forgotten from a terminal', async () => {
  const internet = await createInternet();
  const mandate = await startMandate({ metadataDocuments: { internet: internet.reached } });
  internet.serve(toolId, toolDocument);
  const admin = await administratorsCommandLine(mandate.issuer, 'admin@acme.test');
  const person = createBrowserlessClient(mandate.issuer);
  await visit(person);
  const after = async (...verb: string[]) => {
    expect(await admin.run('clients', ...verb)).toMatchObject({ code: 0, stderr: '' });
    return await mandate.stores.clients.find(toolId);
  };
  expect(await after('verify', toolId)).toMatchObject({ verified: true });
  expect(await after('disable', toolId)).toMatchObject({ disabled: true });
  const refused = await person.get(`/authorize?${new URLSearchParams(requestOf())}`);
  expect(refused.status).toBe(400);
  expect(await after('enable', toolId)).toMatchObject({ disabled: false });
  expect(await after('delete', toolId)).toBeUndefined();
  await mandate.stop();
  await internet.stop();
}, 60_000);
