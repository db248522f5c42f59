import { createHmac } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { calculateJwkThumbprint, exportJWK } from 'jose';
import {
  type ActiveIntrospection,
  createDpopVerifier,
  createReplayMemory,
  type DpopVerifierOptions,
  type GuardedRequest,
  requireAuthorization,
} from '../../../src/resource-server/index.ts';
import { makeProof, type ProofKey, type ProofRequest, proofKey } from '../../support/dpop.ts';
import { activeAnswer } from './active-answer.ts';

const resource = 'https://acme.example/api';
const now = 1_790_000_000;
const asked = { method: 'POST', url: `${resource}/flows`, accessToken: 'good', now };
let key: ProofKey;
let jkt: string;

beforeAll(async () => {
  key = await proofKey();
  jkt = await calculateJwkThumbprint(key.jwk);
});

const bound = (): ActiveIntrospection => activeAnswer({ token_type: 'DPoP', cnf: { jkt } });

function guardOf(answer: ActiveIntrospection = bound(), options: DpopVerifierOptions = {}) {
  const dpop = createDpopVerifier({ now: () => now, ...options });
  return requireAuthorization({ introspect: async () => answer, resource, scopes: ['api'], dpop });
}

/** The request as it arrives. @param changes what differs from the one that the proof was made for */
function arrived(proof: string | undefined, changes: Partial<GuardedRequest> = {}): GuardedRequest {
  const headers = { authorization: 'DPoP good', ...(proof === undefined ? {} : { dpop: proof }) };
  return { headers, method: 'POST', url: '/api/flows?page=2', ...changes };
}

const proving = async (changes: Partial<ProofRequest> = {}, by = key) =>
  arrived(await makeProof(by, { ...asked, ...changes }));

describe('a bound token with a proof of its key', () => {
  test.each(['ES256', 'EdDSA', 'Ed25519', 'RS256', 'PS256'])(
    'is taken, signed with %s',
    async (algorithm) => {
      const own = await proofKey(algorithm);
      const answer = { ...bound(), cnf: { jkt: await calculateJwkThumbprint(own.jwk) } };
      expect(await guardOf(answer).authorize(await proving({}, own))).toEqual({
        kind: 'allowed',
        authorization: answer,
      });
    },
  );

  test.each<[string, Partial<ProofRequest>]>([
    ['as it is', {}],
    ['with a query', { url: `${resource}/flows?page=3#top` }],
    ['in other letters, with the default port', { url: 'HTTPS://ACME.example:443/api/flows' }],
    ['with dots and needless escapes', { url: 'https://acme.example/api/./x/../%66lows' }],
  ])('may name the address %s', async (_, changes) => {
    expect(await guardOf().authorize(await proving(changes))).toMatchObject({ kind: 'allowed' });
  });

  test.each<[string, number]>([
    ['a minute ago', now - 60],
    ['a minute ago by a slow clock', now - 65],
    ['by a fast clock', now + 5],
  ])('may be made %s', async (_, iat) => {
    expect(await guardOf().authorize(await proving({ now: iat }))).toMatchObject({ kind: 'allowed' });
  });

  test('is read from a web request, and the configured origin counts behind a proxy', async () => {
    const proof = await makeProof(key, asked);
    const request = new Request('http://10.0.0.7:8080/api/flows', {
      method: 'POST',
      headers: { authorization: 'dpop good', dpop: proof },
    });
    expect(await guardOf().authorize(request)).toMatchObject({ kind: 'allowed' });
  });

  test('is held against the address as it came where a framework alters it', async () => {
    const request = { ...(await proving()), url: '/flows', originalUrl: '/api/flows' };
    expect(await guardOf().authorize(request)).toMatchObject({ kind: 'allowed' });
  });

  test('is held against the address that a proxy’s owner tells', async () => {
    const options = { requestUrl: ({ url }: GuardedRequest) => `https://acme.example/api${url}` };
    const request = { ...(await proving()), url: '/flows' };
    expect(await guardOf(bound(), options).authorize(request)).toMatchObject({ kind: 'allowed' });
  });

  test('is judged like any other', async () => {
    const outcome = await guardOf().authorize(await proving(), { capability: 'apps:admin' });
    expect(outcome).toMatchObject({ status: 403, body: { error: 'insufficient_scope' } });
    expect(outcome).toHaveProperty(
      'headers.WWW-Authenticate',
      expect.stringMatching(/^DPoP error="insufficient_scope", .*, algs="ES256 EdDSA Ed25519 RS256 PS256"$/),
    );
  });
});

describe('a proof that is wrong', () => {
  const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'dpop+jwt' })).toString('base64url');
  test.each<[string, Partial<ProofRequest>]>([
    ['of another method', { method: 'GET' }],
    ['of a method in small letters', { method: 'post' }],
    ['of another host', { url: 'https://evil.example/api/flows' }],
    ['of another scheme', { url: 'http://acme.example/api/flows' }],
    ['of another port', { url: 'https://acme.example:8443/api/flows' }],
    ['of another path', { url: `${resource}/secrets` }],
    ['of a path with a slash more', { url: `${resource}/flows/` }],
    ['of a path in other letters', { url: `${resource}/Flows` }],
    ['with a name before the host', { url: 'https://acme.example@evil.example/api/flows' }],
    ['of a user at the host', { url: 'https://me@acme.example/api/flows' }],
    ['of no address', { claims: { htu: '/api/flows' } }],
    ['without an address', { claims: { htu: undefined } }],
    ['of another token', { accessToken: 'another' }],
    ['without ath', { claims: { ath: undefined } }],
    ['without jti', { claims: { jti: undefined } }],
    ['with an empty jti', { claims: { jti: '' } }],
    ['with an endless jti', { claims: { jti: 'j'.repeat(257) } }],
    ['without iat', { claims: { iat: undefined } }],
    ['with a text for iat', { claims: { iat: `${now}` } }],
    ['that is old', { now: now - 66 }],
    ['from the future', { now: now + 6 }],
    ['of another type', { header: { typ: 'JWT' } }],
    ['without a type', { header: { typ: undefined } }],
    ['without a key', { header: { jwk: undefined } }],
    ['with the address of a key', { header: { jwk: undefined, jku: 'https://evil.example/jwks' } }],
    ['with an unknown extension', { header: { crit: ['b64'], b64: true } }],
  ])('is refused: %s', async (_, changes) => {
    const outcome = await guardOf().authorize(await proving(changes));
    expect(outcome).toMatchObject({ status: 401, body: { error: 'invalid_dpop_proof' } });
    expect(outcome).toHaveProperty(
      'headers.WWW-Authenticate',
      expect.stringMatching(
        /^DPoP error="invalid_dpop_proof", error_description="[ -~]+", scope="api", resource_metadata=".*", algs=/,
      ),
    );
  });

  test.each<[string, () => Promise<string | undefined>]>([
    ['missing', async () => undefined],
    ['empty', async () => ''],
    ['no JWT', async () => 'a.b'],
    ['unsigned', async () => `${none}.${(await makeProof(key, asked)).split('.')[1]}.`],
    ['two in one header', async () => `${await makeProof(key, asked)}, ${await makeProof(key, asked)}`],
    ['too long', async () => makeProof(key, { ...asked, claims: { more: 'x'.repeat(9_000) } })],
    [
      'with a private key in it',
      async () => makeProof(key, { ...asked, header: { jwk: await exportJWK(key.privateKey) } }),
    ],
    [
      'signed by another key than it shows',
      async () => makeProof(await proofKey(), { ...asked, header: { jwk: key.jwk } }),
    ],
    [
      'with a signature that was altered',
      async () => (await makeProof(key, asked)).replace(/.{10}$/, 'AAAAAAAAAA'),
    ],
    [
      'with a payload that was altered',
      async () => {
        const [head, , mark] = (await makeProof(key, { ...asked, method: 'GET' })).split('.');
        return [head, (await makeProof(key, asked)).split('.')[1], mark].join('.');
      },
    ],
    [
      'HS256 over the public key',
      async () => {
        const head = { alg: 'HS256', typ: 'dpop+jwt', jwk: key.jwk };
        const signed = [
          Buffer.from(JSON.stringify(head)).toString('base64url'),
          (await makeProof(key, asked)).split('.')[1],
        ].join('.');
        const mark = createHmac('sha256', JSON.stringify(key.jwk)).update(signed).digest('base64url');
        return `${signed}.${mark}`;
      },
    ],
    ['an algorithm that is not taken', async () => makeProof(await proofKey('ES384'), asked)],
    [
      'a point that is not on the curve',
      async () => makeProof(key, { ...asked, header: { jwk: { ...key.jwk, x: key.jwk.y } } }),
    ],
    [
      'a key for encryption',
      async () => makeProof(key, { ...asked, header: { jwk: { ...key.jwk, use: 'enc' } } }),
    ],
    [
      'a key for another algorithm',
      async () => makeProof(key, { ...asked, header: { jwk: { ...key.jwk, alg: 'ES384' } } }),
    ],
    [
      'a short modulus',
      async () =>
        makeProof(await proofKey('RS256'), {
          ...asked,
          header: { jwk: { kty: 'RSA', e: 'AQAB', n: 'x'.repeat(171) } },
        }),
    ],
  ])('is refused: %s', async (_, make) => {
    const outcome = await guardOf().authorize(arrived(await make()));
    expect(outcome).toMatchObject({ status: 401, body: { error: 'invalid_dpop_proof' } });
  });

  test('is refused before anybody is asked about the token', async () => {
    const dpop = createDpopVerifier({ now: () => now });
    const introspect = () => Promise.reject(new Error('asked'));
    const outcome = await requireAuthorization({ introspect, resource, dpop }).authorize(arrived('x.y.z'));
    expect(outcome).toMatchObject({ body: { error: 'invalid_dpop_proof' } });
  });

  test('is refused without a method or an address to hold it against', async () => {
    const request = await proving();
    for (const missing of [{ method: undefined }, { url: undefined }, { url: '*' }]) {
      expect(await guardOf().authorize({ ...request, ...missing })).toMatchObject({ status: 401 });
    }
  });

  test('is refused when an address in the path pretends to be the host', async () => {
    const request = {
      ...(await proving({ url: 'https://evil.example/api/flows' })),
      url: '//evil.example/api/flows',
    };
    expect(await guardOf().authorize(request)).toMatchObject({ status: 401 });
  });
});

describe('a proof is taken once', () => {
  test('by one node’s own memory, for as long as it is good', async () => {
    let second = now;
    const guard = guardOf(bound(), { now: () => second });
    const request = await proving();
    expect(await guard.authorize(request)).toMatchObject({ kind: 'allowed' });
    for (second = now; second <= now + 66; second += 22) {
      expect(await guard.authorize(request)).toMatchObject({ body: { error: 'invalid_dpop_proof' } });
    }
  });

  test('of several at once', async () => {
    const guard = guardOf();
    const request = await proving();
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => guard.authorize(request)));
    expect(outcomes.filter(({ kind }) => kind === 'allowed')).toHaveLength(1);
  });

  test('by a memory that several nodes share', async () => {
    const replays = createReplayMemory({ now: () => now, most: 10 });
    const request = await proving();
    expect(await guardOf(bound(), { replays }).authorize(request)).toMatchObject({ kind: 'allowed' });
    expect(await guardOf(bound(), { replays }).authorize(request)).toMatchObject({ status: 401 });
  });

  test('and no proof of a token that is not good uses memory up', async () => {
    const guard = guardOf({ ...bound(), cnf: { jkt: 'another' } }, { mostProofs: 1 });
    for (let turn = 0; turn < 3; turn += 1) {
      expect(await guard.authorize(await proving())).toMatchObject({ body: { error: 'invalid_token' } });
    }
  });

  test('so when the memory is full it is said that it cannot be told, until some are too old', async () => {
    let second = now;
    const guard = guardOf(bound(), { now: () => second, mostProofs: 2 });
    const authorize = async () => guard.authorize(await proving({ now: second }));
    expect(await authorize()).toMatchObject({ kind: 'allowed' });
    expect(await authorize()).toMatchObject({ kind: 'allowed' });
    expect(await authorize()).toMatchObject({ kind: 'unavailable', status: 503 });
    second += 66;
    expect(await authorize()).toMatchObject({ kind: 'allowed' });
  });
});

describe('scheme and token belong together', () => {
  test('a bound token as a bearer token is refused, and told how it goes', async () => {
    const request = arrived(await makeProof(key, asked));
    const outcome = await guardOf().authorize({
      ...request,
      headers: { ...request.headers, authorization: 'Bearer good' },
    });
    expect(outcome).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
    expect(outcome).toHaveProperty(
      'headers.WWW-Authenticate',
      expect.stringMatching(
        /^Bearer error="invalid_token", .*", DPoP algs="ES256 EdDSA Ed25519 RS256 PS256"$/,
      ),
    );
  });

  test.each<[string, ActiveIntrospection]>([
    ['not bound', activeAnswer()],
    ['bound to another key', activeAnswer({ cnf: { jkt: 'another' } })],
    ['bound to a certificate', activeAnswer({ cnf: { 'x5t#S256': 'certificate' } })],
  ])('a token that is %s is refused with the scheme DPoP', async (_, answer) => {
    const outcome = await guardOf(answer).authorize(await proving());
    expect(outcome).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
    expect(outcome).toHaveProperty(
      'headers.WWW-Authenticate',
      expect.stringMatching(/^DPoP error="invalid_token"/),
    );
  });

  test('a bearer token is taken beside it, as ever', async () => {
    const request = { headers: { authorization: 'Bearer good' } };
    expect(await guardOf(activeAnswer()).authorize(request)).toMatchObject({ kind: 'allowed' });
  });

  test('without a token, both ways are offered', async () => {
    const outcome = await guardOf().authorize({ headers: {} });
    expect(outcome).toHaveProperty(
      'headers.WWW-Authenticate',
      expect.stringMatching(/^Bearer scope="api", resource_metadata="[^"]+", DPoP algs="ES256 [^"]+"$/),
    );
  });

  test('a resource that did not opt in takes it for no token at all', async () => {
    const guard = requireAuthorization({ introspect: async () => bound(), resource });
    const outcome = await guard.authorize(await proving());
    expect(outcome).toHaveProperty('headers.WWW-Authenticate', expect.not.stringContaining('DPoP'));
    expect(outcome).toMatchObject({ status: 401 });
    expect(outcome).not.toHaveProperty('body.error');
  });

  test('algorithms are those that are named', async () => {
    const outcome = await guardOf(bound(), { algorithms: ['EdDSA'] }).authorize(await proving());
    expect(outcome).toMatchObject({ body: { error: 'invalid_dpop_proof' } });
    expect(outcome).toHaveProperty('headers.WWW-Authenticate', expect.stringMatching(/algs="EdDSA"$/));
  });
});
