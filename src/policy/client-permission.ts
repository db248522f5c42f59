/** Decides whether a client is one that people may authorize, by what is proven about it: who vouches for it, and where it lives. */

import type { ClientPolicy, HostRule } from './policy.ts';

/** What is proven about a client. */
export interface ClientStanding {
  /** An administrator registered or verified it. */
  readonly verified: boolean;
  /** Its id is the address of its metadata document. */
  readonly hasDocument: boolean;
  /**
   * Host names, lower case, without port: of the metadata document that is its id, else of each of its redirect URIs. Null stands for
   * a redirect to the person's own computer, which no host vouches for.
   */
  readonly hosts: readonly (string | null)[];
}

/** Why a client may not be authorized. */
export type ClientRefusal = 'host_denied' | 'not_verified' | 'host_not_named';

/** Tells whether the policy looks at clients at all. Pure. */
export function restrictsClients({ permitted, hosts }: ClientPolicy): boolean {
  return permitted !== 'any' || [...hosts.values()].includes('deny');
}

/**
 * Decides whether a client may be authorized. Pure and total.
 *
 * A denied host refuses every client that lives there, verified or not. Beyond that a verified client always may, and so may one
 * whose document is at a host that is vouched for; a named host lets in what lives there and nowhere else. So whatever `verified` lets
 * in, `hosts` does, and whatever `hosts` lets in, `any` does.
 *
 * @returns undefined when it may
 */
export function clientRefusal(client: ClientStanding, policy: ClientPolicy): ClientRefusal | undefined {
  const rules = client.hosts.map((host) => (host === null ? undefined : policy.hosts.get(host)));
  if (rules.includes('deny')) return 'host_denied';
  if (policy.permitted === 'any' || isVouchedFor(client, policy)) return undefined;
  if (policy.permitted === 'verified') return 'not_verified';
  const named = (rule: HostRule | undefined) => rule === 'allow' || rule === 'verify';
  return rules.length > 0 && rules.every(named) ? undefined : 'host_not_named';
}

/** Tells whether somebody vouches for a client: an administrator for it, or the policy for its document's host. Pure. */
export function isVouchedFor(
  { verified, hasDocument, hosts }: ClientStanding,
  policy: ClientPolicy,
): boolean {
  const [host] = hosts;
  return verified || (hasDocument && typeof host === 'string' && policy.hosts.get(host) === 'verify');
}
