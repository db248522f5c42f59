/**
 * A registered client reads, replaces and deletes its own registration (RFC 7592), with the token that it was given for it. Owns
 * the client configuration endpoint; what may be registered is `registration.ts`'s.
 *
 * Only a client with credentials of its own has such a token. The id of a public client is the hash of what it registered, so every
 * install of a tool is the same row: whoever held a token for it "could read, modify or delete" what belongs to all of them (RFC 7592
 * section 5). A server need not offer management to every client (section 1), and here it does not to these: they register anew, and what
 * nobody uses is cleared away.
 */
import Router from '@koa/router';
import type Koa from 'koa';
import type Provider from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { Store } from '../../db/open.ts';
import type { AuthorizationStore } from '../authorizations/authorization-store.ts';
import type { Actor } from '../changes/change-log.ts';
import type { ClientStore, StoredClient } from '../clients/client-store.ts';
import { addressBlock, clientAddress, type TrustedProxies } from '../http/client-address.ts';
import type { Limit, RateLimits } from '../http/rate-limit.ts';
import { readJsonBody } from '../http/read-json-body.ts';
import { deleteClient, emptyClient } from './delete-client.ts';
import { cleanRegistration, newClientSecret } from './registration.ts';
import type { UnitsOfWork } from './unit-of-work.ts';

export interface RegistrationManagementDependencies {
  readonly issuer: string;
  readonly store: Store;
  readonly provider: Provider;
  readonly units: UnitsOfWork;
  readonly clients: ClientStore;
  readonly authorizations: AuthorizationStore;
  readonly limits: RateLimits;
  readonly trustedProxies: TrustedProxies;
}

type Metadata = Record<string, unknown>;
type AccessToken = InstanceType<Provider['RegistrationAccessToken']>;

/** One request of a client that has shown whose it is. */
interface Managing {
  readonly ctx: Koa.Context;
  readonly client: StoredClient;
  readonly token: AccessToken;
  readonly actor: Actor;
}

const mostBytes = 64 * 1_024;
/** Of one address, as many as may come from there anew: each stays in the log of changes for good. */
const changes: Limit = { name: 'registration-changes', points: 300, windowSeconds: 3_600 };
/** What only the server says (RFC 7592 section 2.2). */
const serversOwn = [
  'registration_access_token',
  'registration_client_uri',
  'client_secret_expires_at',
  'client_id_issued_at',
];

/** Creates the routes of the client configuration endpoint. */
export function createRegistrationManagement(deps: RegistrationManagementDependencies): Router {
  const { issuer, provider, units, clients, limits } = deps;
  const router = new Router();
  router.get('/register/:id', (ctx) => managing(ctx, read));
  router.put('/register/:id', (ctx) => managing(ctx, replace));
  router.delete('/register/:id', (ctx) => managing(ctx, remove));
  return router;

  /** Lets a request through whose token belongs to the client that it names; every other one learns nothing (RFC 7592 section 2). */
  async function managing(ctx: Koa.Context, next: (request: Managing) => Promise<void>): Promise<void> {
    ctx.set('Cache-Control', 'no-store');
    ctx.set('Pragma', 'no-cache');
    const presented = /^Bearer +([\w.~+/-]+=*)$/i.exec(ctx.get('Authorization'))?.[1];
    const token = presented && (await provider.RegistrationAccessToken.find(presented));
    const id = (ctx.params as { id: string }).id;
    const client = token && token.clientId === id ? await clients.find(id) : undefined;
    if (!token || !client) {
      const problem = presented === undefined ? '' : ', error="invalid_token"';
      ctx.set('WWW-Authenticate', `Bearer realm="${issuer}"${problem}`);
      return refuse(ctx, 401, 'invalid_token', 'the registration access token is not valid for this client');
    }
    if (client.disabled) return refuse(ctx, 403, 'access_denied', 'the client was disabled');
    const actor = { id: `client:${id}`, origin: clientAddress(ctx.req, deps.trustedProxies) };
    await next({ ctx, client, token, actor });
  }

  async function read({ ctx, client, token }: Managing): Promise<void> {
    ctx.body = { ...described(client.id, client.metadata), registration_access_token: token.jti };
  }

  /** Replaces the registration and the token: what was shown once more is worth nothing from here on (RFC 7592 section 5). */
  async function replace({ ctx, client, token, actor }: Managing): Promise<void> {
    const body = await readJsonBody(ctx.req, mostBytes);
    if (body.kind !== 'json' || !isObject(body.value)) {
      return refuse(ctx, 400, 'invalid_client_metadata', 'the body must be a JSON object');
    }
    const problem = requestProblem(body.value, client);
    if (problem) return refuse(ctx, 400, 'invalid_request', problem);
    const cleaned = cleanRegistration(body.value);
    if (cleaned.kind === 'refused') return refuse(ctx, 400, cleaned.error, cleaned.reason);
    const method = cleaned.metadata.token_endpoint_auth_method;
    if (method === 'none') {
      const reason = 'a client with credentials does not become a public one: register that one anew';
      return refuse(ctx, 400, 'invalid_client_metadata', reason);
    }
    const secret =
      method === 'private_key_jwt' ? null : client.secretHash === null ? newClientSecret() : undefined;
    let metadata: Metadata;
    try {
      metadata = completed(client, cleaned.metadata, secret !== null);
    } catch (error) {
      if (!(error instanceof errors.OIDCProviderError)) throw error;
      return refuse(ctx, 400, error.error, error.error_description ?? error.message);
    }
    const taken = await limits.take(changes, addressBlock(clientAddress(ctx.req, deps.trustedProxies)));
    if (taken.kind === 'limited') {
      ctx.set('Retry-After', String(taken.retryAfterSeconds));
      return refuse(ctx, 429, 'temporarily_unavailable', 'too many registrations are being changed');
    }
    units.current().onSuccess(async (trx) => {
      const content = { id: client.id, metadata, ...(secret === undefined ? {} : { secret }) };
      await clients.within(trx).saveDynamic(actor, content);
    });
    await token.destroy();
    const model = provider.RegistrationAccessToken as unknown as new (of: {
      clientId: string;
    }) => AccessToken;
    const next = new model({ clientId: client.id });
    ctx.body = {
      ...described(client.id, metadata),
      ...(secret ? { client_secret: secret, client_secret_expires_at: 0 } : {}),
      registration_access_token: await next.save(),
    };
  }

  /** Deletes the client with everything that it was given (RFC 7592 section 2.3). */
  async function remove({ ctx, client, actor }: Managing): Promise<void> {
    await emptyClient(deps, actor, client.id);
    units.current().onSuccess(async (trx) => void (await deleteClient(deps, trx, actor, client.id)));
    ctx.status = 204;
  }

  function requestProblem(body: Metadata, client: StoredClient): string | undefined {
    const forbidden = serversOwn.find((name) => body[name] !== undefined);
    if (forbidden) return `${forbidden} is not the client's to say`;
    if (body.client_id !== client.id) return 'client_id must be the one that is being managed';
    const secret = body.client_secret;
    if (secret === undefined || (typeof secret === 'string' && clients.matchesSecret(client, secret)))
      return undefined;
    return 'client_secret is not the current one';
  }

  /** What the library makes of the new metadata, with its defaults. @throws errors.OIDCProviderError when it refuses */
  function completed(client: StoredClient, metadata: Metadata, keepsSecret: boolean): Metadata {
    const model = provider.Client as unknown as new (metadata: Metadata) => { metadata(): Metadata };
    const made = new model({
      ...metadata,
      client_id: client.id,
      client_id_issued_at: client.createdAt,
      // Only whether there is one counts here; its hash is the store's.
      ...(keepsSecret ? { client_secret: 'kept', client_secret_expires_at: 0 } : {}),
    });
    const { client_id: _id, client_secret: _secret, ...rest } = made.metadata();
    return rest;
  }

  /** The registration as the client reads it (RFC 7592 section 3); its secret is known by its hash alone and not told again. */
  function described(id: string, metadata: Readonly<Metadata>): Metadata {
    const { client_secret_expires_at: _end, ...rest } = metadata;
    const registrationUri = `${issuer}/register/${encodeURIComponent(id)}`;
    return { client_id: id, ...rest, registration_client_uri: registrationUri };
  }
}

function refuse(ctx: Koa.Context, status: number, error: string, description: string): void {
  ctx.status = status;
  ctx.body = { error, error_description: description };
}

function isObject(value: unknown): value is Metadata {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
