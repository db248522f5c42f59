/** Who asks the JSON API with a token: the owner of the authorization behind it, through a tool. */
import type Koa from 'koa';
import { clientAddress, type TrustedProxies } from '../../http/client-address.ts';
import type { AdministrationTokens } from '../../introspection/administration-token.ts';
import { type Caller, readCaller } from './caller.ts';
import type { AdminDeps } from './operation.ts';
import { refusal } from './problem.ts';

export interface TokenAccess {
  /**
   * Finds the caller behind the Authorization header.
   * @throws Refusal `token_not_accepted`, `token_bound` or `insufficient_scope`
   * @see RFC 6750 sections 2.1 and 3.1
   */
  callerOf(ctx: Koa.Context): Promise<Caller>;
}

export interface TokenAccessDependencies {
  readonly administrationTokens: AdministrationTokens;
  readonly trustedProxies: TrustedProxies;
  readonly liveAccess: AdminDeps['liveAccess'];
  readonly roles: AdminDeps['roles'];
  /** Told of every token that was accepted. */
  onUse(authorizationId: string, address: string): void;
}

export function createTokenAccess(deps: TokenAccessDependencies): TokenAccess {
  return {
    async callerOf(ctx) {
      const header = ctx.get('Authorization');
      if (/^dpop\s/i.test(header)) throw refusal('token_bound');
      const token = /^bearer +([\w.~+/-]+=*)$/i.exec(header)?.[1];
      const found = token === undefined ? undefined : await deps.administrationTokens.judge(token);
      if (!found || found.kind === 'inactive') throw refusal('token_not_accepted');
      if (found.kind === 'bound') throw refusal('token_bound');
      if (found.kind === 'insufficient') throw refusal('insufficient_scope');
      const { authorization, clientId } = found;
      const address = clientAddress(ctx.req, deps.trustedProxies);
      // Whoever reads the log of changes sees that it was a tool, and which.
      const origin = `${address} (${authorization.id})`;
      const via = { kind: 'token', authorization, clientId } as const;
      const caller = await readCaller(deps, authorization.userId, origin, via);
      if (!caller) throw refusal('token_not_accepted');
      deps.onUse(authorization.id, address);
      return caller;
    },
  };
}
