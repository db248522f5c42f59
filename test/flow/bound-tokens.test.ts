/** Tokens that are bound to a key, end to end: a client of the field, the real server, a resource that the kit guards. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as openid from 'openid-client';
import { makeProof, proofKey } from '../support/dpop.ts';
import { freePort } from '../support/free-port.ts';
import { type GuardedApi, startGuardedApi } from '../support/guarded-api.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';

let mandate: TestMandate;
let api: GuardedApi;
let config: openid.Configuration;
let url: URL;
beforeAll(async () => {
  const origin = `http://localhost:${await freePort()}`;
  mandate = await startMandate({ platformOrigin: origin });
  api = await startGuardedApi(mandate.issuer, origin);
  url = new URL(`${api.resource}/flows`);
  config = await openid.discovery(new URL(mandate.issuer), demo.ci.id, demo.ci.secret, undefined, {
    execute: [openid.allowInsecureRequests],
  });
});
afterAll(async () => {
  await api.stop();
  await mandate.stop();
});

const newHandle = async (algorithm = 'ES256') =>
  openid.getDPoPHandle(config, await openid.randomDPoPKeyPair(algorithm));
const tokenFor = async (DPoP?: openid.DPoPHandle) =>
  (await openid.clientCredentialsGrant(config, { resource: api.resource }, DPoP ? { DPoP } : {}))
    .access_token;
const call = (token: string, DPoP?: openid.DPoPHandle, at = url) =>
  openid.fetchProtectedResource(config, token, at, 'GET', undefined, undefined, DPoP ? { DPoP } : {});
const presented = (authorization: string, proof?: string) =>
  fetch(url, { headers: { authorization, ...(proof === undefined ? {} : { dpop: proof }) } });

test.each(['ES256', 'PS256'])('a client with a key of %s is let in, again and again', async (algorithm) => {
  const DPoP = await newHandle(algorithm);
  const token = await tokenFor(DPoP);
  for (let turn = 0; turn < 3; turn += 1) {
    const answer = await call(token, DPoP, new URL(`?turn=${turn}`, url));
    expect(await answer.json()).toEqual({ hello: 'ci@acme.test' });
  }
});

test('whoever stole the token has nothing: not as a bearer token, not with another key', async () => {
  const token = await tokenFor(await newHandle());
  const asBearer = await presented(`Bearer ${token}`);
  expect(asBearer.status).toBe(401);
  expect(asBearer.headers.get('www-authenticate')).toMatch(/^Bearer error="invalid_token".*, DPoP algs="/);
  const proof = await makeProof(await proofKey(), {
    method: 'GET',
    url: url.href,
    accessToken: token,
    now: Math.floor(Date.now() / 1_000),
  });
  const byAnother = await presented(`DPoP ${token}`, proof);
  expect(byAnother.status).toBe(401);
  expect(byAnother.headers.get('www-authenticate')).toMatch(/^DPoP error="invalid_token"/);
});

test('whoever recorded a whole request has nothing either', async () => {
  const DPoP = await newHandle();
  const token = await tokenFor(DPoP);
  let recorded: Headers | undefined;
  const recording = async (address: string, options: openid.CustomFetchOptions) => {
    recorded = new Headers(options.headers);
    return fetch(address, options as RequestInit);
  };
  const own = new openid.Configuration(config.serverMetadata(), demo.ci.id, demo.ci.secret);
  openid.allowInsecureRequests(own);
  own[openid.customFetch] = recording;
  const handle = openid.getDPoPHandle(own, await openid.randomDPoPKeyPair('ES256'));
  const mine = (await openid.clientCredentialsGrant(own, { resource: api.resource }, { DPoP: handle }))
    .access_token;
  const first = await openid.fetchProtectedResource(own, mine, url, 'GET', undefined, undefined, {
    DPoP: handle,
  });
  expect(first.status).toBe(200);
  const again = await fetch(url, { headers: recorded ?? {} });
  expect(again.status).toBe(401);
  expect(await again.json()).toMatchObject({ error: 'invalid_dpop_proof' });
  const elsewhere = await fetch(`${url.href}/1`, { headers: recorded ?? {} });
  expect(await elsewhere.json()).toMatchObject({ error: 'invalid_dpop_proof' });
  expect((await call(token, DPoP)).status).toBe(200);
});

test('a token without a key is a bearer token, and no other', async () => {
  const token = await tokenFor();
  expect((await call(token)).status).toBe(200);
  const key = await proofKey();
  const now = Math.floor(Date.now() / 1_000);
  const proof = await makeProof(key, { method: 'GET', url: url.href, accessToken: token, now });
  const answer = await presented(`DPoP ${token}`, proof);
  expect(answer.status).toBe(401);
  expect(await answer.json()).toMatchObject({ error: 'invalid_token' });
});

test('two proofs in one request are none', async () => {
  const key = await proofKey();
  const now = Math.floor(Date.now() / 1_000);
  const about = { method: 'GET', url: url.href, accessToken: 'token', now };
  const headers = new Headers({ authorization: 'DPoP token' });
  headers.append('dpop', await makeProof(key, about));
  headers.append('dpop', await makeProof(key, about));
  expect(await (await fetch(url, { headers })).json()).toMatchObject({ error: 'invalid_dpop_proof' });
});

test('a revoked one is refused at once', async () => {
  const DPoP = await newHandle();
  const token = await tokenFor(DPoP);
  expect((await call(token, DPoP)).status).toBe(200);
  const { id } = await mandate.store.db
    .selectFrom('authorizations')
    .select('id')
    .where('client_id', '=', demo.ci.id)
    .executeTakeFirstOrThrow();
  await mandate.stores.authorizations.revoke({ id: 'test' }, id);
  await expect(call(token, DPoP)).rejects.toMatchObject({ status: 401 });
});
