/** Both sides of an approval are told by mail, and a key that is given to another owner asks anew. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Administrator, signInToApi } from '../support/administrator.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';
import { introspect } from '../support/oauth.ts';
import { type SmtpServer, startSmtpServer } from '../support/smtp-server.ts';

interface Waiting {
  readonly id: string;
  readonly capability: string;
  readonly authorization_id: string;
}

describe.each(['sqlite', 'postgres'] as const)('an approval on %s', (engine) => {
  let mandate: TestMandate;
  let smtp: SmtpServer;
  let admin: Administrator;
  let secret: string;
  let keyId: string;
  beforeAll(async () => {
    smtp = await startSmtpServer();
    mandate = await startMandate({
      engine,
      mail: { route: { kind: 'smtp', url: smtp.url }, from: 'Mandate <mandate@acme.test>', language: 'en' },
    });
    admin = await signInToApi(mandate.issuer, 'admin@acme.test');
    const policy = { capabilities: [{ name: 'flows:edit', needs_approval: true }] };
    await admin.call('PUT', '/policies', policy, { 'if-match': '"1"' });
  });
  afterAll(async () => {
    await mandate.stop();
    await smtp.stop();
  });

  const waiting = async () =>
    (await admin.call<{ items: Waiting[] }>('GET', '/approvals?status=pending')).body.items;

  test('is asked of whoever manages policies', async () => {
    const editor = await signInToApi(mandate.issuer, 'editor@acme.test');
    const atlas = await mandate.stores.projects.findBySlug('atlas');
    const role = await mandate.stores.roles.findBySlug('editor');
    const made = await editor.call('POST', '/api-keys', {
      name: 'nightly',
      capabilities: ['api', 'flows:edit'],
      projects: [{ id: atlas?.id, role_ids: [role?.id] }],
      justification: 'Export of the flows, see https://wiki.test/1',
    });
    expect(made.status).toBe(201);
    secret = String(made.body.secret);
    keyId = String(made.body.id);
    const mails = [await smtp.next(), await smtp.next()];
    expect(mails.flatMap(({ to }) => to).sort()).toEqual(['admin@acme.test', 'owner@acme.test']);
    expect(mails[0]?.text).toContain('editor@acme.test asks for approval of flows:edit');
    expect(mails[0]?.text).toContain('Export of the flows, see https: / /wiki.test/1');
  });

  test('and told to whoever asked', async () => {
    const [asked] = await waiting();
    const body = { note: 'until the end of March' };
    await admin.call('POST', `/approvals/${asked?.id}/approve`, body, { 'if-match': '"1"' });
    const mail = await smtp.next();
    expect(mail).toMatchObject({ to: ['editor@acme.test'], subject: 'Your request was approved' });
    expect(mail.text).toContain('until the end of March');
    expect(await introspect(mandate.issuer, secret)).toMatchObject({ scope: 'api flows:edit' });
  });

  test('is for this owner: given to another one, the key waits again', async () => {
    const owner = await mandate.stores.users.findByEmail('ci@acme.test');
    const { version } = (await mandate.stores.authorizations.find(keyId)) ?? {};
    const moved = await admin.call(
      'POST',
      `/api-keys/${keyId}/move`,
      { user_id: owner?.id },
      { 'if-match': `"${version}"` },
    );
    expect(moved.status).toBe(204);
    expect(await introspect(mandate.issuer, secret)).toMatchObject({
      scope: 'api',
      withheld: [{ capability: 'flows:edit', reason: 'approval_pending' }],
    });
    expect(await waiting()).toMatchObject([{ capability: 'flows:edit', authorization_id: keyId }]);
  });
});
