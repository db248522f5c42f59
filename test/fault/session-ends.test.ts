/** A session that was ended stays ended, whatever was being done with it at that moment. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createArtifactAdapter } from '../../src/oauth/artifact-adapter.ts';
import { AlreadyUsedError, createUnitsOfWork } from '../../src/oauth/unit-of-work.ts';
import { createSecrets } from '../../src/secrets.ts';
import { signIn } from '../support/account.ts';
import { engines } from '../support/databases.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';

const actor = { id: 'command' };
const email = 'editor@acme.test';

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  let accountId: string;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
    accountId = (await mandate.stores.users.findByEmail(email))?.id ?? '';
  });
  afterAll(() => mandate.stop());

  test('a new id that was being given to it opens nothing', async () => {
    const { store, clock } = mandate;
    const units = createUnitsOfWork({ store });
    const adapter = createArtifactAdapter('Session', {
      store,
      clock,
      units,
      secrets: createSecrets('a secret of this test, long enough to be one'),
      refreshGraceOf: async () => 60,
      onReplay: () => async () => {},
      onTokenRevoked: () => async () => {},
    });
    const run = <T>(work: () => Promise<T>) => units.run(work, () => 'success');
    const session = { kind: 'Session', uid: 'one', accountId, loginTs: clock.now() };
    await run(() => adapter.upsert('first', session, 600));
    await run(async () => {
      await adapter.find('first');
      await adapter.destroy('first');
      await adapter.upsert('second', session, 600);
    });
    expect(await mandate.stores.sessionList.list(accountId)).toHaveLength(1);
    await expect(
      run(async () => {
        expect(await adapter.find('second')).toBeDefined();
        await mandate.stores.sessionList.end(actor, accountId, { allBut: undefined });
        await adapter.destroy('second');
        await adapter.upsert('third', session, 600);
      }),
    ).rejects.toThrow(AlreadyUsedError);
    for (const id of ['first', 'second', 'third']) {
      expect(await run(() => adapter.find(id))).toBeUndefined();
    }
    expect(await mandate.stores.sessionList.list(accountId)).toEqual([]);
  });

  test('of a proof and an end at the same time, the end wins, in each of ten rounds', async () => {
    for (let round = 0; round < 10; round += 1) {
      const client = await signIn(mandate.issuer, email);
      const page = await client.get('/sign-in?again=1');
      const before = client.cookieHeader('/');
      await Promise.all([
        client.submit(page, 'Sign in', { Email: email, Password: demo.password }),
        mandate.stores.sessionList.end(actor, accountId, { allBut: undefined }),
      ]);
      // Whichever was first: what is left of both is at most a session that began afterwards, and none of those has begun.
      await mandate.stores.sessionList.end(actor, accountId, { allBut: undefined });
      for (const cookie of [before, client.cookieHeader('/')]) {
        const seen = await createBrowserlessClient(mandate.issuer).get('/account/security', {
          headers: { cookie },
        });
        expect(seen.status).toBe(303);
      }
      const left = await mandate.store.db
        .selectFrom('oidc_artifacts')
        .select('key')
        .where('model', '=', 'Session')
        .where('account_id', '=', accountId)
        .execute();
      expect(left).toEqual([]);
    }
  });
});
