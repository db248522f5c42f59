/** An authenticator app beside the password: its enrolment, the second step at sign-in, recovery codes, and its end. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Secret, TOTP } from 'otpauth';
import { signIn } from '../support/account.ts';
import { engines } from '../support/databases.ts';
import { type BrowserlessClient, createBrowserlessClient, type Page } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { pkce } from '../support/oauth.ts';
import { openConsent } from '../support/oauth-requests.ts';

const page = '/account/security';

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
  });
  afterAll(() => mandate.stop());

  const codeOf = (secret: string, later = 0) =>
    new TOTP({ secret: Secret.fromBase32(secret) }).generate({
      timestamp: (mandate.clock.now() + later) * 1_000,
    });
  const codesOn = ({ body }: Page) =>
    [...body.matchAll(/<li><code>([^<]+)<\/code>/g)].map(([, code]) => code ?? '');

  /** Switches an app on. @returns what it is told, and the recovery codes */
  async function enrol(client: BrowserlessClient): Promise<{ secret: string; codes: string[] }> {
    const asked = await client.submit(await client.get(page), 'Set up an app');
    const secret = (/<p><code>([A-Z2-7 ]+)<\/code>/.exec(asked.body)?.[1] ?? '').replaceAll(' ', '');
    const wrong = await client.submit(asked, 'Switch on', { 'Code that the app shows now': '000000' });
    expect(wrong.status).toBe(422);
    const done = await client.submit(asked, 'Switch on', { 'Code that the app shows now': codeOf(secret) });
    expect(done.status).toBe(200);
    mandate.clock.advance(30);
    return { secret, codes: codesOn(done) };
  }

  /** Gives the password. @returns the page that asks for a code */
  async function password(email: string): Promise<{ client: BrowserlessClient; asked: Page }> {
    const client = createBrowserlessClient(mandate.issuer);
    const form = await client.get('/sign-in');
    const answers = { Email: email, Password: demo.password };
    return { client, asked: await client.submit(form, 'Sign in', answers, { follow: true }) };
  }
  const signedIn = async (client: BrowserlessClient) => (await client.get(page)).status === 200;

  test('the password alone signs nobody in; each code does once, on one try of two', async () => {
    const { secret } = await enrol(await signIn(mandate.issuer, 'editor@acme.test'));
    const [one, two] = [await password('editor@acme.test'), await password('editor@acme.test')];
    expect(one.asked.text).toContain('authenticator app');
    expect(await signedIn(one.client)).toBe(false);
    expect((await one.client.submit(one.asked, 'Continue', { Code: '123456' })).status).toBe(401);
    const answers = await Promise.all(
      [one, two].map(({ client, asked }) => client.submit(asked, 'Continue', { Code: codeOf(secret) })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 401]);
    expect([await signedIn(one.client), await signedIn(two.client)].sort()).toEqual([false, true]);
  });

  test('a code of one step before is taken, an older one is not', async () => {
    const { secret } = await enrol(await signIn(mandate.issuer, 'owner@acme.test'));
    mandate.clock.advance(120);
    const { client, asked } = await password('owner@acme.test');
    expect((await client.submit(asked, 'Continue', { Code: codeOf(secret, -90) })).status).toBe(401);
    expect((await client.submit(asked, 'Continue', { Code: codeOf(secret, -30) })).status).toBe(303);
  });

  test('a recovery code stands in once, however it is typed; new ones end the old', async () => {
    const { codes } = await enrol(await signIn(mandate.issuer, 'viewer@acme.test'));
    expect(new Set(codes).size).toBe(10);
    const first = await password('viewer@acme.test');
    const typed = (codes[0] ?? '').toUpperCase().replace('-', ' ');
    expect((await first.client.submit(first.asked, 'Continue', { Code: typed })).status).toBe(303);
    expect((await first.client.get(page)).text).toContain('9 recovery codes left');
    const second = await password('viewer@acme.test');
    expect((await second.client.submit(second.asked, 'Continue', { Code: codes[0] ?? '' })).status).toBe(401);
    const renewed = codesOn(await first.client.submit(await first.client.get(page), 'New recovery codes'));
    expect((await second.client.submit(second.asked, 'Continue', { Code: codes[1] ?? '' })).status).toBe(401);
    expect((await second.client.submit(second.asked, 'Continue', { Code: renewed[1] ?? '' })).status).toBe(
      303,
    );
  });

  test('guesses of a code run out, for the account and not for the browser', async () => {
    const { secret } = await enrol(await signIn(mandate.issuer, 'admin@acme.test'));
    const tries: Awaited<ReturnType<typeof password>>[] = [];
    // One after the other: passwords have limits of their own.
    while (tries.length < 12) tries.push(await password('admin@acme.test'));
    const answers = await Promise.all(
      tries.map(({ client, asked }) => client.submit(asked, 'Continue', { Code: '000000' })),
    );
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(10);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(2);
    const late = await password('admin@acme.test');
    expect((await late.client.submit(late.asked, 'Continue', { Code: codeOf(secret) })).status).toBe(429);
    mandate.clock.advance(901);
    const after = await password('admin@acme.test');
    expect((await after.client.submit(after.asked, 'Continue', { Code: codeOf(secret) })).status).toBe(303);
  });

  test('guesses of a day run out too; a recovery code, and a browser that was there before, stay ways in', async () => {
    const email = 'daily@acme.test';
    const { passwordHash = null } = (await mandate.stores.users.findByEmail('editor@acme.test')) ?? {};
    await mandate.stores.users.create(
      { id: 'command' },
      { kind: 'person', email, name: 'Daily', passwordHash },
    );
    const own = await signIn(mandate.issuer, email);
    const { secret, codes } = await enrol(own);
    // Their own browser has signed in with it once.
    mandate.clock.advance(60);
    const guess = async (code: string) => {
      const { client, asked } = await password(email);
      return client.submit(asked, 'Continue', { Code: code });
    };
    const wrong = async (times: number) => {
      const statuses: number[] = [];
      for (let n = 0; n < times; n += 1) statuses.push((await guess('000000')).status);
      mandate.clock.advance(901);
      return statuses;
    };
    const ten = Array.from({ length: 10 }, () => 401);
    expect(await wrong(10)).toEqual(ten);
    // Whoever has the app and signs in meanwhile clears nothing for whoever guesses.
    expect((await guess(codeOf(secret))).status).toBe(303);
    expect(await wrong(10)).toEqual(ten);
    expect(await wrong(10)).toEqual(ten);
    const refused = await guess(codeOf(secret));
    expect(refused.status).toBe(429);
    expect(refused.text).toContain('Use one of your recovery codes or a passkey');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3_600);
    expect((await guess(codes[0] ?? '')).status).toBe(303);

    // A browser that has signed in to the account before is counted for itself.
    await own.get('/session/end').then((page) => own.submit(page, 'Sign out', {}, { follow: true }));
    const page = await own.get('/sign-in');
    const asked = await own.submit(
      page,
      'Sign in',
      { Email: email, Password: demo.password },
      { follow: true },
    );
    expect((await own.submit(asked, 'Continue', { Code: codeOf(secret) })).status).toBe(303);
    mandate.clock.advance(86_400);
    expect((await guess(codeOf(secret))).status).toBe(303);
  }, 120_000);

  test('it is asked for before a tool is answered too, and auth_time is that of the sign-in', async () => {
    const { secret } = await enrol(await signIn(mandate.issuer, 'analyst@acme.test'));
    const client = createBrowserlessClient(mandate.issuer);
    const request = {
      client_id: demo.web.id,
      redirect_uri: demo.web.redirect,
      response_type: 'code',
      code_challenge: pkce().challenge,
      code_challenge_method: 'S256',
      scope: 'api',
    };
    const asked = await openConsent(client, request, 'analyst@acme.test');
    expect(asked.url).toContain('/sign-in/code');
    const consent = await client.submit(asked, 'Continue', { Code: codeOf(secret) }, { follow: true });
    expect(consent.text).toContain('Authorize');
    const session = await mandate.store.db
      .selectFrom('sessions')
      .select('signed_in_at')
      .orderBy('id', 'desc')
      .executeTakeFirstOrThrow();
    expect(session.signed_in_at).toBe(mandate.clock.now());
  });

  test('switching it off asks for a proof where the sign-in is old, and then goes on', async () => {
    const client = await signIn(mandate.issuer, 'ci@acme.test').catch(() => undefined);
    expect(client).toBeUndefined();
    const made = await mandate.stores.users.findByEmail('editor@acme.test');
    await mandate.stores.secondFactors.remove({ id: 'command' }, made?.id ?? '');
    const own = await signIn(mandate.issuer, 'editor@acme.test');
    const { secret } = await enrol(own);
    mandate.clock.advance(700);
    const asked = await own.submit(await own.get(page), 'Switch off');
    expect(asked.status).toBe(403);
    expect(asked.text).toContain('Confirm that it is you');
    const proof = { Password: demo.password, Code: codeOf(secret) };
    expect((await own.submit(asked, 'Confirm', { ...proof, Password: 'wrong' })).status).toBe(403);
    const after = await own.submit(asked, 'Confirm', proof, { follow: true });
    expect(after.text).toContain('Switched off');
    expect(await signedIn(await signIn(mandate.issuer, 'editor@acme.test'))).toBe(true);
  });

  test('its person is written to when it is set up, used up and switched off', async () => {
    const letters = await mandate.store.db
      .selectFrom('mail_outbox')
      .select('kind')
      .where('kind', '=', 'sign_in_changed')
      .execute();
    // Seven were set up, three recovery codes were used, two were switched off.
    expect(letters).toHaveLength(12);
  });

  test('nothing of it can be read in the database', async () => {
    const rows = await mandate.store.db.selectFrom('authenticators').selectAll().execute();
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(row.sealed_secret).not.toMatch(/[A-Z2-7]{32}/);
  });
});
