/** An identity assertion for one of two resources whose addresses differ in their query alone. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { movableClock } from '../support/clock.ts';
import {
  assertionGrant,
  assistant,
  type IdentityProvider,
  startIdentityProvider,
  trustIn,
} from '../support/identity-provider.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, introspect } from '../support/oauth.ts';

const actor = { id: 'command' };
const here = assistant.here;
const address = 'http://tenants.example:4200/api';
const [first, second] = [`${address}?tenant=1`, `${address}?tenant=2`];
const server = { name: 'tenants', secret: 'a-secret-of-a-server-of-two-tenants' };

let mandate: TestMandate;
let idp: IdentityProvider;
beforeAll(async () => {
  const clock = movableClock();
  idp = await startIdentityProvider(clock);
  const trusted = trustIn(idp.issuer, { resources: [first, second], capabilities: ['api'] });
  mandate = await startMandate({ clock, assertionIssuers: [trusted] });
  idp.audience = mandate.issuer;
  const { clients, resourceServers, users, upstreamAccounts } = mandate.stores;
  await resourceServers.save(actor, { ...server, audiences: [first, second] });
  await clients.saveRegistered(actor, {
    id: here.id,
    metadata: {
      client_name: 'Assistant',
      redirect_uris: [],
      response_types: [],
      grant_types: [assertionGrant],
      token_endpoint_auth_method: 'client_secret_basic',
    },
    secret: here.secret,
  });
  const { id = '' } = (await users.findByEmail('editor@acme.test')) ?? {};
  const identity = { issuer: idp.issuer, subject: 'alice', email: 'editor@acme.test', name: undefined };
  await mandate.store.transact((trx) => upstreamAccounts.link(trx, actor, id, identity));
});
afterAll(async () => {
  await idp.stop();
  await mandate.stop();
});

async function ask(asserted: string, requested: readonly string[] = []) {
  const assertion = await idp.mint({ claims: { resource: asserted, scope: 'api' } });
  const fields = [
    ['grant_type', assertionGrant],
    ['assertion', assertion],
    ...requested.map((one) => ['resource', one]),
  ];
  const { status, body } = await askToken(mandate.issuer, new URLSearchParams(fields), here);
  if (status !== 200) return [status, body.error];
  const caller = { id: server.name, secret: server.secret };
  return [status, (await introspect(mandate.issuer, body.access_token ?? '', caller)).aud];
}

test.each<[string, string[], unknown[]]>([
  [first, [], [200, first]],
  [second, [], [200, second]],
  [second, [second], [200, second]],
  [first, [second], [400, 'invalid_target']],
  [first, [first, second], [400, 'invalid_target']],
  [address, [], [400, 'invalid_target']],
  [address, [second], [400, 'invalid_target']],
])('asserted %s, requested %j: %j', async (asserted, requested, answer) => {
  expect(await ask(asserted, requested)).toEqual(answer);
});
