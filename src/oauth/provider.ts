/**
 * Builds the engine: oidc-provider with our storage, our grants and our hooks. Owns the wiring of `src/oauth`;
 * what each hook decides is in its own file, and which routes stand beside the engine is `app.ts`'s.
 */
import type { JWK } from 'jose';
import Provider, { type KoaContextWithOIDC } from 'oidc-provider';
import type { Store } from '../../db/open.ts';
import type { AuthorizationStore } from '../authorizations/authorization-store.ts';
import type { Actor, ChangeLog } from '../changes/change-log.ts';
import type { ClientStore } from '../clients/client-store.ts';
import type { Clock } from '../clock.ts';
import type { UserStore } from '../directory/user-store.ts';
import type { Catalogue } from '../policy/vocabulary.ts';
import type { Secrets } from '../secrets.ts';
import { createArtifactAdapter } from './artifact-adapter.ts';
import type { AuthorizationRights } from './authorization-rights.ts';
import { compareHashedClientSecrets, createClientAdapter } from './client-adapter.ts';
import { createConfiguration } from './configuration.ts';
import { registerGrants } from './grants.ts';
import { refreshGraceSeconds } from './lifetimes.ts';
import type { DevicePages, SessionPages } from './pages.ts';
import { deriveRefreshSuccessors } from './refresh-successor.ts';
import type { Resources } from './resources.ts';
import { createRevokeGrantPolicy } from './revocation.ts';
import { createTokenHooks } from './token-hooks.ts';
import type { UnitsOfWork } from './unit-of-work.ts';

export interface ProviderDependencies {
  readonly issuer: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly secrets: Secrets;
  readonly catalogue: Catalogue;
  readonly signingKeys: JWK[];
  readonly users: UserStore;
  readonly clients: ClientStore;
  readonly authorizations: AuthorizationStore;
  readonly changes: ChangeLog;
  readonly rights: AuthorizationRights;
  readonly resources: Resources;
  readonly units: UnitsOfWork;
  readonly pages: DevicePages & SessionPages;
  /** Says who makes a request's changes, and from where. */
  readonly actorOf: (ctx: KoaContextWithOIDC) => Actor;
}

export function createProvider(deps: ProviderDependencies): Provider {
  const { units, authorizations, clients } = deps;
  const actor = (): Actor => {
    const ctx = Provider.ctx;
    return ctx ? deps.actorOf(ctx) : { id: 'system' };
  };
  const artifacts = {
    ...deps,
    refreshGraceSeconds,
    onReplay: (grantId: string) => {
      const who = actor();
      return async (trx: Parameters<AuthorizationStore['markReplayed']>[0]) =>
        authorizations.markReplayed(trx, who, grantId, who.origin ?? null);
    },
    onTokenRevoked: () => {
      const who = actor();
      return async (trx: Parameters<ChangeLog['record']>[0], id: string) =>
        void (await deps.changes.record(trx, who, {
          subject: 'authorization',
          id,
          action: 'tokens_revoked',
        }));
    },
  };
  const provider = new Provider(
    deps.issuer,
    createConfiguration({
      ...deps,
      adapter: (model) =>
        model === 'Client'
          ? createClientAdapter({ clients, units })
          : createArtifactAdapter(model, artifacts),
      tokenHooks: createTokenHooks(deps),
      revokeGrantPolicy: createRevokeGrantPolicy({ units, authorizations, actorOf: deps.actorOf }),
    }),
  );
  compareHashedClientSecrets(provider, clients);
  deriveRefreshSuccessors(provider, deps.secrets);
  registerGrants(provider, deps);
  return provider;
}
