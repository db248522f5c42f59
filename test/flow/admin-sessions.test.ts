/** Administrators see where a person is signed in, and end it. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { signIn } from '../support/account.ts';
import { signInToApi } from '../support/administrator.ts';
import { engines } from '../support/databases.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';

interface Listed {
  items: { id: string; address: string; signed_in_at: number }[];
}

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  const idOf = async (email: string) => (await mandate.stores.users.findByEmail(email))?.id ?? '';
  beforeAll(async () => {
    mandate = await startMandate({ engine });
  });
  afterAll(() => mandate.stop());

  test('by the API: one browser, then all of them, and the audit trail says who did it', async () => {
    const admin = await signInToApi(mandate.issuer, 'admin@acme.test');
    const [first, second] = [
      await signIn(mandate.issuer, 'editor@acme.test'),
      await signIn(mandate.issuer, 'editor@acme.test'),
    ];
    const path = `/users/${await idOf('editor@acme.test')}/sessions`;
    const listed = await admin.call<Listed>('GET', path);
    expect(listed.body.items).toHaveLength(2);
    const oldest = listed.body.items.toSorted((one, other) => (one.id < other.id ? -1 : 1))[0]?.id;
    expect((await admin.call('DELETE', `${path}/${oldest}`)).status).toBe(204);
    expect((await admin.call('DELETE', `${path}/${oldest}`)).status).toBe(404);
    expect((await first.get('/account/security')).status).toBe(303);
    expect((await second.get('/account/security')).status).toBe(200);
    expect((await admin.call('DELETE', path)).status).toBe(204);
    expect((await second.get('/account/security')).status).toBe(303);
    const said = await admin.call<{ items: { action: string; subject_id: string }[] }>(
      'GET',
      '/changes?subject=user&action=signed_out',
    );
    expect(said.body.items).toHaveLength(2);
  });

  test("on the person's page, but not an Owner's by somebody who is none", async () => {
    const editor = await signIn(mandate.issuer, 'editor@acme.test');
    const admin = await signIn(mandate.issuer, 'admin@acme.test');
    const tab = await admin.get(`/admin/users/${await idOf('editor@acme.test')}/sessions`);
    expect(tab.text).toContain('Sessions');
    await admin.submit(tab, 'Sign out', {}, { follow: true });
    expect((await editor.get('/account/security')).status).toBe(303);

    const owner = await signIn(mandate.issuer, 'owner@acme.test');
    const theirs = await admin.get(`/admin/users/${await idOf('owner@acme.test')}/sessions`);
    expect((await admin.submit(theirs, 'Sign out')).status).toBe(403);
    expect((await owner.get('/account/security')).status).toBe(200);
  });
});
