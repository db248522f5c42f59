/**
 * The library's view of a user: whether it may be acted for at all, and the identity claims of OpenID Connect.
 */
import type { FindAccount } from 'oidc-provider';
import type { UserStore } from '../directory/user-store.ts';

/** Which claims each identity scope carries (OpenID Connect Core section 5.4). */
export const identityClaims = {
  openid: ['sub'],
  profile: ['name'],
  email: ['email', 'email_verified'],
};

/** Creates the library's `findAccount`: an account that is not active is no account, so nothing new is issued for it. */
export function createFindAccount({ users }: { users: UserStore }): FindAccount {
  return async (_ctx, id) => {
    const user = await users.findById(id);
    if (user?.status !== 'active') return undefined;
    return {
      accountId: id,
      claims: async () => ({ sub: id, name: user.name, email: user.email, email_verified: true }),
    };
  };
}
