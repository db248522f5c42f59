/** The connection doctor against the real server: on the page, through the API, and on the command line. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { signInToApi } from '../support/administrator.ts';
import { runCommand } from '../support/command-line.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';

let mandate: TestMandate;

beforeAll(async () => {
  mandate = await startMandate();
});
afterAll(() => mandate.stop());

test('on the page an administrator sees that a tool gets through to this server, and repeats it without a second client', async () => {
  const admin = createBrowserlessClient(mandate.issuer);
  const signIn = await admin.get('/admin/doctor', { follow: true });
  const page = await admin.submit(
    signIn,
    'Sign in',
    { Email: 'admin@acme.test', Password: demo.password },
    { follow: true },
  );
  const answers = { 'Address of an MCP server, an API or an issuer': mandate.issuer };
  const first = await admin.submit(page, 'Examine', answers);
  expect(first.text).toContain('A tool gets through');
  expect(first.text).toContain('It takes PKCE with S256');
  await admin.submit(first, 'Examine', answers);
  const registered = await mandate.store.db
    .selectFrom('clients')
    .select('id')
    .where('metadata', 'like', '%connection doctor%')
    .execute();
  expect(registered).toHaveLength(1);
});

test('the API looks at nothing inside the network that nobody registered, and answers only those who may', async () => {
  const admin = await signInToApi(mandate.issuer, 'admin@acme.test');
  const inside = await admin.call('POST', '/connections/examine', { address: 'http://127.0.0.1:9/mcp' });
  expect(inside).toMatchObject({
    status: 200,
    body: {
      kind: 'unknown',
      healthy: false,
      findings: [{ check: 'reachable', outcome: 'failed', found: 'it is not an https URL' }],
    },
  });
  const mapped = await admin.call<{ findings: unknown[] }>('POST', '/connections/examine', {
    address: 'https://[::ffff:127.0.0.1]/mcp',
  });
  expect(mapped.body.findings).toEqual([
    expect.objectContaining({ found: 'the host is not on the public internet' }),
  ]);
  expect(await admin.call('POST', '/connections/examine', { address: 'ftp://a.example' })).toMatchObject({
    status: 422,
  });
  const viewer = await signInToApi(mandate.issuer, 'viewer@acme.test');
  expect(await viewer.call('POST', '/connections/examine', { address: mandate.issuer })).toMatchObject({
    status: 403,
  });
});

test('on the command line it ends with 1 when a tool would not get through, and says which and why', async () => {
  const well = await runCommand(['doctor', mandate.issuer, '--json'], {});
  expect(well).toMatchObject({ code: 0 });
  expect(JSON.parse(well.stdout)).toMatchObject({ kind: 'issuer', healthy: true });
  const unwell = await runCommand(['doctor', `${mandate.issuer}/nothing-here`], {});
  expect(unwell).toMatchObject({ code: 1 });
  expect(unwell.stdout).toMatch(/FAIL\s+A request without a token is refused with 401/);
  expect(unwell.stdout).toMatch(/expected\s+401/);
  expect(await runCommand(['doctor', 'nonsense'], {})).toMatchObject({ code: 2 });
});
