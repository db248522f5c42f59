/**
 * Writes down what a person chose: our authorization and the library's grant that points at it, in the request's own transaction.
 * The grant carries the ceiling, every capability on the resource asked for, as it was spelled; the authorization says what holds.
 */
import type Provider from 'oidc-provider';
import type { Authorization } from '../authorizations/authorization.ts';
import type { AuthorizationStore } from '../authorizations/authorization-store.ts';
import type { Choice } from '../authorizations/choice-columns.ts';
import type { Actor } from '../changes/change-log.ts';
import type { ClientStore } from '../clients/client-store.ts';
import { newId } from '../ids.ts';
import { authorizationReference } from '../oauth/authorization-details.ts';
import { readScope } from '../oauth/scopes.ts';
import { AlreadyUsedError, type UnitsOfWork } from '../oauth/unit-of-work.ts';
import type { ApprovalRequest, ApprovalStore } from '../policies/approval-store.ts';
import type { Catalogue } from '../policy/vocabulary.ts';

export interface Consent {
  readonly userId: string;
  readonly clientId: string;
  /** Audience in its registered form; null for a request that only signs in. */
  readonly resource: string | null;
  /** Keyed hash that tells this install of the client from another one. */
  readonly install: string;
  /** What this install holds already, if anything: it is replaced, never added to. */
  readonly existing: Authorization | undefined;
  readonly choice: Choice;
  /** What of it needs an administrator's approval. */
  readonly request: ApprovalRequest;
  /** The library's parameters of the request: scope and resource as they will be issued under. */
  readonly scope: unknown;
  readonly indicators: readonly string[];
}

export function createConsentWriter(deps: {
  provider: Provider;
  authorizations: AuthorizationStore;
  clients: Pick<ClientStore, 'within'>;
  approvals: Pick<ApprovalStore, 'follow'>;
  units: UnitsOfWork;
  catalogue: Catalogue;
}) {
  const { provider, authorizations, clients, approvals, units, catalogue } = deps;
  const everything = [...catalogue.keys()].join(' ');
  return {
    /** @returns the id of the authorization, which is the id of the grant */
    async write(actor: Actor, consent: Consent): Promise<string> {
      const { existing, choice } = consent;
      const id = existing?.id ?? newId('az');
      units.current().onSuccess(async (trx) => {
        if (existing) {
          const outcome = await authorizations.replaceChoice(trx, actor, id, choice);
          if (outcome.outcome === 'gone') {
            throw new AlreadyUsedError('the authorization was revoked while its owner chose again');
          }
          return approvals.follow(trx, actor, id, consent.request);
        }
        const { userId, clientId, resource, install } = consent;
        // It may have gone unused for long, and be cleared away at this moment.
        if (!(await clients.within(trx).keepInUse(clientId))) {
          throw new AlreadyUsedError(`the client ${clientId} was removed while somebody authorized it`);
        }
        await authorizations.insert(trx, actor, {
          id,
          kind: 'oauth2',
          userId,
          clientId,
          resource,
          install,
          ...choice,
        });
        await approvals.follow(trx, actor, id, consent.request);
      });
      const grant = new provider.Grant({ accountId: consent.userId, clientId: consent.clientId });
      grant.jti = id;
      const identity = readScope(consent.scope).filter((name) => !catalogue.has(name));
      if (identity.length > 0) grant.addOIDCScope(identity.join(' '));
      for (const indicator of consent.indicators) grant.addResourceScope(indicator, everything);
      grant.addRar(authorizationReference(id));
      await grant.save();
      return id;
    },
  };
}

export type ConsentWriter = ReturnType<typeof createConsentWriter>;
