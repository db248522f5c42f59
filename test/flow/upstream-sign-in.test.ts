/** Signing in through another OpenID provider: a second Mandate, in both places, and whom that opens an account for. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Secret, TOTP } from 'otpauth';
import { signIn } from '../support/account.ts';
import { signInToApi } from '../support/administrator.ts';
import { engines } from '../support/databases.ts';
import { type BrowserlessClient, createBrowserlessClient, type Page } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { pkce } from '../support/oauth.ts';
import { leadsTo, providerAt, registerDownstream, signInAbove } from '../support/upstream.ts';

const security = '/account/security';

describe.each(engines)('on %s', (engine) => {
  let above: TestMandate;
  let mandate: TestMandate;
  beforeAll(async () => {
    above = await startMandate();
    mandate = await startMandate({
      engine,
      clock: above.clock,
      upstreamProviders: [
        providerAt(above.issuer),
        providerAt(`${above.issuer}/`, {
          name: 'trusted',
          label: 'Trusted',
          trustsEmail: true,
          newAccountsFrom: ['new.test'],
        }),
      ],
    });
    await registerDownstream(above, mandate.issuer, 'acme', 'trusted');
  });
  afterAll(async () => {
    await mandate.stop();
    await above.stop();
  });

  const browser = () => createBrowserlessClient(mandate.issuer);
  const signedIn = async (client: BrowserlessClient) => (await client.get(security)).status === 200;
  const idOf = async (email: string) => (await mandate.stores.users.findByEmail(email))?.id ?? '';
  const changesOf = async (id: string) =>
    (
      await mandate.store.db.selectFrom('changes').select('action').where('subject_id', '=', id).execute()
    ).map(({ action }) => action);

  /** Goes there from a page with the button, and back. */
  async function through(
    client: BrowserlessClient,
    page: Page,
    email: string,
    button = 'Continue with Acme',
  ) {
    const leave = await client.submit(page, button);
    return client.get(await signInAbove(leadsTo(leave), email), { follow: true });
  }
  const linkAs = async (client: BrowserlessClient, email: string) =>
    through(client, await client.get(security), email, 'Link an account at Acme');
  async function unlinkAll(email: string) {
    const id = await idOf(email);
    await mandate.store.db.deleteFrom('upstream_accounts').where('user_id', '=', id).execute();
  }

  test('an equal address opens nothing; a link does, in the account and in front of a tool alike', async () => {
    const stranger = browser();
    const refused = await through(stranger, await stranger.get('/sign-in'), 'editor@acme.test');
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('No account here is linked with that account at Acme');
    expect(await signedIn(stranger)).toBe(false);

    const editor = await signIn(mandate.issuer, 'editor@acme.test');
    const linked = await linkAs(editor, 'editor@acme.test');
    expect(linked.text).toContain('Linked. You can sign in with that account');
    expect(linked.text).toContain('editor@acme.test');
    expect(await changesOf(await idOf('editor@acme.test'))).toContain('upstream_linked');

    const own = browser();
    const page = await own.get('/sign-in?return_to=/account/security');
    const back = await through(own, page, 'editor@acme.test');
    expect(back.url).toBe(`${mandate.issuer}${security}`);
    expect(back.text).toContain('through Acme');

    const tool = browser();
    const request = {
      client_id: demo.web.id,
      redirect_uri: demo.web.redirect,
      response_type: 'code',
      code_challenge: pkce().challenge,
      code_challenge_method: 'S256',
      scope: 'api',
    };
    const asked = await tool.get(`/authorize?${new URLSearchParams(request)}`, { follow: true });
    expect(asked.text).toContain('Who is asking');
    const consent = await through(tool, asked, 'editor@acme.test');
    const code = await tool.submit(consent, 'Authorize', {}, { follow: true });
    expect(new URL(code.location ?? '').searchParams.get('code')).toBeTruthy();
    await unlinkAll('editor@acme.test');
  });

  test('an account there opens one account here, and none once it is unlinked', async () => {
    const viewer = await signIn(mandate.issuer, 'viewer@acme.test');
    await linkAs(viewer, 'viewer@acme.test');
    const other = await signIn(mandate.issuer, 'analyst@acme.test');
    const taken = await linkAs(other, 'viewer@acme.test');
    expect(taken.status).toBe(409);
    expect(taken.text).toContain('somebody else’s account');
    const unlinked = await viewer.submit(await viewer.get(security), 'Unlink Acme', {}, { follow: true });
    expect(unlinked.text).toContain('Unlinked.');
    expect(await changesOf(await idOf('viewer@acme.test'))).toContain('upstream_unlinked');
    const late = browser();
    expect((await through(late, await late.get('/sign-in'), 'viewer@acme.test')).status).toBe(403);
  });

  test('the last way in stays', async () => {
    const id = await idOf('analyst@acme.test');
    const analyst = await signIn(mandate.issuer, 'analyst@acme.test');
    await linkAs(analyst, 'analyst@acme.test');
    await mandate.store.db.updateTable('users').set({ password_hash: null }).where('id', '=', id).execute();
    const kept = await analyst.submit(await analyst.get(security), 'Unlink Acme');
    expect(kept.status).toBe(409);
    expect(kept.text).toContain('Nothing was changed');
    expect(await mandate.stores.upstreamAccounts.list(id)).toHaveLength(1);
  });

  test('what is sensitive asks whoever signed in there to do it there again', async () => {
    const client = browser();
    const aboveBrowser = createBrowserlessClient(above.issuer);
    const go = async (page: Page, button: string) =>
      client.get(
        await signInAbove(leadsTo(await client.submit(page, button)), 'analyst@acme.test', aboveBrowser),
        {
          follow: true,
        },
      );
    await go(await client.get('/sign-in'), 'Continue with Acme');
    mandate.clock.advance(700);
    const asked = await client.submit(await client.get(security), 'Set up an app');
    expect(asked.status).toBe(403);
    const again = await client.get('/sign-in?again=1&return_to=/account/security');
    const leave = leadsTo(await client.submit(again, 'Continue with Acme'));
    expect(leave.searchParams.get('prompt')).toBe('login');
    // Signed in there all along: it asks all the same.
    const there = await aboveBrowser.get(leave.href, { follow: true });
    expect(there.title).toContain('Sign in');
    await go(again, 'Continue with Acme');
    expect((await client.submit(await client.get(security), 'Set up an app')).status).toBe(200);
  });

  test('a suspended account stays out, and is told so', async () => {
    const viewer = await signIn(mandate.issuer, 'viewer@acme.test');
    await linkAs(viewer, 'viewer@acme.test');
    const id = await idOf('viewer@acme.test');
    await mandate.stores.users.suspend({ id: 'system' }, id);
    const client = browser();
    const refused = await through(client, await client.get('/sign-in'), 'viewer@acme.test');
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('suspended');
    await mandate.stores.users.resume({ id: 'system' }, id);
    await unlinkAll('viewer@acme.test');
  });

  test('a code of the app is asked for all the same', async () => {
    const admin = await signIn(mandate.issuer, 'admin@acme.test');
    await linkAs(admin, 'admin@acme.test');
    const begun = await admin.submit(await admin.get(security), 'Set up an app');
    const secret = (/<p><code>([A-Z2-7 ]+)<\/code>/.exec(begun.body)?.[1] ?? '').replaceAll(' ', '');
    const codeNow = () =>
      new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: mandate.clock.now() * 1_000 });
    await admin.submit(begun, 'Switch on', { 'Code that the app shows now': codeNow() });
    mandate.clock.advance(30);
    const client = browser();
    const asked = await through(client, await client.get('/sign-in'), 'admin@acme.test');
    expect(asked.url).toContain('/sign-in/code');
    expect(await signedIn(client)).toBe(false);
    expect((await client.submit(asked, 'Continue', { Code: codeNow() })).status).toBe(303);
    expect((await client.get(security)).text).toContain('through Acme, and with a code');
    await mandate.stores.secondFactors.remove({ id: 'system' }, await idOf('admin@acme.test'));
  });

  test('where an operator trusts its addresses, one links by itself; one that is not here gets an account', async () => {
    const client = browser();
    const arrived = await through(
      client,
      await client.get('/sign-in?return_to=/account/security'),
      'editor@acme.test',
      'Continue with Trusted',
    );
    expect(arrived.status).toBe(200);
    expect(await mandate.stores.upstreamAccounts.list(await idOf('editor@acme.test'))).toHaveLength(1);

    for (const email of ['ada@new.test', 'ada@old.test']) {
      const person = { kind: 'person', email, name: 'Ada Lovelace' } as const;
      const passwordHash = await mandate.store.db
        .selectFrom('users')
        .select('password_hash')
        .where('email', '=', 'owner@acme.test')
        .executeTakeFirstOrThrow();
      await above.stores.users.create(
        { id: 'system' },
        { ...person, passwordHash: passwordHash.password_hash },
      );
    }
    const ada = browser();
    const page = await ada.get('/sign-in?return_to=/account/security');
    const welcome = await through(ada, page, 'ada@new.test', 'Continue with Trusted');
    expect(welcome.text).toContain('ada@new.test');
    expect((await mandate.stores.users.findByEmail('ada@new.test'))?.name).toBe('Ada Lovelace');
    const made = await mandate.stores.users.assignmentsOf(await idOf('ada@new.test'));
    const member = await mandate.stores.roles.findBySlug('member');
    expect(made).toMatchObject([{ roleId: member?.id, projectId: null }]);
    const other = browser();
    const refused = await through(
      other,
      await other.get('/sign-in'),
      'ada@old.test',
      'Continue with Trusted',
    );
    expect(refused.status).toBe(403);
    expect(await idOf('ada@old.test')).toBe('');
  });

  test('administrators see what is linked, and how each browser was signed in', async () => {
    const owner = await signInToApi(mandate.issuer, 'owner@acme.test');
    const id = await idOf('admin@acme.test');
    expect((await owner.call('GET', `/users/${id}/sign-in`)).body.upstream_accounts).toMatchObject([
      { issuer: above.issuer, label: 'admin@acme.test' },
    ]);
    const sessions = await owner.call<{ items: { methods: string[] }[] }>('GET', `/users/${id}/sessions`);
    expect(sessions.body.items.map(({ methods }) => methods)).toContainEqual(['upstream:acme', 'otp', 'mfa']);
    const client = await signIn(mandate.issuer, 'owner@acme.test');
    const page = await client.get(`/admin/users/${id}/sessions`);
    expect(page.text).toContain('Account there');
    const unlinked = await client.submit(page, 'Unlink Acme', {}, { follow: true });
    expect(unlinked.text).not.toContain('Account there');
    expect(await mandate.stores.upstreamAccounts.list(id)).toEqual([]);
  });

  test('an answer is taken once, and only by the browser that was sent', async () => {
    const owner = await signIn(mandate.issuer, 'owner@acme.test');
    await linkAs(owner, 'owner@acme.test');
    const client = browser();
    const address = leadsTo(await client.submit(await client.get('/sign-in'), 'Continue with Acme'));
    const back = await signInAbove(address, 'owner@acme.test');
    const elsewhere = browser();
    expect((await elsewhere.get(back, { follow: true })).status).toBe(401);
    expect(await signedIn(elsewhere)).toBe(false);
    expect((await client.get(back, { follow: true })).url).toContain('/account/authorizations');
    const replayed = await client.get(back, { follow: true });
    expect(replayed.status).toBe(400);
    expect(replayed.text).toContain('This sign-in has ended');
    await unlinkAll('owner@acme.test');
  });

  test('nothing of a sign-in that is under way can be read in the database', async () => {
    const client = browser();
    const address = leadsTo(await client.submit(await client.get('/sign-in'), 'Continue with Acme'));
    const rows = JSON.stringify(await mandate.store.db.selectFrom('upstream_requests').selectAll().execute());
    for (const name of ['state', 'nonce']) {
      const value = address.searchParams.get(name) ?? '';
      expect(value).toHaveLength(43);
      expect(rows).not.toContain(value);
    }
    expect(mandate.logged()).not.toContain(address.searchParams.get('state'));
    mandate.clock.advance(901);
    await mandate.app.garbage.collect();
    expect(await mandate.store.db.selectFrom('upstream_requests').selectAll().execute()).toEqual([]);
  });
});
