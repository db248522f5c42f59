/**
 * The library's view of a user: whether it may be acted for at all, and the identity claims of OpenID Connect.
 */
import type { FindAccount } from 'oidc-provider';
import type { UserStore } from '../directory/user-store.ts';
import type { AuthorizationRights } from './authorization-rights.ts';

/** Which claims each identity scope carries (OpenID Connect Core section 5.4). */
export const identityClaims = {
  openid: ['sub'],
  profile: ['name'],
  email: ['email', 'email_verified'],
};

/**
 * Creates the library's `findAccount`: an account that is not active is no account, so nothing new is issued for it. Nor is anything
 * told of it to the token of an authorization that does not stand now.
 */
export function createFindAccount({
  users,
  rights,
}: {
  users: UserStore;
  rights: AuthorizationRights;
}): FindAccount {
  return async (ctx, id, token) => {
    const user = await users.findById(id);
    if (user?.status !== 'active') return undefined;
    if (ctx.oidc.route === 'userinfo') {
      const found = token?.grantId === undefined ? undefined : await rights.of(token.grantId);
      if (found?.granted.standing !== 'active' || found.limits.everything !== undefined) return undefined;
    }
    return {
      accountId: id,
      claims: async () => ({ sub: id, name: user.name, email: user.email, email_verified: true }),
    };
  };
}
