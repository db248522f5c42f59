/**
 * How often credentials that do not hold may be shown for one client from one address. Hosted assistants share addresses: whoever of them
 * keeps to a dead token is stopped, and the others go on. What an address may get wrong in all is `http/request-limits.ts`'s.
 */
import Provider from 'oidc-provider';
import type { BurstLimits } from '../http/burst-limits.ts';
import { refusedCredentials, refusedCredentialsKey } from '../http/request-limits.ts';
import { tooMany } from './registration-limit.ts';

export interface CredentialLimit {
  /** Notes whose credentials a token request shows. @throws OIDCProviderError with 429 when too many of them did not hold */
  guard(clientId: string): void;
}

export function createCredentialLimit({ bursts }: { bursts: BurstLimits }): CredentialLimit {
  return {
    guard(clientId) {
      const ctx = Provider.ctx;
      if (ctx?.oidc.route !== 'token') return;
      const known = bursts.known(refusedCredentials, refusedCredentialsKey(ctx, clientId));
      if (known.kind === 'limited') throw tooMany(ctx, known.retryAfterSeconds, 'credentials did not hold');
    },
  };
}
