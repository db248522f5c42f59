/** Whom an identity assertion is about, among the accounts here. Decides who; does not own what is handed over. */
import type { LiveAccess, LiveAccessSource } from '../directory/live-access.ts';
import type { UserStore } from '../directory/user-store.ts';
import type { UpstreamAccountStore } from '../sign-in/upstream-account-store.ts';
import type { Asserted } from './assertion-decision.ts';
import type { AssertionIssuer } from './assertion-issuer.ts';
import type { AssertionRefusal } from './assertion-refusal.ts';

export interface AssertionSubjectDependencies {
  readonly upstreamAccounts: Pick<UpstreamAccountStore, 'find' | 'list'>;
  readonly users: Pick<UserStore, 'findByEmail'>;
  readonly liveAccess: LiveAccessSource;
}

/**
 * Finds the person. An account that is linked with the issuer and the subject goes before everything; an address counts only where the
 * issuer verified it and the operator listed its domain, and never for an account that is linked with somebody else there: addresses
 * are given to others.
 */
export async function findSubject(
  { upstreamAccounts, users, liveAccess }: AssertionSubjectDependencies,
  issuer: AssertionIssuer,
  { subject, email }: Pick<Asserted, 'subject' | 'email'>,
): Promise<{ readonly kind: 'person'; readonly person: LiveAccess } | AssertionRefusal> {
  const linked = await upstreamAccounts.find({ issuer: issuer.issuer, subject });
  const userId = linked?.userId ?? (await byAddress());
  const person = userId === undefined ? undefined : await liveAccess.read(userId);
  if (person?.user.kind !== 'person') return { kind: 'subject_unknown' };
  return person.live.status === 'active' ? { kind: 'person', person } : { kind: 'owner_suspended' };

  async function byAddress(): Promise<string | undefined> {
    const domain = email?.slice(email.lastIndexOf('@') + 1).toLowerCase();
    if (email === undefined || domain === undefined || !issuer.emailDomains.includes(domain))
      return undefined;
    const user = await users.findByEmail(email);
    if (!user) return undefined;
    const others = (await upstreamAccounts.list(user.id)).some((one) => one.issuer === issuer.issuer);
    return others ? undefined : user.id;
  }
}
