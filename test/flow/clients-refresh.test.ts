/** How real clients refresh: by the numbers of "What real clients need", on both engines. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { engines } from '../support/databases.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, introspect } from '../support/oauth.ts';
import { type CodeFlow, codeFlow } from '../support/oauth-requests.ts';

const actor = { id: 'command' };

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
  });
  afterAll(() => mandate.stop());

  interface Tokens {
    readonly access: string;
    readonly refresh: string;
  }
  const start = async (flow: CodeFlow = {}): Promise<Tokens> => {
    const { status, body } = await codeFlow(mandate.issuer, flow);
    if (status !== 200) throw new Error(JSON.stringify(body));
    return { access: body.access_token ?? '', refresh: body.refresh_token ?? '' };
  };
  const refresh = (token: string, fields: Record<string, string> = {}) =>
    askToken(mandate.issuer, {
      grant_type: 'refresh_token',
      client_id: demo.cli.id,
      refresh_token: token,
      ...fields,
    });
  const ask = (token: string | undefined) => introspect(mandate.issuer, token ?? '');
  const authorizationOf = async (token: string) =>
    mandate.stores.authorizations.find(String((await ask(token)).authorization_id));

  describe('3. refresh tokens do not depend on offline_access', () => {
    test.each([
      ['no scope at all', {}],
      ['scopes without offline_access', { scope: 'api' }],
      ['offline_access without prompt=consent', { scope: 'api offline_access' }],
      ['offline_access with prompt=consent', { scope: 'api offline_access', prompt: 'consent' }],
    ])('%s', async (_, request) => {
      const { refresh: token } = await start({ request });
      const { status, body } = await refresh(token);
      expect([status, body.scope]).toEqual([200, 'api']);
    });

    test('the scope that was asked for may be named again, unknown names and offline_access included', async () => {
      const scope = 'api offline_access claudeai';
      const { refresh: token } = await start({ request: { scope } });
      const { status, body } = await refresh(token, { scope });
      expect([status, body.scope]).toEqual([200, 'api']);
    });

    test('RF-07: a scope of unknown names alone is refused, and costs nothing', async () => {
      const { refresh: token } = await start();
      expect(await refresh(token, { scope: 'claudeai' })).toMatchObject({
        status: 400,
        body: { error: 'invalid_scope' },
      });
      expect((await refresh(token)).status).toBe(200);
    });

    test('a narrower scope narrows that access token alone', async () => {
      const answers = { api: true, 'flows:edit': true, atlas: true };
      const { refresh: token } = await start({ request: { scope: 'api flows:edit' }, answers });
      const narrow = await refresh(token, { scope: 'api' });
      expect(narrow.body.scope).toBe('api');
      expect((await ask(narrow.body.access_token)).scope).toBe('api');
      const whole = await refresh(narrow.body.refresh_token ?? '');
      expect(whole.body.scope).toBe('api flows:edit');
    });

    test('what was added to the authorization since is in the next refresh', async () => {
      const { access, refresh: token } = await start();
      const authorization = await authorizationOf(access);
      if (!authorization) throw new Error('no authorization');
      const choice = { ...authorization, capabilities: ['api', 'apps:view'] };
      await mandate.store.transact((trx) =>
        mandate.stores.authorizations.replaceChoice(trx, actor, authorization.id, choice),
      );
      expect((await refresh(token)).body.scope).toBe('api apps:view');
    });
  });

  describe('4. a refresh token that is used twice', () => {
    const living = async (grantId: string) => {
      const { n } = await mandate.store.db
        .selectFrom('oidc_artifacts')
        .select((row) => row.fn.countAll<number>().as('n'))
        .where('model', '=', 'RefreshToken')
        .where('grant_id', '=', grantId)
        .where('consumed_at', 'is', null)
        .executeTakeFirstOrThrow();
      return Number(n);
    };

    test('RF-03: two parallel refreshes get the same successor, and there is one living leaf', async () => {
      const { access, refresh: token } = await start();
      const [one, other] = await Promise.all([refresh(token), refresh(token)]);
      expect([one.status, other.status]).toEqual([200, 200]);
      expect(one.body.refresh_token).toBe(other.body.refresh_token);
      expect(await ask(one.body.access_token)).toMatchObject({ active: true });
      expect(await ask(other.body.access_token)).toMatchObject({ active: true });
      const id = String((await authorizationOf(access))?.id);
      expect(await living(id)).toBe(1);
      expect((await refresh(one.body.refresh_token ?? '')).status).toBe(200);
      expect(await living(id)).toBe(1);
    });

    test('RF-03: a lost answer is asked for again within a minute', async () => {
      const { refresh: token } = await start();
      const first = await refresh(token);
      mandate.clock.advance(59);
      const again = await refresh(token);
      expect([again.status, again.body.refresh_token]).toEqual([200, first.body.refresh_token]);
    });

    test('within the window its successor may have been used already', async () => {
      const { refresh: token } = await start();
      const first = await refresh(token);
      const second = await refresh(first.body.refresh_token ?? '');
      const late = await refresh(token);
      expect([late.status, late.body.refresh_token]).toEqual([200, first.body.refresh_token]);
      const joined = await refresh(late.body.refresh_token ?? '');
      expect([joined.status, joined.body.refresh_token]).toEqual([200, second.body.refresh_token]);
    });

    test('after the window it is a theft: the tokens die, the authorization and its picks stay, marked', async () => {
      const browser = createBrowserlessClient(mandate.issuer);
      const answers = { api: true, 'flows:edit': true, atlas: true };
      const { access, refresh: token } = await start({ browser, answers });
      const before = await authorizationOf(access);
      const leaf = await refresh(token);
      mandate.clock.advance(61);
      expect(await refresh(token)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });

      for (const dead of [access, leaf.body.access_token]) expect(await ask(dead)).toEqual({ active: false });
      expect((await refresh(leaf.body.refresh_token ?? '')).body.error).toBe('invalid_grant');
      const after = await mandate.stores.authorizations.find(before?.id ?? '');
      expect(after).toMatchObject({
        status: 'active',
        capabilities: before?.capabilities,
        projects: before?.projects,
        replayedAt: mandate.clock.now(),
        replayedFrom: expect.stringMatching(/127\.0\.0\.1|::1/) as unknown,
      });
      const again = await start({ browser });
      expect((await authorizationOf(again.access))?.id).toBe(before?.id);
      expect((await ask(again.access)).scope).toBe('api flows:edit');
    });

    test('is refused after the authorization was revoked, within the window too', async () => {
      const { access, refresh: token } = await start();
      await refresh(token);
      await mandate.stores.authorizations.revoke(actor, String((await ask(access)).authorization_id));
      expect(await refresh(token)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    });
  });

  describe('a pause is no end', () => {
    test('a suspended authorization refreshes again once it is resumed', async () => {
      const { access, refresh: token } = await start();
      const id = String((await ask(access)).authorization_id);
      await mandate.stores.authorizations.suspend(actor, id);
      const { status, body } = await refresh(token);
      expect([status, body.error]).toEqual([400, 'access_denied']);
      await mandate.stores.authorizations.resume(actor, id);
      expect((await refresh(token)).status).toBe(200);
    });

    test('a suspended account refreshes again once it is resumed', async () => {
      const { refresh: token } = await start({ email: 'viewer@acme.test' });
      const viewer = await mandate.stores.users.findByEmail('viewer@acme.test');
      await mandate.stores.users.suspend(actor, viewer?.id ?? '');
      expect((await refresh(token)).status).toBe(400);
      await mandate.stores.users.resume(actor, viewer?.id ?? '');
      expect((await refresh(token)).status).toBe(200);
    });
  });

  // Last: the clock goes on by years.
  test('a tool that is in use goes on for as long as its authorization holds', async () => {
    let { access, refresh: token } = await start({ answers: { 'until revoked': true } });
    expect(await authorizationOf(access)).toMatchObject({ expiresAt: null });
    const statuses = [];
    for (let times = 1; times <= 12; times += 1) {
      mandate.clock.advance(80 * 86_400);
      const { status, body } = await refresh(token);
      statuses.push(status);
      access = body.access_token ?? access;
      token = body.refresh_token ?? token;
    }
    expect(statuses).toEqual(Array(12).fill(200));
    expect(await ask(access)).toMatchObject({ active: true });
    // Without use it ends all the same.
    mandate.clock.advance(91 * 86_400);
    expect(await refresh(token)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });
});

describe('10. a fault of ours', () => {
  let mandate: TestMandate;
  beforeAll(async () => {
    mandate = await startMandate();
  });
  afterAll(() => mandate.stop());

  // A client that was read before is remembered: reading it fails first.
  test.each([
    ['clients', { grant_type: 'refresh_token', refresh_token: 'any' }],
    [
      'clients',
      { grant_type: 'authorization_code', code: 'any', code_verifier: 'x'.repeat(43), redirect_uri: 'x' },
    ],
    ['oidc_artifacts', { grant_type: 'refresh_token', refresh_token: 'any' }],
  ])('%s cannot be read: 5xx, on which no client throws its credentials away', async (table, fields) => {
    const { db } = mandate.store;
    await sql`alter table ${sql.table(table)} rename to ${sql.table(`${table}_gone`)}`.execute(db);
    const { status, body } = await askToken(mandate.issuer, { client_id: demo.cli.id, ...fields });
    await sql`alter table ${sql.table(`${table}_gone`)} rename to ${sql.table(table)}`.execute(db);
    expect(status).toBeGreaterThanOrEqual(500);
    expect(['server_error', 'temporarily_unavailable']).toContain(body.error);
  });
});
