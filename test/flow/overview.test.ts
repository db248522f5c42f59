/** What an operator looks at first: the same figures on the page and in the JSON API, for those who operate something. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { signInToApi } from '../support/administrator.ts';
import { engines } from '../support/databases.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { introspect, tokenByCode } from '../support/oauth.ts';
import { fillActivity } from '../support/sample-activity.ts';

interface Overview {
  readonly at: number;
  readonly introspections: {
    readonly hours: readonly Record<string, number>[];
    readonly days: readonly Record<string, number>[];
    readonly by_resource_server: readonly { name: string; last_24_hours: Record<string, number> }[];
  };
  readonly sign_ins: { readonly days: readonly Record<string, number>[] };
  readonly tokens: { readonly last_24_hours: Record<string, number> };
  readonly authorizations: readonly { kind: string; status: string; count: number; last_used: object }[];
  readonly pending_approvals: number;
  readonly ending_keys: readonly Record<string, unknown>[] | null;
}

describe.each(engines)('the overview on %s', (engine) => {
  let mandate: TestMandate;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
  });
  afterAll(() => mandate.stop());

  const read = async (email: string) =>
    (await signInToApi(mandate.issuer, email)).call<Overview>('GET', '/overview');

  test('counts what was asked, handed out and refused', async () => {
    const { issuer, clock, stores, store } = mandate;
    const { access_token: token = '' } = await tokenByCode(issuer, {
      email: 'editor@acme.test',
      answers: { 'flows:edit': true, atlas: true, 'Role in atlas': 'Editor' },
    });
    for (let round = 0; round < 3; round += 1) await introspect(issuer, token);
    await introspect(issuer, token, demo.mcpServer);
    const owner = await stores.users.findByEmail('viewer@acme.test');
    const end = clock.now() + 5 * 86_400;
    const key = await store.transact((trx) =>
      stores.authorizations.insert(
        trx,
        { id: 'test' },
        {
          kind: 'api_key',
          userId: owner?.id ?? '',
          clientId: null,
          name: 'nightly',
          capabilities: ['api'],
          projects: [],
          mcpServers: [],
          asked: [],
          expiresAt: end,
        },
      ),
    );
    // Signed in before everything is written down: whether that was done meanwhile is a matter of time.
    const admin = await signInToApi(issuer, 'admin@acme.test');
    await mandate.app.settle();
    const { status, body } = await admin.call<Overview>('GET', '/overview');
    expect(status).toBe(200);
    expect(body.introspections.hours).toHaveLength(24);
    expect(body.introspections.days).toHaveLength(30);
    for (const series of [body.introspections.hours, body.introspections.days]) {
      expect(series.at(-1)).toMatchObject({ active: 3, inactive: 1, refused_caller: 0, unavailable: 0 });
    }
    expect(
      body.introspections.by_resource_server.map(({ name, last_24_hours: day }) => [
        name,
        day.active,
        day.inactive,
      ]),
    ).toEqual([
      ['acme-api', 3, 0],
      ['acme-mcp', 0, 1],
    ]);
    expect(body.sign_ins.days.at(-1)).toMatchObject({ signed_in: 2, wrong: 0, limited: 0 });
    expect(body.tokens.last_24_hours).toMatchObject({ authorization_code: 1, refresh_token: 0 });
    expect(body.authorizations).toContainEqual({
      kind: 'oauth2',
      status: 'active',
      // The demo's service account holds the other one.
      count: expect.any(Number),
      last_used: expect.objectContaining({ '1_day': 1 }),
    });
    expect(body.pending_approvals).toBe(0);
    expect(body.ending_keys).toEqual([
      { id: key.id, name: 'nightly', owner_id: owner?.id, owner_email: 'viewer@acme.test', expires_at: end },
    ]);
  });

  test('names nobody’s keys to those who do not see them, and is shut to those who operate nothing', async () => {
    const admin = await signInToApi(mandate.issuer, 'admin@acme.test');
    const role = await admin.call('POST', '/roles', {
      slug: 'auditor',
      name: 'Auditor',
      permissions: ['audit.read'],
    });
    await admin.call('POST', '/users', {
      email: 'auditor@acme.test',
      name: 'Auditor',
      password: demo.password,
      role_ids: [role.body.id],
    });
    expect((await read('auditor@acme.test')).body.ending_keys).toBeNull();
    expect((await read('editor@acme.test')).status).toBe(403);
  });

  test('is the first page of the administration, with every number beside its drawing', async () => {
    await fillActivity(mandate.store, mandate.clock.now() - 40 * 86_400);
    const client = createBrowserlessClient(mandate.issuer);
    await client.submit(await client.get('/sign-in'), 'Sign in', {
      Email: 'admin@acme.test',
      Password: demo.password,
    });
    const page = await client.get('/admin');
    expect(page.status).toBe(200);
    expect(page.title).toContain('Overview');
    for (const told of [
      'Introspections in 24 hours',
      'Who asks',
      'acme-mcp',
      'nightly',
      'Last 30 days as a table',
    ]) {
      expect(page.text).toContain(told);
    }
    expect(page.body).toContain('role="img"');
    expect(page.body).not.toMatch(/<script|style="/);
  });
});
