/** A secret that is replaced at the moment at which something is taken from its holder brings nothing of that back. */
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
});
