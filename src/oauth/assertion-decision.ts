/**
 * Whether an identity assertion (ID-JAG) is one for us, for this client, now. Owns the rule alone: pure, no keys, no database, no clock.
 * @see draft-ietf-oauth-identity-assertion-authz-grant section 4.4.1, RFC 7523 section 3
 */
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { z } from 'zod';
import type { AssertionIssuer } from './assertion-issuer.ts';
import type { AssertionRefusal } from './assertion-refusal.ts';
import { readScope } from './scopes.ts';

/** What is signed with: never a shared secret, never nothing. */
export const assertionAlgorithms = ['ES256', 'ES384', 'ES512', 'RS256', 'PS256', 'EdDSA', 'Ed25519'];
const assertionType = 'oauth-id-jag+jwt';
/** One that is good for longer is a secret, and its jti would have to be remembered as long (RFC 7523 section 3). */
const mostSeconds = 3_600;
/** Between the issuer's clock and ours. */
export const toleranceSeconds = 30;
/** No assertion of a person's access is longer. */
const mostCharacters = 16_384;

const text = z.string().min(1).max(1_024);
const claimsSchema = z.looseObject({
  iss: text,
  sub: text,
  aud: z.union([z.string(), z.tuple([z.string()]).transform(([one]) => one)]),
  client_id: text,
  jti: text,
  exp: z.number(),
  iat: z.number(),
  nbf: z.number().optional(),
  resource: z.union([z.string().transform((one) => [one]), z.array(z.string()).max(20)]).default([]),
  scope: z.string().regex(/\S/).optional(),
  authorization_details: z
    .array(z.looseObject({ type: z.string() }))
    .max(200)
    .default([]),
  email: z.string().max(254).optional(),
  email_verified: z.boolean().optional(),
  cnf: z.looseObject({ jkt: z.string().optional() }).optional(),
});

/** An assertion as it was sent, believed in nothing. */
export interface ReadAssertion {
  readonly algorithm: unknown;
  readonly type: unknown;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** What an assertion says, once it is known to hold. */
export interface Asserted {
  readonly subject: string;
  readonly jti: string;
  /** Integer seconds. */
  readonly expiresAt: number;
  /** Only where the issuer says that it verified it; one that would be folded into another address is none. */
  readonly email: string | undefined;
  /** Resource indicators; none: it leaves the resource open. */
  readonly resources: readonly string[];
  /** Capability names and others; undefined: it names none. */
  readonly scope: readonly string[] | undefined;
  /** RFC 9396 authorization details. */
  readonly details: readonly Readonly<Record<string, unknown>>[];
}

/** Reads an assertion without believing it; undefined when it is no JWT. Pure. */
export function readAssertion(assertion: unknown): ReadAssertion | undefined {
  if (typeof assertion !== 'string' || assertion.length > mostCharacters) return undefined;
  try {
    const { alg: algorithm, typ: type } = decodeProtectedHeader(assertion);
    return { algorithm, type, claims: decodeJwt(assertion) };
  } catch {
    return undefined;
  }
}

/**
 * Finds whose assertion it is, before a key of theirs is asked for.
 * @param clientId of the client that authenticated
 */
export function decideIssuer(
  { algorithm, type, claims }: ReadAssertion,
  issuers: readonly AssertionIssuer[],
  clientId: string,
): { readonly kind: 'issuer'; readonly issuer: AssertionIssuer } | AssertionRefusal {
  const issuer = issuers.find((one) => one.issuer === claims.iss);
  if (!issuer) return { kind: 'issuer_unknown' };
  if (!issuer.clients.includes(clientId)) return { kind: 'client_not_listed', issuer: issuer.issuer };
  const typed = String(type)
    .toLowerCase()
    .replace(/^application\//, '');
  if (typed !== assertionType) return { kind: 'wrong_type', wanted: assertionType };
  if (!assertionAlgorithms.includes(String(algorithm))) return { kind: 'wrong_algorithm' };
  return { kind: 'issuer', issuer };
}

/**
 * Judges what a signed assertion claims.
 * @param here.issuer our own
 * @param here.jkt thumbprint of the key that the request proves (RFC 9449); undefined where it proves none
 * @param here.now integer seconds
 */
export function decideAssertion(
  claims: Readonly<Record<string, unknown>>,
  here: {
    readonly issuer: string;
    readonly clientId: string;
    readonly jkt: string | undefined;
    readonly now: number;
  },
): { readonly kind: 'asserted'; readonly asserted: Asserted } | AssertionRefusal {
  const read = claimsSchema.safeParse(claims);
  if (!read.success) {
    const [issue] = read.error.issues;
    return { kind: 'malformed', claim: String(issue?.path[0] ?? '') };
  }
  const { sub, aud, client_id: clientId, jti, exp, iat, nbf, email, cnf } = read.data;
  const { now } = here;
  // Exactly: one that was made for another server, or for one of our addresses, is not for us.
  if (aud !== here.issuer) return { kind: 'wrong_audience', wanted: here.issuer };
  if (clientId !== here.clientId) return { kind: 'other_client' };
  if (exp + toleranceSeconds <= now) return { kind: 'expired' };
  if (exp > now + mostSeconds + toleranceSeconds) return { kind: 'too_long', most: mostSeconds };
  if (Math.max(iat, nbf ?? iat) > now + toleranceSeconds) return { kind: 'not_yet' };
  if (cnf?.jkt !== undefined && cnf.jkt !== here.jkt) return { kind: 'other_key' };
  return {
    kind: 'asserted',
    asserted: {
      subject: sub,
      jti,
      expiresAt: Math.ceil(exp),
      email: read.data.email_verified === true && isOneAddress(email) ? email : undefined,
      resources: read.data.resource,
      scope: read.data.scope === undefined ? undefined : readScope(read.data.scope),
      details: read.data.authorization_details,
    },
  };
}

/** Tells whether an address is written as addresses are kept: another writing could be somebody else's mailbox over there. */
function isOneAddress(email: string | undefined): boolean {
  return email !== undefined && /^[^\s@\0]+@[^\s@\0]+$/.test(email) && email.normalize('NFKC') === email;
}
