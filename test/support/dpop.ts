/** What a client with a key sends (RFC 9449), right or wrong in any part. */
import { createHash, randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

export interface ProofKey {
  readonly algorithm: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

/** Makes a key of one of the algorithms that are taken. */
export async function proofKey(algorithm = 'ES256'): Promise<ProofKey> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  return { algorithm, privateKey, jwk: await exportJWK(publicKey) };
}

export interface ProofRequest {
  readonly method: string;
  readonly url: string;
  readonly accessToken: string;
  /** Integer seconds since the epoch. */
  readonly now: number;
  /** Claims that replace or add; undefined leaves one out. */
  readonly claims?: Record<string, unknown>;
  /** Header parameters that replace or add; undefined leaves one out. */
  readonly header?: Record<string, unknown>;
}

/** Makes the proof for a request. */
export async function makeProof(key: ProofKey, request: ProofRequest): Promise<string> {
  const ath = createHash('sha256').update(request.accessToken).digest('base64url');
  const all = { jti: randomUUID(), htm: request.method, htu: request.url, iat: request.now, ath };
  const claims = JSON.parse(JSON.stringify({ ...all, ...request.claims })) as Record<string, unknown>;
  const header = { alg: key.algorithm, typ: 'dpop+jwt', jwk: key.jwk, ...request.header };
  return new SignJWT(claims)
    .setProtectedHeader(JSON.parse(JSON.stringify(header)) as { alg: string })
    .sign(key.privateKey);
}
