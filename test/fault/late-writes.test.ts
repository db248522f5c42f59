/** A write that comes late does not bring back what somebody ended in the meantime. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createArtifactAdapter } from '../../src/oauth/artifact-adapter.ts';
import { AlreadyUsedError, createUnitsOfWork } from '../../src/oauth/unit-of-work.ts';
import { createSecrets } from '../../src/secrets.ts';
import { engines } from '../support/databases.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, introspect, tokenByCode } from '../support/oauth.ts';

const editor = { email: 'editor@acme.test', answers: { 'flows:edit': true, atlas: true } };
const graceSeconds = 60;

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;

  beforeAll(async () => {
    mandate = await startMandate({ engine });
  });
  afterAll(() => mandate.stop());

  const refresh = (token: string | undefined) =>
    askToken(mandate.issuer, { grant_type: 'refresh_token', refresh_token: token ?? '' }, demo.web);
  const rowsOf = async (authorizationId: unknown, ...models: string[]) =>
    (
      await mandate.store.db
        .selectFrom('oidc_artifacts')
        .select('model')
        .where('grant_id', '=', String(authorizationId))
        .where('model', 'in', models)
        .execute()
    ).length;

  test.each(['Session', 'Interaction', 'DeviceCode', 'Grant'])(
    'a %s that was read before it was ended is not written anew',
    async (model) => {
      const { store, clock } = mandate;
      const units = createUnitsOfWork({ store });
      const adapter = createArtifactAdapter(model, {
        store,
        clock,
        units,
        secrets: createSecrets('a secret of this test, long enough to be one'),
        refreshGraceOf: async () => graceSeconds,
        onReplay: () => async () => {},
        onTokenRevoked: () => async () => {},
      });
      const run = <T>(work: () => Promise<T>) => units.run(work, () => 'success');
      const id = `late-${model}`;
      await run(() => adapter.upsert(id, { kind: model }, 600));
      await expect(
        run(async () => {
          expect(await adapter.find(id)).toBeDefined();
          await run(() => adapter.destroy(id));
          await adapter.upsert(id, { kind: model, accountId: 'usr_late' }, 600);
        }),
      ).rejects.toThrow(AlreadyUsedError);
      expect(await run(() => adapter.find(id))).toBeUndefined();
    },
  );

  test('TK-02: a code that comes back after it was redeemed ends the tokens it gave, at once', async () => {
    const tokens = await tokenByCode(mandate.issuer, editor);
    const { authorization_id: id } = await introspect(mandate.issuer, tokens.access_token ?? '');
    const later = (await refresh(tokens.refresh_token)).body;
    expect(await introspect(mandate.issuer, later.access_token ?? '')).toMatchObject({ active: true });
    const again = await askToken(
      mandate.issuer,
      {
        grant_type: 'authorization_code',
        code: tokens.code,
        redirect_uri: demo.web.redirect,
        code_verifier: tokens.verifier,
      },
      demo.web,
    );
    expect(again).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    // Those that came of its refresh token as well.
    for (const { access_token, refresh_token } of [tokens, later]) {
      expect(await introspect(mandate.issuer, access_token ?? '')).toEqual({ active: false });
      expect(await refresh(refresh_token)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    }
    expect(await mandate.stores.authorizations.find(String(id))).toMatchObject({ status: 'active' });
  });

  test('an access token hangs on its authorization alone, and ends with it', async () => {
    const tokens = await tokenByCode(mandate.issuer, editor);
    const { authorization_id: id } = await introspect(mandate.issuer, tokens.access_token ?? '');
    const rows = await mandate.store.db
      .selectFrom('oidc_artifacts')
      .select(['model', 'account_id', 'client_id'])
      .where('grant_id', '=', String(id))
      .where('model', '=', 'AccessToken')
      .execute();
    expect(rows).toEqual([{ model: 'AccessToken', account_id: null, client_id: null }]);
    await mandate.stores.authorizations.revoke({ id: 'test' }, String(id));
    expect(await introspect(mandate.issuer, tokens.access_token ?? '')).toEqual({ active: false });
    expect(await rowsOf(id, 'AccessToken', 'RefreshToken', 'Grant')).toBe(0);
  });

  test('RF-02: a refresh token that comes back after its window ends its family; the authorization stays, marked', async () => {
    const first = await tokenByCode(mandate.issuer, editor);
    const second = await refresh(first.refresh_token);
    const third = await refresh(second.body.refresh_token);
    const { authorization_id: id } = await introspect(mandate.issuer, third.body.access_token ?? '');
    mandate.clock.advance(graceSeconds - 1);
    // Within the window: a lost answer, the same successor, nothing ends.
    expect(await refresh(second.body.refresh_token)).toMatchObject({
      status: 200,
      body: { refresh_token: third.body.refresh_token },
    });
    mandate.clock.advance(2);
    expect(await refresh(second.body.refresh_token)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
    for (const token of [first.access_token, second.body.access_token, third.body.access_token]) {
      expect(await introspect(mandate.issuer, token ?? '')).toEqual({ active: false });
    }
    expect(await refresh(third.body.refresh_token)).toMatchObject({ status: 400 });
    const authorization = await mandate.stores.authorizations.find(String(id));
    expect(authorization).toMatchObject({ status: 'active', capabilities: ['api', 'flows:edit'] });
    const marked = await mandate.store.db
      .selectFrom('authorizations')
      .select(['replayed_at', 'replayed_from'])
      .where('id', '=', String(id))
      .executeTakeFirstOrThrow();
    expect(marked.replayed_at).toBe(mandate.clock.now());
    expect(marked.replayed_from).toMatch(/^(::1|127\.0\.0\.1)$/);
    const audited = await mandate.store.db
      .selectFrom('changes')
      .select(['actor', 'origin'])
      .where('subject_id', '=', String(id))
      .where('action', '=', 'replayed')
      .execute();
    expect(audited).toEqual([{ actor: `client:${demo.web.id}`, origin: marked.replayed_from }]);
  });

  test('a replay leaves no living leaf of its family, also beside refreshes at the same moment', async () => {
    for (let round = 0; round < 8; round++) {
      const first = await tokenByCode(mandate.issuer, editor);
      const second = await refresh(first.refresh_token);
      const { authorization_id: id } = await introspect(mandate.issuer, second.body.access_token ?? '');
      mandate.clock.advance(graceSeconds + 1);
      const answers = await Promise.all([
        refresh(second.body.refresh_token),
        refresh(first.refresh_token),
        refresh(second.body.refresh_token),
        refresh(second.body.refresh_token),
      ]);
      expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
      expect(await rowsOf(id, 'RefreshToken', 'AccessToken')).toBe(0);
      for (const { body } of answers) {
        if (body.access_token === undefined) continue;
        expect(await introspect(mandate.issuer, body.access_token)).toEqual({ active: false });
      }
    }
  });

  test('a refresh at the moment of a revocation gets nothing that works', async () => {
    for (let round = 0; round < 8; round++) {
      const first = await tokenByCode(mandate.issuer, editor);
      const { authorization_id: id } = await introspect(mandate.issuer, first.access_token ?? '');
      const [, ...answers] = await Promise.all([
        mandate.stores.authorizations.revoke({ id: 'command' }, String(id)),
        refresh(first.refresh_token),
        refresh(first.refresh_token),
      ]);
      expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
      for (const { body } of answers) {
        if (body.access_token === undefined) continue;
        expect(await introspect(mandate.issuer, body.access_token)).toEqual({ active: false });
        expect(await refresh(body.refresh_token)).toMatchObject({ status: 400 });
      }
    }
  });
});
