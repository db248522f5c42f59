/** What a sign-in at an upstream provider opens here. Owns the rule alone: pure, no database, no clock. */
import type { UpstreamIdentity, UpstreamProvider } from './upstream-provider.ts';

/** An account here, as far as the rule looks at it. */
export interface KnownAccount {
  readonly id: string;
  readonly kind: 'person' | 'service_account';
  readonly status: 'active' | 'suspended';
}

export type UpstreamDecision =
  | { readonly kind: 'sign_in'; readonly userId: string }
  /** An operator trusts the provider's addresses, and this account has the one that it verified. */
  | { readonly kind: 'link'; readonly userId: string }
  | { readonly kind: 'create'; readonly email: string; readonly name: string }
  /** Nothing here is theirs; says the same whether or not somebody has the address. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'suspended' };

/**
 * Decides. An address alone never opens an account unless the operator trusts the provider with it: whoever can have any address
 * there could otherwise take over any account here.
 *
 * @param linked the account that is linked with the issuer and subject
 * @param sameEmail the account that has the provider's address
 */
export function decideUpstream(
  provider: UpstreamProvider,
  identity: UpstreamIdentity,
  { linked, sameEmail }: { linked: KnownAccount | undefined; sameEmail: KnownAccount | undefined },
): UpstreamDecision {
  if (linked)
    return linked.status === 'active' ? { kind: 'sign_in', userId: linked.id } : { kind: 'suspended' };
  const { email, emailVerified } = identity;
  if (email === undefined || !emailVerified) return { kind: 'unknown' };
  if (sameEmail) {
    if (!provider.trustsEmail || sameEmail.kind !== 'person') return { kind: 'unknown' };
    return sameEmail.status === 'active' ? { kind: 'link', userId: sameEmail.id } : { kind: 'suspended' };
  }
  const domain = email.slice(email.lastIndexOf('@') + 1).toLowerCase();
  if (!provider.newAccountsFrom.includes(domain)) return { kind: 'unknown' };
  return { kind: 'create', email, name: identity.name ?? email };
}
