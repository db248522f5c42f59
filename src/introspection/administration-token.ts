/**
 * What a token means to Mandate's own API. The same rule as every introspection, asked in-process and by plain reading: nothing is
 * remembered, so what was changed a moment ago is known here too.
 */
import type { Authorization } from '../authorizations/authorization.ts';
import type { ClientStore } from '../clients/client-store.ts';
import type { AuthorizationRights } from '../oauth/authorization-rights.ts';
import { seenBy } from '../policy/audience.ts';
import { narrowTo } from '../policy/narrow.ts';
import { everyAudience, type TokenSource } from './token.ts';

export type PresentedToken =
  | {
      readonly kind: 'administers';
      readonly authorization: Authorization;
      /** Undefined for an API key. */
      readonly clientId: string | undefined;
    }
  /** Unknown, expired, revoked, paused, or for another audience: no difference is told. */
  | { readonly kind: 'inactive' }
  /** Bound to a key of its holder's (RFC 9449), which is not proven here. */
  | { readonly kind: 'bound' }
  /** It stands, and does not hold `mandate:admin` now. */
  | { readonly kind: 'insufficient' };

export interface AdministrationTokens {
  judge(token: string): Promise<PresentedToken>;
}

const guarded = { api: false, mcpServers: new Set<string>(), administration: true };

/** @param deps.resource the API's own address: the audience that its tokens have */
export function createAdministrationTokens(deps: {
  resource: string;
  tokens: TokenSource;
  clients: ClientStore;
  rights: AuthorizationRights;
}): AdministrationTokens {
  return {
    async judge(value) {
      const token = await deps.tokens.find(value);
      if (token?.audience !== deps.resource && token?.audience !== everyAudience) return { kind: 'inactive' };
      const { clientId } = token;
      const [client, rights] = await Promise.all([
        clientId === undefined ? { disabled: false } : deps.clients.find(clientId),
        deps.rights.of(token.authorizationId),
      ]);
      if (!client || client.disabled || !rights) return { kind: 'inactive' };
      const { authorization, owner, granted, effective, world } = rights;
      if (granted.standing !== 'active' || owner.live.status !== 'active') return { kind: 'inactive' };
      if (token.jkt !== undefined) return { kind: 'bound' };
      const whole = seenBy(effective, guarded, world.catalogue);
      const seen = whole && token.ceiling ? narrowTo(whole, token.ceiling) : whole;
      return seen ? { kind: 'administers', authorization, clientId } : { kind: 'insufficient' };
    },
  };
}
