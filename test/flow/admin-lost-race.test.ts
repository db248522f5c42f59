/** Two administrators want the same name at the same moment: whoever comes second is told that it is taken, as a moment later. */
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

  test('for a resource server', async () => {
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

  test('for an address', async () => {
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
