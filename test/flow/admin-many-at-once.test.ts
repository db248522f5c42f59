/** More administrators' requests at once than there are connections to the database: none of them waits for what another one holds. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Administrator, signInToApi } from '../support/administrator.ts';
import { engines } from '../support/databases.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';

interface Account {
  readonly id: string;
  readonly version: number;
}

/** Of ten connections, each would be taken twice over. */
const numbers = Array.from({ length: 24 }, (_, index) => index);

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  let admin: Administrator;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
    admin = await signInToApi(mandate.issuer, 'admin@acme.test');
  });
  afterAll(() => mandate.stop());

  const all = async (status: number, work: (n: number) => ReturnType<typeof admin.call<Account>>) => {
    const answers = await Promise.all(numbers.map(work));
    expect(answers.map((answer) => answer.status)).toEqual(numbers.map(() => status));
    return answers.map(({ body }) => body);
  };

  test('accounts are made, changed and given roles', async () => {
    const { roles } = mandate.stores;
    const [member = '', viewer = ''] = [
      (await roles.findBySlug('member'))?.id,
      (await roles.findBySlug('viewer'))?.id,
    ];
    const made = await all(201, (n) =>
      admin.call('POST', '/users', { email: `n${n}@acme.test`, name: `n${n}`, role_ids: [member] }),
    );
    await all(200, (n) =>
      admin.call(
        'PATCH',
        `/users/${made[n]?.id}`,
        { name: `renamed ${n}` },
        { 'if-match': `"${made[n]?.version}"` },
      ),
    );
    await all(200, (n) => admin.call('POST', `/users/${made[n]?.id}/assignments`, { role_id: viewer }));
  });

  test('service accounts get their clients', async () => {
    const made = await all(201, (n) =>
      admin.call('POST', '/service-accounts', { email: `ci${n}@acme.test`, name: `ci${n}` }),
    );
    await all(201, (n) =>
      admin.call('POST', `/service-accounts/${made[n]?.id}/clients`, {
        id: `machine-${n}`,
        client_name: `machine ${n}`,
      }),
    );
  });
});
