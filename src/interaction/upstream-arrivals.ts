/**
 * Whoever comes back from an upstream provider with a proof becomes somebody here. Owns the writes that the rule asks for: a link,
 * or an account with its role; does not own the rule (`sign-in/upstream-decision.ts`), nor the sign-in.
 */
import type { Transaction } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { Database } from '../../db/schema.ts';
import type { RoleStore } from '../directory/role-store.ts';
import type { User, UserStore } from '../directory/user-store.ts';
import type { UpstreamAccountStore } from '../sign-in/upstream-account-store.ts';
import { decideUpstream } from '../sign-in/upstream-decision.ts';
import type { UpstreamIdentity, UpstreamProvider } from '../sign-in/upstream-provider.ts';

export type Arrival =
  | { readonly kind: 'somebody'; readonly user: User }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'suspended' };

export interface UpstreamArrivals {
  /** @param origin the address that they come from */
  receive(provider: UpstreamProvider, identity: UpstreamIdentity, origin: string): Promise<Arrival>;
}

/** The role of an account that was made because of its address. */
const firstRole = 'member';

/** Another request was first: what it wrote decides. */
class OvertakenError extends Error {
  override readonly name = 'OvertakenError';
}

export function createUpstreamArrivals(deps: {
  store: Store;
  users: UserStore;
  roles: RoleStore;
  upstreamAccounts: UpstreamAccountStore;
}): UpstreamArrivals {
  const { store, users, roles, upstreamAccounts } = deps;

  async function attempt(
    provider: UpstreamProvider,
    identity: UpstreamIdentity,
    origin: string,
  ): Promise<Arrival> {
    const link = await upstreamAccounts.find(identity);
    const linked = link && (await users.findById(link.userId));
    const sameEmail =
      linked || identity.email === undefined ? undefined : await users.findByEmail(identity.email);
    const decision = decideUpstream(provider, identity, { linked, sameEmail });
    switch (decision.kind) {
      case 'unknown':
      case 'suspended':
        return decision;
      case 'sign_in':
        if (link) await upstreamAccounts.used(link.id);
        return somebody(decision.userId);
      case 'link':
        await store.transact((trx) => linkOrYield(trx, decision.userId));
        return somebody(decision.userId);
      case 'create': {
        const { email, name } = decision;
        const role = await roles.findBySlug(firstRole);
        return somebody(await store.transact((trx) => create(trx, { email, name }, role?.id)));
      }
    }

    async function create(
      trx: Transaction<Database>,
      account: { email: string; name: string },
      roleId: string | undefined,
    ): Promise<string> {
      const actor = { id: `upstream:${provider.name}`, origin };
      const made = await users.within(trx).create(actor, { kind: 'person', ...account });
      if (made.outcome === 'email_taken') throw new OvertakenError();
      const { id } = made.user;
      if (roleId !== undefined)
        await users.within(trx).assign(actor, { userId: id, roleId, projectId: null });
      await linkOrYield(trx, id);
      return id;
    }

    async function linkOrYield(trx: Transaction<Database>, userId: string): Promise<void> {
      const { outcome } = await upstreamAccounts.link(trx, { id: userId, origin }, userId, identity);
      if (outcome !== 'linked') throw new OvertakenError();
    }
  }

  async function somebody(userId: string): Promise<Arrival> {
    const user = await users.findById(userId);
    return user ? { kind: 'somebody', user } : { kind: 'unknown' };
  }

  return {
    async receive(provider, identity, origin) {
      try {
        return await attempt(provider, identity, origin);
      } catch (error) {
        if (!(error instanceof OvertakenError)) throw error;
        return await attempt(provider, identity, origin).catch((again: unknown): Arrival => {
          if (again instanceof OvertakenError) return { kind: 'unknown' };
          throw again;
        });
      }
    },
  };
}
