/**
 * What the organization lets its people hand over: how long, to which clients, and what an administrator has to agree to first.
 * Types and the policy that bounds nothing; what follows from them is in `limits.ts` and `client-permission.ts`.
 */

export type AuthorizationKind = 'oauth2' | 'api_key';

export interface Policy {
  /** Longest lifetime in seconds, by kind; null: not bounded. */
  readonly longest: Readonly<Record<AuthorizationKind, number | null>>;
  /** By capability name; one that is absent is not bounded. */
  readonly capabilities: ReadonlyMap<string, CapabilityPolicy>;
  readonly clients: ClientPolicy;
}

export interface CapabilityPolicy {
  /** Longest lifetime in seconds; null: that of the authorization. */
  readonly longest: number | null;
  /** It holds only once an administrator has agreed. */
  readonly approval: boolean;
}

/** `verify`: its documents are believed. `allow`: it is one of the named hosts. `deny`: nothing of it, whatever else is said. */
export type HostRule = 'verify' | 'allow' | 'deny';

export interface ClientPolicy {
  /** `verified` lets the fewest in, `hosts` those and what lives at a named host, `any` everything that is not denied. */
  readonly permitted: 'any' | 'hosts' | 'verified';
  /** Host name without port, lower case → what is said of it. */
  readonly hosts: ReadonlyMap<string, HostRule>;
}

/** The policy of an organization that has set none. */
export const openPolicy: Policy = {
  longest: { oauth2: null, api_key: null },
  capabilities: new Map(),
  clients: { permitted: 'any', hosts: new Map() },
};

/**
 * Tells whether a chosen lifetime is one that the policy allows. Pure.
 * @param lifetime seconds; null: until revoked
 */
export function allowsLifetime(kind: AuthorizationKind, lifetime: number | null, policy: Policy): boolean {
  const longest = policy.longest[kind];
  return longest === null || (lifetime !== null && lifetime <= longest);
}
