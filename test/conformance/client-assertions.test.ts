/** TK-12: assertions with which a client must not get through (RFC 7523 section 3; RFC 8725 sections 2.1 and 3.1). */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exportSPKI, importJWK, type JWK } from 'jose';
import { type Administrator, signInToApi } from '../support/administrator.ts';
import { assertionType, signAssertion } from '../support/client-assertion.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken } from '../support/oauth.ts';

const id = 'signer';
const years = 365 * 86_400;

let mandate: TestMandate;
let admin: Administrator;
let key: JWK;
let otherKey: JWK;
beforeAll(async () => {
  mandate = await startMandate();
  admin = await signInToApi(mandate.issuer, 'owner@acme.test');
  const ci = await mandate.stores.users.findByEmail('ci@acme.test');
  const path = `/service-accounts/${ci?.id ?? ''}/clients`;
  const make = async (client: string) =>
    (
      await admin.call<{ private_key: JWK }>('POST', path, {
        id: client,
        client_name: client,
        generate_key: true,
      })
    ).body.private_key;
  key = await make(id);
  otherKey = await make('other');
});
afterAll(() => mandate.stop());

const signed = (claims: Record<string, unknown> = {}, by = key) =>
  signAssertion(by, { issuer: id, audience: mandate.issuer, now: mandate.clock.now(), claims });
const ask = (assertion: string, fields: Record<string, string> = {}) =>
  askToken(mandate.issuer, {
    grant_type: 'client_credentials',
    client_assertion_type: assertionType,
    client_assertion: assertion,
    ...fields,
  });
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claimsNow = () => ({
  iss: id,
  sub: id,
  aud: mandate.issuer,
  jti: crypto.randomUUID(),
  iat: mandate.clock.now(),
  exp: mandate.clock.now() + 60,
});
const publicText = async () => {
  const { d: _d, ...publicKey } = key;
  return exportSPKI((await importJWK(publicKey, 'ES256')) as Parameters<typeof exportSPKI>[0]);
};

test('a good one gets a token, once', async () => {
  const assertion = await signed();
  expect((await ask(assertion)).status).toBe(200);
  expect(await ask(assertion)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
});

describe('TK-12: refused with 401 invalid_client', () => {
  test.each<[string, () => Promise<string>]>([
    ['alg none', async () => `${encode({ alg: 'none' })}.${encode(claimsNow())}.`],
    [
      'HS256 over the public key',
      async () => {
        const head = `${encode({ alg: 'HS256', kid: key.kid })}.${encode(claimsNow())}`;
        const mac = createHmac('sha256', await publicText())
          .update(head)
          .digest('base64url');
        return `${head}.${mac}`;
      },
    ],
    ['exp in ten years', async () => signed({ exp: mandate.clock.now() + 10 * years })],
    ['exp in the past', async () => signed({ exp: mandate.clock.now() - 60 })],
    ['no exp', async () => signed({ exp: undefined })],
    ['no jti', async () => signed({ jti: undefined })],
    ['nbf in the future', async () => signed({ nbf: mandate.clock.now() + 600 })],
    ['another aud', async () => signed({ aud: 'https://other.example' })],
    ['the token endpoint as aud', async () => signed({ aud: `${mandate.issuer}/token` })],
    ['several auds', async () => signed({ aud: [mandate.issuer, 'https://other.example'] })],
    ['no aud', async () => signed({ aud: undefined })],
    ['another iss', async () => signed({ iss: 'other' })],
    ["another client's key", async () => signed({}, otherKey)],
    ["another client's name", async () => signed({ iss: 'other', sub: 'other' })],
    [
      'a changed claim',
      async () => {
        const [head, , mac] = (await signed()).split('.');
        return `${head}.${encode({ ...claimsNow(), exp: mandate.clock.now() + 600 })}.${mac}`;
      },
    ],
  ])('%s', async (_what, make) => {
    const { status, body } = await ask(await make());
    expect([status, body.error]).toEqual([401, 'invalid_client']);
    expect(body.access_token).toBeUndefined();
  });
});

test.each([
  ['a secret beside it', { client_id: id, client_secret: 'x' }],
  ['another client_id beside it', { client_id: demo.ci.id }],
  ['another assertion type', { client_assertion_type: 'urn:x' }],
])('%s is 400 invalid_request', async (_what, fields) => {
  expect(await ask(await signed(), fields)).toMatchObject({
    status: 400,
    body: { error: 'invalid_request' },
  });
});

test('what is refused does not use the assertion up for its owner', async () => {
  const assertion = await signed();
  const [head, claims] = assertion.split('.');
  expect((await ask(`${head}.${claims}.AAAA`)).status).toBe(401);
  expect((await ask(assertion)).status).toBe(200);
});
