/** An assertion may end between two seconds: `exp` is a number, and need not be an integer (RFC 7519 section 2). */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { signInToApi } from '../support/administrator.ts';
import { assertionType, signAssertion } from '../support/client-assertion.ts';
import { engines } from '../support/databases.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, postForm } from '../support/oauth.ts';

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
  });
  afterAll(() => mandate.stop());

  const signed = async (issuer: string, key: JWK) => {
    const now = mandate.clock.now();
    return {
      client_assertion_type: assertionType,
      client_assertion: await signAssertion(key, {
        ...{ issuer, audience: mandate.issuer, now },
        claims: { exp: now + 60.5 },
      }),
    };
  };
  /** When what is noted of assertions is let go. */
  const ends = async () => {
    const { db } = mandate.store;
    const counters = await db
      .selectFrom('counters')
      .select('expires_at')
      .where('key', 'like', 'limit:assertion:%')
      .execute();
    const proofs = await db
      .selectFrom('oidc_artifacts')
      .select('expires_at')
      .where('model', '=', 'ReplayDetection')
      .execute();
    return [...counters, ...proofs].map(({ expires_at }) => Number(expires_at));
  };

  test("a resource server's is good once", async () => {
    const { id } = demo.apiServer;
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256' }] };
    await mandate.stores.resourceServers.save({ id: 'test' }, { name: id, audiences: [demo.api], jwks });
    const proof = await signed(id, { ...(await exportJWK(privateKey)), alg: 'ES256' });
    const ask = () => postForm(`${mandate.issuer}/introspect`, { token: 'unknown', ...proof });
    expect([(await ask()).status, (await ask()).status]).toEqual([200, 401]);
    expect((await ends()).every(Number.isInteger)).toBe(true);
  });

  test("a client's is good once", async () => {
    const admin = await signInToApi(mandate.issuer, 'owner@acme.test');
    const ci = await mandate.stores.users.findByEmail('ci@acme.test');
    const { body } = await admin.call<{ id: string; private_key: JWK }>(
      'POST',
      `/service-accounts/${ci?.id ?? ''}/clients`,
      { id: 'signer', client_name: 'Signer', generate_key: true },
    );
    const proof = await signed(body.id, body.private_key);
    const ask = () => askToken(mandate.issuer, { grant_type: 'client_credentials', ...proof });
    expect([(await ask()).status, (await ask()).status]).toEqual([200, 401]);
    expect((await ends()).every(Number.isInteger)).toBe(true);
  });
});
