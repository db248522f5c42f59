/**
 * What happens at /token beyond the library: the client's spelling of `resource` is matched with the one that it was granted
 * under, and client_credentials acts as a service account. The only file that uses the library's unpublished grant helpers;
 * its contract tests are the flow tests of each grant.
 */
import type Provider from 'oidc-provider';
import { errors, type KoaContextWithOIDC, type TokenEndpointGrantContext } from 'oidc-provider';
import { handler as authorizationCode } from 'oidc-provider/lib/actions/grants/authorization_code.js';
import { handler as deviceCode } from 'oidc-provider/lib/actions/grants/device_code.js';
import { handler as refreshToken } from 'oidc-provider/lib/actions/grants/refresh_token.js';
import * as helpers from 'oidc-provider/lib/helpers/grants.js';
import type { AuthorizationStore } from '../authorizations/authorization-store.ts';
import type { ClientStore } from '../clients/client-store.ts';
import { authorizationDetails, authorizationReference } from './authorization-details.ts';
import type { AuthorizationRights } from './authorization-rights.ts';
import { type Resources, spelledOut } from './resources.ts';
import { parametersOf, readScope } from './scopes.ts';
import { tokenMemory } from './token-hooks.ts';
import { tokenView } from './token-view.ts';

type Handler = (provider: Provider, bound: object, ctx: KoaContextWithOIDC) => Promise<void>;
type TokenSource = { resource?: string | string[] | undefined; scope?: string | undefined } | undefined;

const sharedParameters = ['resource', 'authorization_details'];
const repeatable = new Set(['resource']);

export function registerGrants(
  provider: Provider,
  deps: {
    clients: ClientStore;
    authorizations: AuthorizationStore;
    rights: AuthorizationRights;
    resources: Resources;
  },
): void {
  const bound = Object.fromEntries(
    Object.entries(helpers).map(([name, helper]) => [
      name,
      (helper as (...args: unknown[]) => unknown).bind(undefined, provider),
    ]),
  );
  const wrap = (
    name: string,
    parameters: string[],
    handler: Handler,
    findSource: (params: Record<string, unknown>) => Promise<TokenSource>,
  ) =>
    provider.registerGrantType(
      name,
      async (ctx) => {
        const params = parametersOf(ctx);
        if (params.resource !== undefined || params.scope !== undefined) {
          const source = await findSource(params);
          if (params.resource !== undefined)
            params.resource = await spelledAsGranted(params.resource, source);
          params.scope = asHeld(params.scope, source?.scope);
        }
        await handler(provider, bound, ctx);
      },
      [...parameters, ...sharedParameters],
      repeatable,
    );

  const spelledAsGranted = async (asked: unknown, source: TokenSource) => {
    const granted = source?.resource;
    const audiences = new Map<unknown, string | undefined>();
    for (const spelling of [asked, granted ?? []].flat()) {
      audiences.set(spelling, (await deps.resources.resolve(String(spelling)))?.uri);
    }
    return asGranted(asked, granted, (spelling) => audiences.get(spelling));
  };

  wrap('authorization_code', ['code', 'code_verifier', 'redirect_uri'], authorizationCode, (params) =>
    provider.AuthorizationCode.find(String(params.code), { ignoreExpiration: true }),
  );
  wrap('refresh_token', ['refresh_token', 'scope'], refreshToken, (params) =>
    provider.RefreshToken.find(String(params.refresh_token), { ignoreExpiration: true }),
  );
  wrap('urn:ietf:params:oauth:grant-type:device_code', ['device_code'], deviceCode, (params) =>
    provider.DeviceCode.find(String(params.device_code), { ignoreExpiration: true }),
  );
  provider.registerGrantType(
    'client_credentials',
    (ctx) => clientCredentials(ctx as TokenEndpointGrantContext, provider, deps),
    ['scope', ...sharedParameters],
    repeatable,
  );
}

/**
 * Puts the spelling that was granted in the place of another spelling of the same resource (RFC 8707 section 2.2). Pure.
 * @param meaning what a spelling stands for; undefined when for nothing
 */
export function asGranted(
  asked: unknown,
  granted: string | string[] | undefined,
  meaning: (spelling: string) => string | undefined = spelledOut,
): unknown {
  const spellings = [granted ?? []].flat();
  const match = (one: unknown) =>
    typeof one === 'string' && meaning(one) !== undefined
      ? (spellings.find((spelling) => meaning(spelling) === meaning(one)) ?? one)
      : one;
  return Array.isArray(asked) ? asked.map(match) : match(asked);
}

/**
 * Drops from a refresh's `scope` what the refresh token never held, as /authorize drops it: clients repeat what they first asked
 * for. A request that names nothing held stays as it is, to be refused (RFC 6749 section 6). Pure.
 */
function asHeld(asked: unknown, held: string | undefined): unknown {
  const known = readScope(held);
  const kept = readScope(asked).filter((name) => known.includes(name));
  return kept.length > 0 ? kept.join(' ') : asked;
}

/**
 * Issues a token to a service account's own client: everything that the account may do for that audience, or what is asked of
 * it. Refuses every other client, whatever its metadata says (RFC 6749 section 4.4).
 */
async function clientCredentials(
  ctx: TokenEndpointGrantContext,
  provider: Provider,
  { clients, authorizations, rights, resources }: Parameters<typeof registerGrants>[1],
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
  const servers = await helpers.resolveRequestedResources(provider, ctx);
  const [server] = servers;
  if (!server || servers.length !== 1) throw new errors.InvalidTarget('exactly one resource is needed');
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
  const cert = helpers.checkMtlsCert(provider, ctx);
  if (cert) token.setThumbprint('x5t', cert);
  if (dPoP) {
    await helpers.checkDpopReplay(provider, ctx, dPoP, client.clientId, errors.InvalidRequest);
    token.setThumbprint('jkt', dPoP.thumbprint);
  }
  helpers.checkDpopRequired(provider, ctx, dPoP);
  Object.assign(ctx, { [tokenMemory]: { authorization_id: authorization.id, live: asked.length === 0 } });
  ctx.oidc.entity('ClientCredentials', token);
  const value = await token.save();
  ctx.body = {
    access_token: value,
    expires_in: token.expiration,
    token_type: token.tokenType,
    scope: token.scope,
    authorization_details: [
      authorizationReference(authorization.id),
      ...authorizationDetails(current.effective),
    ],
  };
}
