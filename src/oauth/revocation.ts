/**
 * How far a revocation reaches: the policy that the library asks before it revokes anything by grant.
 *
 * - An access token at /revoke takes only itself with it.
 * - A refresh token at /revoke ends the authorization: the tool disconnects (RFC 7009 section 2.1).
 * - A code, or a refresh token after its window, that comes back at /token is a theft: the tokens die, the authorization and
 *   its picks stay, marked for its owner (RFC 9700 sections 2.1.1 and 4.14.2).
 * - A device code that comes back is an impatient poll.
 */
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { AuthorizationStore } from '../authorizations/authorization-store.ts';
import type { Actor } from '../changes/change-log.ts';
import type { RevocationReach, UnitsOfWork } from './unit-of-work.ts';

const deviceCodeGrant = 'urn:ietf:params:oauth:grant-type:device_code';

/**
 * Judges a revocation. Pure.
 * @param request the route of the library, the grant type at /token, and what kind of token /revoke was given
 */
export function revocationReach(request: {
  route: string;
  grantType?: unknown;
  refreshToken: boolean;
}): RevocationReach {
  if (request.route === 'revocation') return request.refreshToken ? 'authorization' : 'nothing';
  if (request.route === 'token') return request.grantType === deviceCodeGrant ? 'nothing' : 'tokens';
  return 'nothing';
}

/**
 * Lets a client revoke its own tokens. Whoever shows another one's is told so, where the library would answer as if it had revoked it:
 * "the request is refused and the client is informed of the error" (RFC 7009 section 2.1), by the code that has these words.
 * @throws InvalidGrant for a token that was issued to another client (RFC 6749 section 5.2)
 */
export async function mayRevoke(
  _ctx: KoaContextWithOIDC,
  client: { clientId: string },
  token: { clientId?: string | undefined },
): Promise<boolean> {
  if (token.clientId === client.clientId) return true;
  throw new errors.InvalidGrant('the token was issued to another client');
}

/** Creates the library's `revokeGrantPolicy`: sets the reach for the adapter and writes what the authorization must remember. */
export function createRevokeGrantPolicy(deps: {
  units: UnitsOfWork;
  authorizations: AuthorizationStore;
  actorOf: (ctx: KoaContextWithOIDC) => Actor;
}) {
  const { units, authorizations, actorOf } = deps;
  return async (ctx: KoaContextWithOIDC): Promise<boolean> => {
    const { entities, params, route } = ctx.oidc;
    const unit = units.current();
    unit.reach = revocationReach({
      route,
      grantType: params?.grant_type,
      refreshToken: entities.RefreshToken !== undefined,
    });
    const grantId = (entities.RefreshToken ?? entities.AuthorizationCode)?.grantId;
    if (grantId && unit.reach === 'authorization') {
      unit.always(async (trx) => void (await authorizations.revoke(actorOf(ctx), grantId, trx)));
    }
    return false;
  };
}
