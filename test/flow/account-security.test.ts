/** A person's own security: the password, and where they are signed in; on two nodes that share a database. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { signIn } from '../support/account.ts';
import { engines } from '../support/databases.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { introspect, tokenByCode } from '../support/oauth.ts';

const page = '/account/security';
const fresh = 'a row of quiet herons';

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  let other: TestMandate;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
    other = await startMandate({ databaseUrl: mandate.databaseUrl, clock: mandate.clock });
  });
  afterAll(async () => {
    await other.stop();
    await mandate.stop();
  });

  /** Whether the browser is still signed in, as each node sees it. */
  const signedIn = async (client: Awaited<ReturnType<typeof signIn>>) => {
    const cookie = client.cookieHeader('/');
    const seen = await Promise.all(
      [mandate, other].map(({ issuer }) =>
        createBrowserlessClient(issuer).get(page, { headers: { cookie } }),
      ),
    );
    return seen.map(({ status }) => status === 200);
  };

  test('lists the browsers by name, with address and times, and ends one of them on every node', async () => {
    const own = await signIn(mandate.issuer, 'editor@acme.test');
    const second = createBrowserlessClient(mandate.issuer);
    const form = await second.get('/sign-in', {
      headers: { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' },
    });
    await second.submit(
      form,
      'Sign in',
      { Email: 'editor@acme.test', Password: demo.password },
      { headers: { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' } },
    );
    const shown = await own.get(page);
    expect(shown.text).toContain('Firefox on Linux');
    expect(shown.text).toContain('this one');
    expect(await signedIn(second)).toEqual([true, true]);
    await own.submit(shown, 'Sign out Firefox on Linux', {}, { follow: true });
    expect(await signedIn(second)).toEqual([false, false]);
    expect(await signedIn(own)).toEqual([true, true]);
  });

  test('ends all others at once, and a session that signs itself out leaves the list', async () => {
    const own = await signIn(mandate.issuer, 'viewer@acme.test');
    const others = [
      await signIn(mandate.issuer, 'viewer@acme.test'),
      await signIn(mandate.issuer, 'viewer@acme.test'),
    ];
    const out = await others[1]!.get('/session/end', { follow: true });
    await others[1]!.submit(out, 'Sign out', {}, { follow: true });
    const shown = await own.get(page);
    expect(shown.body.match(/name="session"/g)).toHaveLength(2);
    const after = await own.submit(shown, 'Sign out all others', {}, { follow: true });
    expect(after.text).toContain('Every other browser is signed out');
    expect(await signedIn(others[0]!)).toEqual([false, false]);
    expect(await signedIn(own)).toEqual([true, true]);
  });

  test("ends nobody else's session", async () => {
    const owner = await signIn(mandate.issuer, 'owner@acme.test');
    const analyst = await signIn(mandate.issuer, 'analyst@acme.test');
    const theirs = /name="session" value="(ses_\w+)"/.exec((await owner.get(page)).body)?.[1] ?? '';
    const shown = await analyst.get(page);
    const csrf = /name="csrf" value="([^"]+)"/.exec(shown.body)?.[1] ?? '';
    await analyst.postForm(`${page}/sessions/end`, { csrf, session: theirs });
    expect(await signedIn(owner)).toEqual([true, true]);
  });

  test('LG-11: a new password signs every other browser out, and keeps this one', async () => {
    const own = await signIn(mandate.issuer, 'admin@acme.test');
    const second = await signIn(other.issuer, 'admin@acme.test');
    const shown = await own.get(page);
    const wrong = { 'Present password': 'not it', 'New password': fresh };
    expect((await own.submit(shown, 'Change password', wrong)).status).toBe(403);
    for (const weak of ['short', 'password1', 'admin@acme.test']) {
      const answers = { 'Present password': demo.password, 'New password': weak };
      expect((await own.submit(shown, 'Change password', answers)).status).toBe(422);
    }
    expect(await signedIn(second)).toEqual([true, true]);
    const right = { 'Present password': demo.password, 'New password': fresh };
    const after = await own.submit(shown, 'Change password', right, { follow: true });
    expect(after.text).toContain('Your password is changed');
    expect(await signedIn(second)).toEqual([false, false]);
    expect(await signedIn(own)).toEqual([true, true]);
    await expect(signIn(mandate.issuer, 'admin@acme.test')).rejects.toThrow('not signed in');
  });

  test('LG-11: authorizations stay through a new password, unless the person says that they end too', async () => {
    const own = await signIn(mandate.issuer, 'editor@acme.test');
    const answers = { 'flows:edit': true, atlas: true };
    const { access_token: token = '' } = await tokenByCode(
      mandate.issuer,
      { email: 'editor@acme.test', answers },
      {},
      own,
    );
    const change = async (present: string, next: string, more: Record<string, boolean> = {}) =>
      own.submit(
        await own.get(page),
        'Change password',
        { 'Present password': present, 'New password': next, ...more },
        { follow: true },
      );
    await change(demo.password, fresh);
    expect(await introspect(other.issuer, token)).toMatchObject({ active: true });
    await change(fresh, `${fresh} at dusk`, { 'Also revoke': true });
    expect(await introspect(other.issuer, token)).toEqual({ active: false });
    await change(`${fresh} at dusk`, demo.password);
  });

  test('LG-11: whoever is suspended stays signed out when they are resumed', async () => {
    const client = await signIn(mandate.issuer, 'viewer@acme.test');
    const { id = '' } = (await mandate.stores.users.findByEmail('viewer@acme.test')) ?? {};
    await mandate.stores.users.suspend({ id: 'command' }, id);
    await mandate.stores.users.resume({ id: 'command' }, id);
    expect(await signedIn(client)).toEqual([false, false]);
  });

  test('the only passkey of somebody without a password stays, and the page says what to do first', async () => {
    const { id = '' } = (await mandate.stores.users.findByEmail('analyst@acme.test')) ?? {};
    const client = await signIn(mandate.issuer, 'analyst@acme.test');
    const passkey = { userId: id, credentialId: `of-${id}`, publicKey: 'key', transports: [], synced: false };
    await mandate.stores.passkeyList.add({ id }, { ...passkey, name: 'Laptop', counter: 0 });
    // As if they had come in by the passkey, and never had a password.
    const users = mandate.store.db.updateTable('users').where('id', '=', id);
    const { password_hash: hash } = await mandate.store.db
      .selectFrom('users')
      .select('password_hash')
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    await users.set({ password_hash: null }).execute();
    const refused = await client.submit(await client.get(page), 'Remove');
    expect(refused.status).toBe(409);
    expect(refused.text).toContain('this passkey is the only way to sign in');
    expect(await mandate.stores.passkeyList.list(id)).toHaveLength(1);
    await users.set({ password_hash: hash }).execute();
    const removed = await client.submit(await client.get(page), 'Remove');
    expect(removed.status).toBe(303);
    expect(await mandate.stores.passkeyList.list(id)).toHaveLength(0);
  });

  test('keeps no session id in the list', async () => {
    const client = await signIn(mandate.issuer, 'editor@acme.test');
    const rows = await mandate.store.db.selectFrom('sessions').selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain(client.cookie('mandate_session'));
  });
});
