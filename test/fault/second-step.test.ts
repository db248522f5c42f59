/** Ways around a second step and around a proof of who is there: another spelling, another account, another clock, another moment. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { Secret, TOTP } from 'otpauth';
import { createRateLimits } from '../../src/http/rate-limit.ts';
import { createCodeGuesses } from '../../src/interaction/code-guesses.ts';
import { createSecrets } from '../../src/secrets.ts';
import { signIn } from '../support/account.ts';
import { signInToApi } from '../support/administrator.ts';
import { engines } from '../support/databases.ts';
import { type BrowserlessClient, createBrowserlessClient, formOf } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { pkce } from '../support/oauth.ts';
import { openConsent } from '../support/oauth-requests.ts';

const security = '/account/security';
const sessionCookies = ['mandate_session', 'mandate_session.sig'];

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
  });
  afterAll(() => mandate.stop());
  // Whoever signed in for one test did so long ago for the next.
  beforeEach(() => mandate.clock.advance(1_000));

  const idOf = async (email: string) => (await mandate.stores.users.findByEmail(email))?.id ?? '';
  const codeOf = (secret: string) =>
    new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: mandate.clock.now() * 1_000 });

  async function setUpApp(client: BrowserlessClient): Promise<string> {
    const asked = await client.submit(await client.get(security), 'Set up an app');
    const secret = (/<p><code>([A-Z2-7 ]+)<\/code>/.exec(asked.body)?.[1] ?? '').replaceAll(' ', '');
    await client.submit(asked, 'Switch on', { 'Code that the app shows now': codeOf(secret) });
    mandate.clock.advance(30);
    return secret;
  }

  test('a code of an app counts for the day however it is written', async () => {
    const email = 'viewer@acme.test';
    const secret = await setUpApp(await signIn(mandate.issuer, email));
    const { store, clock, stores } = mandate;
    const limits = createRateLimits({ store, clock, secrets: createSecrets('of the counters of this test') });
    const guesses = createCodeGuesses({ secondFactors: stores.secondFactors, limits });
    const id = await idOf(email);
    const dashed = (code: string) => [...code].join('-');
    for (let n = 0; n < 30; n += 1) {
      if (n % 10 === 0) clock.advance(901);
      expect((await guesses.take(id, dashed('000000'), undefined)).kind).toBe('wrong');
    }
    clock.advance(901);
    // Read to an end by one of the two that look at it, it would be a guess that nobody counts.
    const longer = `${codeOf(secret)}${' '.repeat(40)}x`;
    expect((await guesses.take(id, longer, undefined)).kind).toBe('wrong');
    expect((await guesses.take(id, dashed(codeOf(secret)), undefined)).kind).toBe('too_many_today');
  });

  test('browsers that are known to an account have guesses of a day of their own, and an end together', async () => {
    const email = 'editor@acme.test';
    const own = await signIn(mandate.issuer, email);
    const secret = await setUpApp(own);
    const id = await idOf(email);
    const { store, clock, stores } = mandate;
    const limits = createRateLimits({ store, clock, secrets: createSecrets('of other counters') });
    const guesses = createCodeGuesses({ secondFactors: stores.secondFactors, limits });
    for (let browser = 0; browser < 9; browser += 1) {
      for (let n = 0; n < 10; n += 1) {
        expect((await guesses.take(id, '000000', `browser ${browser}`)).kind).toBe('wrong');
      }
    }
    expect((await guesses.take(id, codeOf(secret), 'another browser')).kind).toBe('too_many_today');
    // What they use up is nobody else's.
    expect((await guesses.take(id, codeOf(secret), undefined)).kind).toBe('right');
    await stores.secondFactors.remove({ id: 'command' }, id);
  });

  test('somebody who signs in lately as themselves proves nothing for whoever the tool asked', async () => {
    const browser = await signIn(mandate.issuer, 'admin@acme.test');
    const page = await openConsent(
      browser,
      {
        client_id: demo.web.id,
        redirect_uri: demo.web.redirect,
        response_type: 'code',
        code_challenge: pkce().challenge,
        code_challenge_method: 'S256',
        scope: 'api apps:admin',
      },
      'admin@acme.test',
    );
    mandate.clock.advance(601);
    const id = await idOf('admin@acme.test');
    const before = (await mandate.stores.authorizations.listByUser(id)).length;
    // The browser that was left open keeps its request under way; its session's cookie is exchanged for one of another account.
    const other = await signIn(mandate.issuer, 'editor@acme.test');
    const swapped = (path: string) =>
      [
        ...browser
          .cookieHeader(path)
          .split('; ')
          .filter((cookie) => !sessionCookies.includes(cookie.split('=')[0] ?? '')),
        ...sessionCookies.map((name) => `${name}=${other.cookie(name)}`),
      ].join('; ');
    const { target, fields } = formOf(page, 'Authorize', { api: true, 'apps:admin': true });
    const headers = () => ({ cookie: swapped(target.pathname) });
    const answer = await browser.postForm(target.href, fields, { headers: headers() });
    expect(answer.status).toBe(400);
    expect(await mandate.stores.authorizations.listByUser(id)).toHaveLength(before);
    // Nor where they are asked for a proof, and give their own.
    mandate.clock.advance(601);
    const asked = await browser.postForm(target.href, fields, { headers: headers() });
    expect(asked.status).toBe(400);
    expect(await mandate.stores.authorizations.listByUser(id)).toHaveLength(before);
  });

  test('a password that is changed with the password alone makes no sign-in of now out of an earlier one', async () => {
    const own = await signIn(mandate.issuer, 'analyst@acme.test');
    await setUpApp(own);
    mandate.clock.advance(500);
    const passwords = { 'Present password': demo.password, 'New password': 'three quiet lanterns' };
    const changed = await own.submit(await own.get(security), 'Change password', passwords);
    expect(changed.status).toBe(303);
    mandate.clock.advance(200);
    const removal = await own.submit(await own.get(security), 'Switch off');
    expect(removal.text).toContain('Confirm that it is you');
  });

  test('a sign-in that a clock ahead has dated counts as one of no time, on the pages and over the API', async () => {
    mandate.clock.advance(86_400);
    const own = await signIn(mandate.issuer, 'owner@acme.test');
    const api = await signInToApi(mandate.issuer, 'owner@acme.test');
    mandate.clock.advance(-86_400);
    const asked = await own.submit(await own.get(security), 'Set up an app');
    expect([asked.status, asked.text]).toEqual([403, expect.stringContaining('Confirm that it is you')]);
    const client = { id: 'new-tool', client_name: 'New', redirect_uris: ['https://new.test/back'] };
    expect(await api.call('POST', '/clients', client)).toMatchObject({ body: { code: 'sign_in_again' } });
  });

  /** Has something happen in the very moment in which a row goes: as another request would, right after that. */
  async function whenGone<T>(
    table: 'challenges' | 'counters',
    then: string,
    run: () => Promise<T>,
  ): Promise<T> {
    const { db } = mandate.store;
    const body = sql.raw(then);
    const on = sql.table(table);
    if (engine === 'postgres') {
      await sql`create function meanwhile() returns trigger language plpgsql as $$ begin ${body} return old; end $$`.execute(
        db,
      );
      await sql`create trigger meanwhile after delete on ${on} for each row execute function meanwhile()`.execute(
        db,
      );
    } else await sql`create trigger meanwhile after delete on ${on} begin ${body} end`.execute(db);
    try {
      return await run();
    } finally {
      if (engine === 'postgres') await sql`drop function meanwhile() cascade`.execute(db);
      else await sql`drop trigger meanwhile`.execute(db);
    }
  }

  test('LG-11: a code begins no session of an account that is suspended, or given another password, right after it was taken', async () => {
    const email = 'editor@acme.test';
    const secret = await setUpApp(await signIn(mandate.issuer, email));
    const { id, passwordHash } = (await mandate.stores.users.findByEmail(email)) ?? {};
    for (const change of ["status = 'suspended'", "password_hash = 'another'"]) {
      mandate.clock.advance(60);
      const thief = createBrowserlessClient(mandate.issuer);
      const answers = { Email: email, Password: demo.password };
      const asked = await thief.submit(await thief.get('/sign-in'), 'Sign in', answers, { follow: true });
      const answer = await whenGone('challenges', `update users set ${change} where id = old.user_id;`, () =>
        thief.submit(asked, 'Continue', { Code: codeOf(secret) }),
      );
      await mandate.store.db
        .updateTable('users')
        .set({ status: 'active', password_hash: passwordHash ?? null })
        .where('id', '=', id ?? '')
        .execute();
      expect(answer.status).toBe(400);
      expect((await thief.get(security)).status).toBe(303);
    }
  });

  test('a session that is ended while a proof is looked at is told so, and does nothing', async () => {
    const own = await signIn(mandate.issuer, 'admin@acme.test');
    mandate.clock.advance(601);
    const asked = await own.submit(await own.get(security), 'Set up an app');
    const answer = await whenGone(
      'counters',
      "delete from oidc_artifacts where model = 'Session'; delete from sessions;",
      () => own.submit(asked, 'Confirm', { Password: demo.password }),
    );
    expect(answer.status).toBe(400);
    expect(
      await mandate.stores.secondFactors.begun({ id: await idOf('admin@acme.test'), email: '' }),
    ).toBeUndefined();
  });
});
