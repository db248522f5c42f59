/** client_credentials: a service account's own client acts as the account. */
import type Provider from 'oidc-provider';
import { errors, type TokenEndpointGrantContext } from 'oidc-provider';
import * as helpers from 'oidc-provider/lib/helpers/grants.js';
import type { AuthorizationStore } from '../authorizations/authorization-store.ts';
import type { ClientStore } from '../clients/client-store.ts';
import { answerWithToken } from './answer-with-token.ts';
import type { AuthorizationRights } from './authorization-rights.ts';
import type { Resources } from './resources.ts';
import { readScope } from './scopes.ts';
import { tokenView } from './token-view.ts';

export interface ClientCredentialsDependencies {
  readonly clients: ClientStore;
  readonly authorizations: AuthorizationStore;
  readonly rights: AuthorizationRights;
  readonly resources: Resources;
}

/**
 * Issues a token to a service account's own client: everything that the account may do for that audience, or what is asked of
 * it. Refuses every other client, whatever its metadata says (RFC 6749 section 4.4).
 */
export async function clientCredentials(
  ctx: TokenEndpointGrantContext,
  provider: Provider,
  { clients, authorizations, rights, resources }: ClientCredentialsDependencies,
): Promise<void> {
  const client = ctx.oidc.client;
  if (!client) throw new errors.InvalidClient('no client');
  const serviceAccountId = (await clients.find(client.clientId))?.serviceAccountId;
  const authorization = serviceAccountId ? await authorizations.findByClient(client.clientId) : undefined;
  if (!serviceAccountId || authorization?.userId !== serviceAccountId) {
    throw new errors.UnauthorizedClient('client_credentials is for clients of a service account');
  }
  const current = await rights.of(authorization.id);
  if (current?.granted.standing !== 'active' || current.owner.live.status !== 'active') {
    throw new errors.InvalidGrant('the service account or its authorization is not active');
  }

  const dPoP = await helpers.validateDpop(provider, ctx);
  const [server] = await helpers.resolveRequestedResources(provider, ctx);
  if (!server) throw new errors.InvalidTarget('exactly one resource is needed');
  const audience = await resources.resolve(server.identifier());
  const view = audience && tokenView(current, audience);
  const asked = readScope(ctx.oidc.params?.scope);
  const beyond = asked.filter((scope) => !view?.scope.includes(scope));
  if (!view || beyond.length > 0) {
    throw new errors.InvalidScope('the service account does not hold what is asked for', beyond.join(' '));
  }

  const token = new provider.ClientCredentials({
    client,
    scope: (asked.length > 0 ? asked : view.scope).join(' '),
  } as ConstructorParameters<typeof provider.ClientCredentials>[0]);
  token.resourceServer = server;
  if (dPoP) await helpers.checkDpopReplay(provider, ctx, dPoP, client.clientId, errors.InvalidRequest);
  helpers.checkDpopRequired(provider, ctx, dPoP);
  await answerWithToken(provider, ctx, token, {
    proof: dPoP,
    memory: { authorization_id: authorization.id, live: asked.length === 0 },
    authorizationId: authorization.id,
    scope: token.scope ?? '',
    holds: current.effective,
  });
}
