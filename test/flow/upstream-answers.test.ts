/** What another provider answers is believed when everything about it holds, and otherwise opens nothing. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { signIn } from '../support/account.ts';
import { engines } from '../support/databases.ts';
import { type BrowserlessClient, createBrowserlessClient } from '../support/http.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';
import { startStopwatch } from '../support/thread-time.ts';
import {
  type LyingProvider,
  leadsTo,
  providerAt,
  startLyingProvider,
  type Told,
  upstreamSecret,
} from '../support/upstream.ts';

const security = '/account/security';

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  let liar: LyingProvider;
  let client: BrowserlessClient;
  beforeAll(async () => {
    const clock = { now: () => mandate.clock.now() };
    liar = await startLyingProvider(clock);
    mandate = await startMandate({
      engine,
      upstreamProviders: [
        providerAt(liar.issuer, { trustsMultiFactor: true, multiFactorAcr: ['urn:two'] }),
        // Nobody listens there.
        providerAt('http://127.0.0.1:9', { name: 'gone', label: 'Gone' }),
      ],
    });
    const editor = await signIn(mandate.issuer, 'editor@acme.test');
    const asked = leadsTo(await editor.submit(await editor.get(security), 'Link an account at Acme'));
    const linked = await editor.get(liar.answer(asked), { follow: true });
    expect(linked.text).toContain('Linked.');
  });
  afterAll(async () => {
    await mandate.stop();
    await liar.stop();
  });
  beforeEach(() => {
    client = createBrowserlessClient(mandate.issuer);
  });

  const begin = async (path = '/sign-in') =>
    leadsTo(await client.submit(await client.get(path), 'Continue with Acme'));
  const signedIn = async () => (await client.get(security)).status === 200;
  const come = async (told?: Told, changed: (back: URL) => void = () => {}) => {
    const back = new URL(liar.answer(await begin(), told));
    changed(back);
    return client.get(back.href, { follow: true });
  };

  test('asks with PKCE, state, nonce and one exact redirect URI, and redeems with the verifier and its secret', async () => {
    const asked = await begin();
    expect(Object.fromEntries(asked.searchParams)).toMatchObject({
      client_id: 'mandate-downstream',
      response_type: 'code',
      scope: 'openid email profile',
      redirect_uri: `${mandate.issuer}/sign-in/upstream/acme/callback`,
      code_challenge_method: 'S256',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
    });
    await client.get(liar.answer(asked), { follow: true });
    expect(await signedIn()).toBe(true);
    expect(Object.fromEntries(liar.redeemed.at(-1) ?? [])).toMatchObject({
      client_secret: upstreamSecret,
      code_verifier: expect.stringMatching(/^[\w-]{43}$/),
      redirect_uri: `${mandate.issuer}/sign-in/upstream/acme/callback`,
    });
  });

  test.each<[string, Told]>([
    ['another nonce', { claims: { nonce: 'another' } }],
    ['no nonce', { claims: { nonce: undefined as unknown as string } }],
    ['another audience', { claims: { aud: 'another-client' } }],
    ['another issuer', { claims: { iss: 'https://elsewhere.example' } }],
    ['a time that is over', { claims: { exp: 1_000_000_000 } }],
    ['a signature of another key', { foreignKey: true }],
    ['a subject that is no text', { claims: { sub: 'liar-1\0' } }],
  ])('refuses an ID token with %s', async (_, told) => {
    const refused = await come(told);
    expect(refused.status).toBe(401);
    expect(refused.text).toContain('What Acme answered does not hold');
    expect(await signedIn()).toBe(false);
  });

  test.each<[string, number, (back: URL) => void]>([
    ['another state', 400, (back) => back.searchParams.set('state', 'x'.repeat(43))],
    ['no state', 400, (back) => back.searchParams.delete('state')],
    ['two states', 400, (back) => back.searchParams.append('state', 'another')],
    ['another iss', 401, (back) => back.searchParams.set('iss', 'https://elsewhere.example')],
    ['no iss where one is promised', 401, (back) => back.searchParams.delete('iss')],
    [
      'the address of another provider',
      400,
      (back) => {
        back.pathname = '/sign-in/upstream/gone/callback';
      },
    ],
    [
      'the address of no provider',
      400,
      (back) => {
        back.pathname = '/sign-in/upstream/nobody/callback';
      },
    ],
  ])('refuses an answer with %s (RFC 9207, RFC 9700 section 4.4)', async (_, status, changed) => {
    expect((await come({}, changed)).status).toBe(status);
    expect(await signedIn()).toBe(false);
  });

  test('an answer that was refused cannot be sent again', async () => {
    const asked = await begin();
    const back = new URL(liar.answer(asked));
    back.searchParams.set('iss', 'https://elsewhere.example');
    expect((await client.get(back.href, { follow: true })).status).toBe(401);
    expect((await client.get(liar.answer(asked), { follow: true })).status).toBe(400);
    expect(await signedIn()).toBe(false);
  });

  test('a sign-in that is under way links nothing, and the other way round', async () => {
    const asked = await begin();
    const editor = await signIn(mandate.issuer, 'viewer@acme.test');
    const answer = new URL(liar.answer(asked, { claims: { sub: 'liar-2' } })).search.slice(1);
    const moved = await editor.get(`${security}/upstream/acme/back?${new URLSearchParams({ answer })}`);
    expect(moved.status).toBe(401);
    const linking = leadsTo(await editor.submit(await editor.get(security), 'Link an account at Acme'));
    const other = new URL(liar.answer(linking)).search.slice(1);
    const query = new URLSearchParams({ answer: other });
    expect((await client.get(`/sign-in/upstream/acme/back?${query}`)).status).toBe(401);
    expect(await signedIn()).toBe(false);
  });

  test('leads back only to pages of ours', async () => {
    const elsewhere = await client.get(
      '/sign-in/upstream/acme/back?return_to=https://elsewhere.example&answer=x',
    );
    expect(elsewhere.status).toBe(403);
  });

  test('somebody who changed their mind there is not told of an error', async () => {
    const asked = await begin();
    const back = new URL(liar.answer(asked));
    back.searchParams.delete('code');
    back.searchParams.set('error', 'access_denied');
    const page = await client.get(back.href, { follow: true });
    expect(page.status).toBe(200);
    expect(page.text).toContain('you did not go on at Acme');
  });

  test('a proof that is needed anew has to be one: a provider that does not say when is not enough', async () => {
    await come();
    mandate.clock.advance(700);
    const path = '/sign-in?again=1&return_to=/account/security';
    for (const auth_time of [undefined, mandate.clock.now() - 600]) {
      const refused = await client.get(liar.answer(await begin(path), { claims: { auth_time } }), {
        follow: true,
      });
      expect(refused.status).toBe(403);
      expect(refused.text).toContain('did not ask you again');
    }
    const old = await client.submit(await client.get(security), 'Set up an app');
    expect(old.status).toBe(403);
    await client.get(liar.answer(await begin(path)), { follow: true });
    expect((await client.submit(await client.get(security), 'Set up an app')).status).toBe(200);
  });

  test('a sign-in there of some time ago is none of now', async () => {
    await come({ claims: { auth_time: mandate.clock.now() - 3_600 } });
    expect(await signedIn()).toBe(true);
    expect((await client.submit(await client.get(security), 'Set up an app')).status).toBe(403);
  });

  test('several factors there spare the code here where the operator trusts its word', async () => {
    const id = (await mandate.stores.users.findByEmail('editor@acme.test'))?.id ?? '';
    await mandate.stores.secondFactors.remove({ id: 'system' }, id);
    const now = mandate.clock.now();
    const app = { user_id: id, sealed_secret: 'x', confirmed_at: now, last_step: 0, created_at: now };
    await mandate.store.db.insertInto('authenticators').values(app).execute();
    expect((await come()).url).toContain('/sign-in/code');
    expect(await signedIn()).toBe(false);
    await come({ claims: { amr: ['pwd', 'mfa'] } });
    expect(await signedIn()).toBe(true);
    client.forget();
    await come({ claims: { acr: 'urn:two' } });
    expect(await signedIn()).toBe(true);
    await mandate.stores.secondFactors.remove({ id: 'system' }, id);
  });

  test('one that does not answer is told of in seconds; the password works all the same', async () => {
    const gone = await client.submit(await client.get('/sign-in'), 'Continue with Gone');
    expect(gone.status).toBe(503);
    expect(gone.text).toContain('Gone does not answer at the moment');
    const failing = await come({ status: 503 });
    expect(failing.text).toContain('Acme does not answer at the moment');
    const asked = await begin();
    liar.hang.now = true;
    const taken = startStopwatch();
    const hanging = await client.get(liar.answer(asked), { follow: true });
    liar.hang.now = false;
    expect(taken()).toBeLessThan(6_000);
    expect(hanging.status).toBe(503);
    const answers = { Email: 'editor@acme.test', Password: 'mandate-demo' };
    expect((await client.submit(hanging, 'Sign in', answers)).status).toBe(303);
    expect(await signedIn()).toBe(true);
  });

  test('one that says without end is not listened to for longer than there is anything to say', async () => {
    const asked = await begin();
    liar.flood.now = true;
    const flooded = await client.get(liar.answer(asked), { follow: true });
    liar.flood.now = false;
    expect([401, 503]).toContain(flooded.status);
    expect(liar.flood.bytes).toBeLessThan(24 * 1_024 * 1_024);
    await come();
    expect(await signedIn()).toBe(true);
  });

  test('nothing secret of it is logged', () => {
    expect(mandate.logged()).toContain('a sign-in at another provider failed');
    expect(mandate.logged()).not.toContain(upstreamSecret);
    for (const redeemed of liar.redeemed) {
      expect(mandate.logged()).not.toContain(redeemed.get('code_verifier') ?? 'none');
    }
  });
});
