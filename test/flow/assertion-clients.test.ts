/** Who may present identity assertions is an administrator's to say, and what the operator's file says is looked at before a start. */
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Administrator, signInToApi } from '../support/administrator.ts';
import { movableClock } from '../support/clock.ts';
import { runCommandHere } from '../support/command-line.ts';
import { freePort } from '../support/free-port.ts';
import { createBrowserlessClient } from '../support/http.ts';
import {
  assertionGrant,
  type IdentityProvider,
  startIdentityProvider,
  trustIn,
} from '../support/identity-provider.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken } from '../support/oauth.ts';

const clock = movableClock();
let idp: IdentityProvider;
let mandate: TestMandate;
let admin: Administrator;

beforeAll(async () => {
  idp = await startIdentityProvider(clock);
  const clients = ['assistant', 'acme-web'];
  mandate = await startMandate({
    clock,
    assertionIssuers: [trustIn(idp.issuer, { clients, emailDomains: ['acme.test'] })],
  });
  idp.audience = mandate.issuer;
  admin = await signInToApi(mandate.issuer, 'admin@acme.test');
});
afterAll(async () => {
  await mandate.stop();
  await idp.stop();
});

async function present(id: string, secret: string) {
  const assertion = await idp.mint({
    claims: { client_id: id, email: 'editor@acme.test', email_verified: true },
  });
  const { status, body } = await askToken(
    mandate.issuer,
    { grant_type: assertionGrant, assertion },
    { id, secret },
  );
  return [status, body.error];
}
async function set(id: string, assertions: boolean) {
  const { headers } = await admin.call('GET', `/clients/${id}`);
  return admin.call('PATCH', `/clients/${id}`, { assertions }, { 'if-match': headers.get('etag') ?? '' });
}

describe('an administrator', () => {
  test('registers a client for assertions alone, which then presents them', async () => {
    const made = await admin.call<{ client_secret: string }>('POST', '/clients', {
      id: 'assistant',
      client_name: 'Assistant',
      assertions: true,
    });
    expect(made).toMatchObject({
      status: 201,
      body: { metadata: { redirect_uris: [], response_types: [], grant_types: [assertionGrant] } },
    });
    expect(await present('assistant', made.body.client_secret)).toEqual([200, undefined]);
  });

  test('gives the grant to a client that has others, and takes it back', async () => {
    expect(await present(demo.web.id, demo.web.secret)).toEqual([400, 'unauthorized_client']);
    const given = await set(demo.web.id, true);
    expect(given.status).toBe(200);
    expect(await present(demo.web.id, demo.web.secret)).toEqual([200, undefined]);
    const taken = await set(demo.web.id, false);
    expect(taken.body).toMatchObject({
      metadata: { grant_types: expect.not.arrayContaining([assertionGrant]) },
    });
    expect(await present(demo.web.id, demo.web.secret)).toEqual([400, 'unauthorized_client']);
  });

  test('cannot give it to a public client or to one of a service account', async () => {
    expect(await set(demo.cli.id, true)).toMatchObject({ status: 409, body: { code: 'not_for_assertions' } });
    expect(await set(demo.ci.id, true)).toMatchObject({ status: 409, body: { code: 'not_for_assertions' } });
    const made = await admin.call('POST', '/clients', {
      id: 'public-one',
      client_name: 'Public',
      confidential: false,
      assertions: true,
    });
    expect(made).toMatchObject({ status: 409, body: { code: 'not_for_assertions' } });
    const nowhere = await admin.call('POST', '/clients', { id: 'nowhere', client_name: 'Nowhere' });
    expect(nowhere).toMatchObject({ status: 422, body: { code: 'redirect_missing' } });
  });

  test('does the same on the client’s page, which names the issuer', async () => {
    const browser = createBrowserlessClient(mandate.issuer);
    const signIn = await browser.get('/admin/clients/acme-web', { follow: true });
    const page = await browser.submit(
      signIn,
      'Sign in',
      { Email: 'admin@acme.test', Password: demo.password },
      { follow: true },
    );
    expect(page.text).toContain('Acme Login may hand over to this client in people');
    const form = await browser.get('/admin/clients/new');
    expect(form.text).toContain('It may present assertions');
  });
});

describe('the doctor', () => {
  const examine = async (text: string) => {
    const file = join(tmpdir(), `issuers-${await freePort()}.yaml`);
    await writeFile(file, text);
    const environment = {
      ISSUER: `http://localhost:${await freePort()}`,
      DATABASE_URL: 'sqlite:/nonexistent/mandate.db',
      ASSERTION_ISSUERS: file,
    };
    return (await runCommandHere(['doctor'], environment)).stdout;
  };
  const file = (issuer: string) => `
issuers:
  - name: acme
    label: Acme
    issuer: ${issuer}
    clients: [assistant]
    capabilities: [mcp]
    resources: [https://mcp.acme.example/atlas]
`;

  test('says whether the file can be started with, and whether each issuer has keys to show', async () => {
    expect(await examine(file(idp.issuer))).toContain('ok    assertion issuers: acme');
    const nobody = await examine(file(`http://127.0.0.1:${await freePort()}`));
    expect(nobody).toContain('FAIL  assertion issuers: acme: its keys cannot be had');
    const wrong = await examine(file(idp.issuer).replace('[mcp]', '[mcp, everything]'));
    expect(wrong).toContain('issuers.0 (acme): there is no capability everything');
  });
});
