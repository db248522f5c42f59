/**
 * Two at the same moment: what is done beside something being taken away brings nothing of that back, nor is it done with what is gone; and
 * of two who want the same name the second is told that it is taken.
 */
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Administrator, signInToApi } from '../support/administrator.ts';
import { engines } from '../support/databases.ts';
import { inTheMiddle } from '../support/in-the-middle.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';

const actor = { id: 'command' };

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  let admin: Administrator;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
    admin = await signInToApi(mandate.issuer, 'admin@acme.test');
  });
  afterAll(() => mandate.stop());

  test.each([
    ['secret', undefined],
    ['keys', { generate_key: true }],
  ])('an audience that is taken from a resource server, beside new %s', async (what, body) => {
    const { store, stores } = mandate;
    const name = `billing-${what}`;
    const [kept, taken] = [`https://${name}.acme.test/kept`, `https://${name}.acme.test/taken`];
    const made = await admin.call<{ id: string; secret: string }>('POST', '/resource-servers', {
      name,
      audiences: [kept, taken],
    });
    const answer = await inTheMiddle(
      store,
      (trx) => stores.resourceServers.within(trx).save(actor, { name, audiences: [kept] }),
      () => admin.call('POST', `/resource-servers/${made.body.id}/${what}`, body),
    );
    expect(answer).toMatchObject({ status: 201, body: { audiences: [kept] } });
    expect((await stores.resourceServers.guardedBy(made.body.id)).audiences).toEqual([kept]);
  });

  test('a grant that is taken from a client, beside a new secret', async () => {
    const { store, stores } = mandate;
    const id = 'portal';
    const redirects = ['https://portal.acme.test/callback'];
    const made = await admin.call<{ metadata: object }>('POST', '/clients', {
      id,
      client_name: id,
      redirect_uris: redirects,
      device_login: true,
    });
    const metadata = { ...made.body.metadata, grant_types: ['authorization_code', 'refresh_token'] };
    const answer = await inTheMiddle(
      store,
      (trx) => stores.clients.within(trx).saveRegistered(actor, { id, metadata }),
      () => admin.call('POST', `/clients/${id}/secret`),
    );
    expect(answer).toMatchObject({ status: 201, body: { device_login: false, metadata } });
    expect((await stores.clients.find(id))?.metadata).toEqual(metadata);
  });

  test('a permission that is taken out of a role is not put back by whoever does not hold it, whatever version they name', async () => {
    const { store, stores } = mandate;
    const make = async (slug: string, permissions: string[]) => {
      const made = await stores.roles.create(actor, { slug, name: slug, permissions });
      if (made.outcome !== 'created') throw new Error(made.outcome);
      return made.role;
    };
    const userId = (await stores.users.findByEmail('viewer@acme.test'))?.id ?? '';
    const keeper = await make('role-keeper', ['roles.update', 'api']);
    await stores.users.assign(actor, { userId, roleId: keeper.id, projectId: null });
    const { id, version } = await make('shrinking', ['api', 'users.manage']);
    const viewer = await signInToApi(mandate.issuer, 'viewer@acme.test');
    const answer = await inTheMiddle(
      store,
      (trx) => stores.roles.within(trx).update(actor, id, { permissions: ['api'] }),
      () =>
        viewer.call(
          'PATCH',
          `/roles/${id}`,
          { permissions: ['api', 'users.manage'] },
          { 'if-match': `"${version + 1}"` },
        ),
    );
    // PostgreSQL looks for the version before it waits, and finds it not there yet.
    expect(['beyond_own_rights', 'version_changed']).toContain(answer.body.code);
    expect((await stores.roles.find(id))?.permissions).toEqual(['api']);
  });

  describe('what two change at once is done by one, and refused to the other as if it had come later', () => {
    const makeRole = async (slug: string) => {
      const made = await mandate.stores.roles.create(actor, { slug, name: slug, permissions: ['api'] });
      if (made.outcome !== 'created') throw new Error(made.outcome);
      return made.role;
    };
    const viewer = async () => (await mandate.stores.users.findByEmail('viewer@acme.test'))?.id ?? '';

    test('a role that is given while it is deleted', async () => {
      const { store, stores } = mandate;
      const { id, version } = await makeRole('given');
      const userId = await viewer();
      const answer = await inTheMiddle(
        store,
        (trx) => stores.users.within(trx).assign(actor, { userId, roleId: id, projectId: null }),
        () => admin.call('DELETE', `/roles/${id}`, undefined, { 'if-match': `"${version}"` }),
      );
      expect(answer).toMatchObject({ status: 409, body: { code: 'in_use' } });
    });

    test('a role that is deleted while it is given', async () => {
      const { store, stores } = mandate;
      const { id } = await makeRole('deleted');
      const userId = await viewer();
      const answer = await inTheMiddle(
        store,
        (trx) => stores.roles.within(trx).delete(actor, id),
        () => admin.call('POST', `/users/${userId}/assignments`, { role_id: id }),
      );
      expect(answer).toMatchObject({ status: 422, body: { code: 'unknown_reference' } });
    });

    test('a short name that two projects take', async () => {
      const { store, stores } = mandate;
      const made = await stores.projects.create(actor, { slug: 'renamed', name: 'Renamed' });
      if (made.outcome !== 'created') throw new Error(made.outcome);
      const answer = await inTheMiddle(
        store,
        (trx) => stores.projects.within(trx).create(actor, { slug: 'wanted', name: 'Wanted' }),
        () => admin.call('PATCH', `/projects/${made.project.id}`, { slug: 'wanted' }, { 'if-match': '"1"' }),
      );
      expect(answer).toMatchObject({ status: 409, body: { code: 'slug_taken' } });
    });

    test('a person who is removed while they are suspended', async () => {
      const { store, stores } = mandate;
      const made = await stores.users.create(actor, {
        kind: 'person',
        email: 'leaving@acme.test',
        name: 'Leaving',
      });
      if (made.outcome !== 'created') throw new Error(made.outcome);
      const { id } = made.user;
      const answer = await inTheMiddle(
        store,
        // The turn of whoever takes an Owner away.
        (trx) =>
          trx
            .updateTable('roles')
            .set((row) => ({ version: row.ref('version') }))
            .where('slug', '=', 'owner')
            .execute(),
        () => admin.call('DELETE', `/users/${id}`, undefined, { 'if-match': '"1"' }),
        (trx) => stores.users.within(trx).suspend(actor, id),
      );
      expect(answer).toMatchObject({ status: 412, body: { code: 'version_changed' } });
    });
  });

  test('a request that was begun with a permission is not finished without it', async () => {
    const { stores } = mandate;
    const userId = (await stores.users.findByEmail('admin@acme.test'))?.id ?? '';
    const roleId = (await stores.roles.findBySlug('admin'))?.id ?? '';
    const assignment = { userId, roleId, projectId: null };
    const body = JSON.stringify({ slug: 'slowly', name: 'Slowly' });
    const status = await new Promise((resolve, reject) => {
      const sent = request(`${mandate.issuer}/api/v1/projects`, {
        method: 'POST',
        headers: {
          cookie: admin.cookie,
          'x-csrf-token': admin.csrf,
          origin: mandate.issuer,
          'sec-fetch-site': 'same-origin',
          'content-type': 'application/json',
          'content-length': body.length,
        },
      });
      sent.once('error', reject);
      sent.once('response', (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      sent.write(body.slice(0, 5));
      sleep(200)
        .then(() => stores.users.unassign(actor, assignment))
        .then(() => sent.end(body.slice(5)), reject);
    });
    await stores.users.assign(actor, assignment);
    expect(status).toBe(403);
    expect(await stores.projects.findBySlug('slowly')).toBeUndefined();
  });

  test("a name that two want for a resource server is the first one's, and the other is told so", async () => {
    const { store, stores } = mandate;
    const audiences = ['https://billing.acme.test'];
    const answer = await inTheMiddle(
      store,
      (trx) => stores.resourceServers.within(trx).save(actor, { name: 'billing', audiences }),
      () =>
        admin.call('POST', '/resource-servers', { name: 'billing', audiences: ['https://other.acme.test'] }),
    );
    expect(answer).toMatchObject({ status: 409, body: { code: 'name_taken' } });
  });

  test("an address that two want is the first one's, and the other is told so", async () => {
    const { store, stores } = mandate;
    const [one, other] = [
      await stores.users.findByEmail('viewer@acme.test'),
      await stores.users.findByEmail('analyst@acme.test'),
    ];
    const email = 'wanted@acme.test';
    const answer = await inTheMiddle(
      store,
      (trx) => stores.users.within(trx).update(actor, one?.id ?? '', { email }),
      () => admin.call('PATCH', `/users/${other?.id}`, { email }, { 'if-match': `"${other?.version}"` }),
    );
    expect(answer).toMatchObject({ status: 409, body: { code: 'email_taken' } });
  });
});
