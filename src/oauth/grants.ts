/**
 * The list of what /token takes. The library's own grants pass through here so that the client's spelling of `resource` is matched
 * with the one that it was granted under; each of ours is a file of its own (`client-credentials-grant.ts`). They use the library's
 * unpublished grant helpers; their contract tests are the flow tests of each grant.
 */
import type Provider from 'oidc-provider';
import type { KoaContextWithOIDC, TokenEndpointGrantContext } from 'oidc-provider';
import { handler as authorizationCode } from 'oidc-provider/lib/actions/grants/authorization_code.js';
import { handler as deviceCode } from 'oidc-provider/lib/actions/grants/device_code.js';
import { handler as refreshToken } from 'oidc-provider/lib/actions/grants/refresh_token.js';
import * as helpers from 'oidc-provider/lib/helpers/grants.js';
import { spelledOut } from '../clients/resource-spelling.ts';
import { type AssertionGrantDependencies, createAssertionGrant } from './assertion-grant.ts';
import { assertionGrantType } from './assertion-issuer.ts';
import { type ClientCredentialsDependencies, clientCredentials } from './client-credentials-grant.ts';
import { exchangeGrantType, exchangeParameters, repeatableExchangeParameters } from './exchange-request.ts';
import { parametersOf, readScope } from './scopes.ts';
import { createTokenExchange, type TokenExchangeDependencies } from './token-exchange-grant.ts';

type Handler = (provider: Provider, bound: object, ctx: KoaContextWithOIDC) => Promise<void>;
type TokenSource = { resource?: string | string[] | undefined; scope?: string | undefined } | undefined;

const sharedParameters = ['resource', 'authorization_details'];
const repeatable = new Set(['resource']);

export function registerGrants(
  provider: Provider,
  deps: ClientCredentialsDependencies & AssertionGrantDependencies & TokenExchangeDependencies,
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
  const assertion = createAssertionGrant(provider, deps);
  provider.registerGrantType(
    assertionGrantType,
    (ctx) => assertion(ctx as TokenEndpointGrantContext),
    ['assertion', 'scope', 'resource'],
    repeatable,
  );
  const exchange = createTokenExchange(provider, deps);
  provider.registerGrantType(
    exchangeGrantType,
    (ctx) => exchange(ctx as TokenEndpointGrantContext),
    exchangeParameters,
    repeatableExchangeParameters,
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
