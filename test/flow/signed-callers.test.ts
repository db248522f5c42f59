/** A resource server that has no secret: it asks, and listens to changes, by signatures of its own (RFC 7523). */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { signInToApi } from '../support/administrator.ts';
import { type ClientCredentials, cachingResourceServer, listen } from '../support/change-stream.ts';
import { assertionType, signAssertion } from '../support/client-assertion.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { tokenByCode } from '../support/oauth.ts';
import { startStopwatch } from '../support/thread-time.ts';

type PrivateJwk = JsonWebKey & { kid?: string };

const actor = { id: 'test' };
const name = demo.apiServer.id;
let mandate: TestMandate;
let privateKey: JWK;
const open: { close(): void }[] = [];

const setKey = async (alg: string) => {
  const pair = await generateKeyPair(alg, { extractable: true });
  privateKey = { ...(await exportJWK(pair.privateKey)), alg, kid: alg };
  const jwks = { keys: [{ ...(await exportJWK(pair.publicKey)), alg, kid: alg, use: 'sig' }] };
  return mandate.stores.resourceServers.save(actor, { name, audiences: [demo.api], jwks });
};
beforeAll(async () => {
  mandate = await startMandate();
});
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});
afterAll(() => mandate.stop());

const assertion = (claims: Record<string, unknown> = {}) =>
  signAssertion(privateKey, { issuer: name, audience: mandate.issuer, now: mandate.clock.now(), claims });
const post = async (fields: Record<string, string>, headers: Record<string, string> = {}) => {
  const controller = new AbortController();
  open.push({ close: () => controller.abort() });
  return fetch(`${mandate.issuer}/changes`, {
    method: 'POST',
    body: new URLSearchParams(fields),
    headers,
    signal: controller.signal,
  });
};
const signed = async (claims?: Record<string, unknown>) => ({
  client_assertion_type: assertionType,
  client_assertion: await assertion(claims),
});

test.each(['ES256', 'EdDSA', 'RS256', 'PS256'])(
  'the kit signs with %s, answers from memory, and hears of a revocation',
  async (alg) => {
    await setKey(alg);
    const server = cachingResourceServer(mandate.issuer, { credentials: { clientId: name, privateKey } });
    open.push(server);
    await server.alive();
    const { access_token: token = '' } = await tokenByCode(mandate.issuer, {
      email: 'editor@acme.test',
      answers: { api: true },
    });
    const answer = await server.introspect(token);
    if (!answer.active) throw new Error('the token is not active');
    // A process that had no turn for a second asks live for a moment: it is in step when most come from memory.
    for (let asked = Number.NEGATIVE_INFINITY; server.asked() - asked >= 25; ) {
      asked = server.asked();
      for (let again = 0; again < 50; again += 1) expect(await server.introspect(token)).toEqual(answer);
    }
    await mandate.stores.authorizations.revoke(actor, answer.authorization_id);
    const taken = startStopwatch();
    while ((await server.introspect(token)).active) {
      if (taken() > 1_000) throw new Error('it was never heard of');
      await new Promise((resolve) => void setTimeout(resolve, 5));
    }
  },
  60_000,
);

test('an administrator replaces the secret by a key that is made here, or by keys, and by a secret again', async () => {
  const admin = await signInToApi(mandate.issuer, 'owner@acme.test');
  const { id = '' } = (await mandate.stores.resourceServers.find(name)) ?? {};
  const path = `/resource-servers/${id}`;
  const ask = async (credentials: ClientCredentials) => {
    const server = cachingResourceServer(mandate.issuer, { credentials });
    open.push(server);
    return (await server.introspect('unknown')).active;
  };
  const made = await admin.call<{ private_key: PrivateJwk }>('POST', `${path}/keys`, { generate_key: true });
  expect(made).toMatchObject({ status: 201, body: { has_secret: false, has_keys: true } });
  expect(await ask({ clientId: name, privateKey: made.body.private_key })).toBe(false);
  await expect(ask({ clientId: name, clientSecret: demo.apiServer.secret })).rejects.toMatchObject({
    status: 401,
  });

  const pair = await generateKeyPair('EdDSA', { extractable: true });
  const jwks = { keys: [{ ...(await exportJWK(pair.publicKey)), alg: 'EdDSA' }] };
  expect(await admin.call('POST', `${path}/keys`, { jwks })).toMatchObject({ body: { private_key: null } });
  const own = { ...(await exportJWK(pair.privateKey)), alg: 'EdDSA' } as PrivateJwk;
  expect(await ask({ clientId: name, privateKey: own })).toBe(false);
  await expect(ask({ clientId: name, privateKey: made.body.private_key })).rejects.toMatchObject({
    status: 401,
  });
  for (const body of [{}, { jwks: { keys: [own] } }, { jwks, generate_key: true }]) {
    expect((await admin.call('POST', `${path}/keys`, body)).status).toBe(422);
  }

  const rotated = await admin.call<{ secret: string }>('POST', `${path}/secret`);
  expect(rotated.body).toMatchObject({ has_secret: true, has_keys: false });
  expect(await ask({ clientId: name, clientSecret: rotated.body.secret })).toBe(false);
  await expect(ask({ clientId: name, privateKey: own })).rejects.toMatchObject({ status: 401 });
  const { apiServer, api } = demo;
  await mandate.stores.resourceServers.save(actor, { name, audiences: [api], secret: apiServer.secret });
});

test('the stream is taken up again where it ended, by another assertion', async () => {
  await setKey('ES256');
  const first = await post(await signed());
  expect([first.status, first.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  const fields = await signed();
  expect((await post(fields, { 'last-event-id': '1' })).status).toBe(200);
  expect((await post(fields, { 'last-event-id': '1' })).status).toBe(401);
});

test('an assertion for somebody else, by somebody else or for too long is refused', async () => {
  await setKey('ES256');
  const now = mandate.clock.now();
  for (const claims of [
    { aud: `${mandate.issuer}/changes` },
    { aud: 'https://other.example' },
    { iss: demo.mcpServer.id, sub: demo.mcpServer.id },
    { exp: now - 10 },
    { exp: now + 3_600 },
    { jti: undefined },
  ]) {
    expect((await post(await signed(claims))).status).toBe(401);
  }
  const fields = await signed();
  await setKey('ES256');
  expect((await post(fields)).status).toBe(401);
});

test('a form has one way and each field once; a secret in it does too', async () => {
  const { id, secret } = demo.apiServer;
  expect((await post({ client_id: id, client_secret: secret })).status).toBe(200);
  expect((await post({ client_id: id, client_secret: 'wrong' })).status).toBe(401);
  const authorization = `Basic ${btoa(`${id}:${secret}`)}`;
  expect((await post({ client_id: id, client_secret: secret }, { authorization })).status).toBe(400);
  expect((await post({}, { authorization })).status).toBe(200);
  expect((await post({ more: 'x'.repeat(20_000) }, { authorization })).status).toBe(400);
  const twice = await fetch(`${mandate.issuer}/changes`, {
    method: 'POST',
    body: new URLSearchParams([
      ['client_id', id],
      ['client_id', id],
      ['client_secret', secret],
    ]),
  });
  expect(twice.status).toBe(400);
  expect((await fetch(`${mandate.issuer}/changes`, { method: 'POST', body: '{}' })).status).toBe(400);
});

test('a stream ends when the key of its caller is replaced', async () => {
  await setKey('ES256');
  const bySecret = await listen(mandate.issuer, demo.apiServer);
  open.push(bySecret);
  const byKey = await post(await signed());
  await setKey('ES256');
  await bySecret.ended;
  expect(await byKey.text()).toContain('event: flush');
});
