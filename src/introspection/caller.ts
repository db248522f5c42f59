/**
 * Who asks: authenticates a resource server by secret or by signed assertion. Owns the three methods of RFC 7662 section 2.1 that we offer;
 * does not own what a caller may see.
 */
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, errors as joseErrors, jwtVerify } from 'jose';
import type { ResourceServer, ResourceServerStore } from '../clients/resource-server-store.ts';
import { type Clock, dateOf } from '../clock.ts';
import type { Form } from '../http/read-form.ts';
import { callerSigningAlgorithms } from '../oauth/discovery.ts';

export type CallerOutcome =
  | { readonly kind: 'caller'; readonly server: ResourceServer }
  /** More than one method, or half of one. */
  | { readonly kind: 'malformed'; readonly reason: string }
  /** Unknown, disabled, or with the wrong proof: never said which. */
  | { readonly kind: 'unknown' };

export interface CallerAuthentication {
  /**
   * @param authorization the Authorization header
   * @param form the request's body; its parameters are known to be single
   */
  authenticate(authorization: string | undefined, form: Form): Promise<CallerOutcome>;
}

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
/** RFC 7523 leaves it to the server: an assertion lives for minutes, so that its jti need not be remembered for long. */
const mostAssertionSeconds = 300;

export function createCallerAuthentication(deps: {
  issuer: string;
  clock: Clock;
  resourceServers: ResourceServerStore;
  /** Remembers an assertion's jti until it expires, in integer seconds. @returns false when it was there already */
  rememberOnce(key: string, expiresAt: number): Promise<boolean>;
}): CallerAuthentication {
  const { issuer, clock, resourceServers } = deps;

  // Text in PostgreSQL cannot hold the character NUL: no caller is named with it.
  const findServer = async (name: string) => (name.includes('\0') ? undefined : resourceServers.find(name));

  const bySecret = async (name: string, secret: string): Promise<CallerOutcome> => {
    const server = await findServer(name);
    return server && !server.disabled && resourceServers.matchesSecret(server, secret)
      ? { kind: 'caller', server }
      : { kind: 'unknown' };
  };

  const byAssertion = async (assertion: string, clientId: string | undefined): Promise<CallerOutcome> => {
    try {
      const name = decodeJwt(assertion).iss ?? '';
      const server = await findServer(name);
      if (!server || server.disabled || !server.jwks || (clientId !== undefined && clientId !== name)) {
        return { kind: 'unknown' };
      }
      const { payload } = await jwtVerify(assertion, createLocalJWKSet(server.jwks as JSONWebKeySet), {
        algorithms: callerSigningAlgorithms,
        issuer: name,
        subject: name,
        requiredClaims: ['exp', 'jti', 'aud'],
        currentDate: dateOf(clock.now()),
        clockTolerance: 5,
      });
      const { exp = 0, jti, aud } = payload;
      // Exactly the issuer: an assertion made for another server, or for one of our URLs, is not for us.
      if (aud !== issuer || exp > clock.now() + mostAssertionSeconds) return { kind: 'unknown' };
      // It may end between two seconds (RFC 7519 section 2).
      const fresh = await deps.rememberOnce(`assertion:${name}:${jti}`, Math.ceil(exp) + 5);
      return fresh ? { kind: 'caller', server } : { kind: 'unknown' };
    } catch (error) {
      if (error instanceof joseErrors.JOSEError || error instanceof TypeError) return { kind: 'unknown' };
      throw error;
    }
  };

  return {
    async authenticate(authorization, form) {
      const field = (name: string) => form.get(name)?.[0];
      const secret = field('client_secret');
      const assertion = field('client_assertion');
      const methods = [authorization, secret, assertion].filter((one) => one !== undefined).length;
      if (methods > 1) return { kind: 'malformed', reason: 'more than one client authentication method' };
      if (authorization !== undefined) {
        const pair = readBasic(authorization);
        return pair ? bySecret(pair.name, pair.secret) : { kind: 'unknown' };
      }
      if (secret !== undefined) {
        const name = field('client_id');
        return name === undefined
          ? { kind: 'malformed', reason: 'client_secret without client_id' }
          : bySecret(name, secret);
      }
      if (assertion !== undefined) {
        if (field('client_assertion_type') !== assertionType) {
          return { kind: 'malformed', reason: 'unknown client_assertion_type' };
        }
        return byAssertion(assertion, field('client_id'));
      }
      return { kind: 'unknown' };
    },
  };
}

/** Reads an HTTP Basic header whose parts are form-encoded (RFC 6749 section 2.3.1). Pure. */
export function readBasic(header: string): { name: string; secret: string } | undefined {
  const encoded = /^basic +([a-z0-9+/=_-]+) *$/i.exec(header)?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) return undefined;
  try {
    const decode = (part: string) => decodeURIComponent(part.replaceAll('+', '%20'));
    return { name: decode(text.slice(0, colon)), secret: decode(text.slice(colon + 1)) };
  } catch {
    return undefined;
  }
}
