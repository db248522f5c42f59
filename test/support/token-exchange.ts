/** Token exchange as tests play it: a gateway that an administrator allowed, and what the editor handed to `acme-web`. */
import { issueToken } from './issue-token.ts';
import { demo, type TestMandate } from './mandate.ts';
import { askToken, introspect } from './oauth.ts';

export const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';
/** Acts for atlas-flows. */
export const gateway = { id: 'atlas-gateway', secret: 'g'.repeat(43) } as const;

const actor = { id: 'command' };

/** Registers the gateway, which nobody has allowed anything yet. */
export async function prepareExchange(mandate: TestMandate) {
  const { issuer, stores, store, clock } = mandate;
  const owner = (await stores.users.findByEmail('editor@acme.test'))?.id ?? '';
  const project = (await stores.projects.findBySlug('atlas'))?.id ?? '';
  const borealis = (await stores.projects.findBySlug('borealis'))?.id ?? '';
  const role = (await stores.roles.findBySlug('editor'))?.id ?? '';
  const server = (await stores.mcpServers.findByName('atlas-flows'))?.id ?? '';
  const metadata = {
    client_name: 'Atlas gateway',
    redirect_uris: [],
    response_types: [],
    grant_types: [],
    token_endpoint_auth_method: 'client_secret_basic',
  };
  await stores.clients.saveRegistered(actor, { ...gateway, metadata });
  const slice = {
    capabilities: ['mcp', 'api', 'flows:edit'],
    projects: [
      { id: project, roles: [role] },
      { id: borealis, roles: [role] },
    ],
    mcpServers: [server],
  };
  return {
    owner,
    project,
    role,
    server,
    /** What the editor hands over. */
    slice,
    /** Lets a client exchange; the gateway its own tokens and those for atlas-flows, unless told otherwise. */
    allow: (
      tokenExchange: { own: boolean; from: string[]; to: string[] } | null = {
        own: true,
        from: [demo.atlasFlows],
        to: [demo.api, demo.atlasFlows],
      },
      id: string = gateway.id,
    ) => stores.clients.configure(actor, id, { tokenExchange }),
    authorize: (over: { clientId?: string; expiresAt?: number } = {}) =>
      store.transact((trx) =>
        stores.authorizations.insert(trx, actor, {
          kind: 'oauth2',
          userId: owner,
          clientId: over.clientId ?? demo.web.id,
          ...slice,
          asked: [],
          expiresAt: over.expiresAt ?? null,
        }),
      ),
    /** A token in the field, for atlas-flows unless told otherwise. */
    tokenOf: (
      { id, clientId }: { id: string; clientId: string | null },
      over: { audience?: string; ceiling?: string[]; lifetimeSeconds?: number } = {},
    ) =>
      issueToken(store, {
        authorizationId: id,
        clientId: clientId ?? '',
        audience: demo.atlasFlows,
        issuedAt: clock.now(),
        ...over,
      }),
    /** Exchanges a token for one for the API. */
    exchange: (
      token: string | undefined,
      fields: Record<string, string> = {},
      as: { id: string; secret: string } = gateway,
      headers?: Record<string, string>,
    ) =>
      askToken(
        issuer,
        {
          grant_type: exchangeGrant,
          subject_token: token ?? '',
          subject_token_type: accessTokenType,
          resource: demo.api,
          ...fields,
        },
        as,
        headers,
      ),
    atApi: (token: unknown) => introspect(issuer, String(token)),
    childOf: async (id: string) => (await stores.handedOn.under(id, 10))[0],
  };
}

export type Exchange = Awaited<ReturnType<typeof prepareExchange>>;
