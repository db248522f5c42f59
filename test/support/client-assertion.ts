/** What a client signs to show who it is (RFC 7523 section 2.2). */
import { randomUUID } from 'node:crypto';
import { importJWK, type JWK, SignJWT } from 'jose';

export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

export interface AssertionClaims {
  readonly issuer: string;
  readonly audience: string;
  readonly now: number;
  /** Claims that replace or add; undefined leaves one out. */
  readonly claims?: Record<string, unknown>;
}

/** Signs an assertion with a private key; good for a minute unless its claims say otherwise. */
export async function signAssertion(
  key: JWK,
  { issuer, audience, now, claims }: AssertionClaims,
): Promise<string> {
  const all = {
    iss: issuer,
    sub: issuer,
    aud: audience,
    jti: randomUUID(),
    iat: now,
    exp: now + 60,
    ...claims,
  };
  const header = { alg: key.alg ?? 'ES256', ...(key.kid === undefined ? {} : { kid: key.kid }) };
  return new SignJWT(JSON.parse(JSON.stringify(all)) as Record<string, unknown>)
    .setProtectedHeader(header)
    .sign(await importJWK(key, header.alg));
}
