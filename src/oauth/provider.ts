/**
 * Builds the engine: oidc-provider with our storage, our grants and our hooks. Owns the wiring of `src/oauth`;
 * what each hook decides is in its own file, and which routes stand beside the engine is `app.ts`'s.
 */
import type { JWK } from 'jose';
import type Koa from 'koa';
import Provider, { type KoaContextWithOIDC } from 'oidc-provider';
import type { Store } from '../../db/open.ts';
import type { AuthorizationStore } from '../authorizations/authorization-store.ts';
import type { Actor, ChangeLog } from '../changes/change-log.ts';
import type { ClientStore } from '../clients/client-store.ts';
import { createKeySetSource } from '../clients/key-set-source.ts';
import { createMetadataDocumentSource } from '../clients/metadata-document-source.ts';
import { createPublicHttps, type PublicHttpsDependencies } from '../clients/metadata-document-transport.ts';
import type { Clock } from '../clock.ts';
import type { UserStore } from '../directory/user-store.ts';
import type { BurstLimits } from '../http/burst-limits.ts';
import { readQueriesOnce } from '../http/query.ts';
import type { RateLimits } from '../http/rate-limit.ts';
import type { Catalogue } from '../policy/vocabulary.ts';
import type { Secrets } from '../secrets.ts';
import { createArtifactAdapter } from './artifact-adapter.ts';
import type { AssertionGrantDependencies } from './assertion-grant.ts';
import type { AuthorizationRights } from './authorization-rights.ts';
import { compareHashedClientSecrets, createClientAdapter, refuseGrantsOfOthers } from './client-adapter.ts';
import { createConfiguration } from './configuration.ts';
import { createCredentialLimit } from './credential-limit.ts';
import { keepUserCodesApart, readUserCodesAsTyped } from './device-user-codes.ts';
import { registerGrants } from './grants.ts';
import { refreshGraceSeconds } from './lifetimes.ts';
import { createMetadataDocuments } from './metadata-documents.ts';
import type { DevicePages, SessionPages } from './pages.ts';
import { createPublicFetch } from './public-fetch.ts';
import { deriveRefreshSuccessors } from './refresh-successor.ts';
import { createRegistrationLimit } from './registration-limit.ts';
import type { Resources } from './resources.ts';
import { answerInTheAddress } from './response-modes.ts';
import { createRevokeGrantPolicy } from './revocation.ts';
import { tidyPostedScope } from './tidy-scope.ts';
import type { TokenExchangeDependencies } from './token-exchange-grant.ts';
import { createTokenHooks } from './token-hooks.ts';
import type { UnitsOfWork } from './unit-of-work.ts';

export interface ProviderDependencies extends AssertionGrantDependencies, TokenExchangeDependencies {
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
  readonly limits: RateLimits;
  readonly bursts: BurstLimits;
  /** Says who makes a request's changes, and from where. */
  readonly actorOf: (ctx: KoaContextWithOIDC) => Actor;
  readonly metadataDocuments?: MetadataDocumentOptions | undefined;
}

/** How clients are known by their metadata document. */
export interface MetadataDocumentOptions {
  /** On unless told otherwise. */
  readonly enabled?: boolean;
  /** How their hosts are reached; the public internet unless told otherwise. */
  readonly internet?: PublicHttpsDependencies;
}

export function createProvider(deps: ProviderDependencies): Provider {
  const { units, authorizations, clients } = deps;
  const actor = (): Actor => {
    const ctx = Provider.ctx;
    return ctx ? deps.actorOf(ctx) : { id: 'system' };
  };
  const artifacts = {
    ...deps,
    refreshGraceOf: async (clientId: string, trx?: Parameters<ClientStore['within']>[0]) => {
      const client = await (trx ? clients.within(trx) : clients).find(clientId);
      return client?.refreshGraceSeconds ?? refreshGraceSeconds;
    },
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
  const addressOf = (ctx: KoaContextWithOIDC) => deps.actorOf(ctx).origin ?? 'unknown';
  const registrationLimit = createRegistrationLimit({ limits: deps.limits, addressOf });
  const credentialLimit = createCredentialLimit(deps);
  const https = createPublicHttps(deps.metadataDocuments?.internet);
  const metadataDocumentsEnabled = deps.metadataDocuments?.enabled ?? true;
  const documents = metadataDocumentsEnabled
    ? createMetadataDocuments({
        issuer: deps.issuer,
        clients,
        source: createMetadataDocumentSource({ https }),
        limits: deps.limits,
        addressOf,
        validate: async (metadata) => validateClient(provider, metadata),
      })
    : undefined;
  const provider: Provider = new Provider(
    deps.issuer,
    createConfiguration({
      ...deps,
      adapter: (model) =>
        model === 'Client'
          ? createClientAdapter({ clients, units, documents, registrationLimit, credentialLimit })
          : createArtifactAdapter(model, artifacts),
      fetch: createPublicFetch(createKeySetSource({ ...deps, https })),
      metadataDocumentsEnabled,
      tokenHooks: createTokenHooks(deps),
      revokeGrantPolicy: createRevokeGrantPolicy({ units, authorizations, actorOf: deps.actorOf }),
    }),
  );
  readQueriesOnce(provider as unknown as Pick<Koa, 'request'>);
  compareHashedClientSecrets(provider, clients);
  refuseGrantsOfOthers(provider);
  tidyPostedScope(provider);
  answerInTheAddress(provider);
  deriveRefreshSuccessors(provider, deps);
  keepUserCodesApart(provider);
  readUserCodesAsTyped(provider);
  registerGrants(provider, deps);
  return provider;
}

/** The library's own judgement of client metadata; its types leave it out. */
async function validateClient(provider: Provider, metadata: Record<string, unknown>): Promise<void> {
  const model = provider.Client as unknown as { validate(metadata: Record<string, unknown>): Promise<void> };
  await model.validate(metadata);
}
