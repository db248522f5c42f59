/** What an administrator sets for one client. */
import { z } from 'zod';
import type { ClientSettings, StoredClient, TokenExchange } from '../../clients/client-store.ts';
import { meantAmong } from '../../clients/resource-spelling.ts';
import { isConfidential } from '../../oauth/exchange-permission.ts';
import { mostRefreshGraceSeconds, refreshGraceSeconds } from '../../oauth/lifetimes.ts';
import { allowAssertions, assertionsSchema } from './client-assertions.ts';
import { allowDeviceLogin, deviceLoginSchema } from './client-device-login.ts';
import { clientSchema, readClient } from './client-operations.ts';
import { claimVersion } from './expected-version.ts';
import { type AdminDeps, operation } from './operation.ts';
import { guardCarrier } from './over-token.ts';
import { refusal } from './problem.ts';

const audiencesSchema = z.array(z.string().max(2_000)).max(50).optional();

const body = z.strictObject({
  refresh_grace_seconds: z
    .int()
    .min(refreshGraceSeconds)
    .max(mostRefreshGraceSeconds)
    .nullable()
    .optional()
    .describe('For how long a rotated refresh token may come back; null is the usual minute'),
  exchange_own: z.boolean().optional().describe('It may exchange tokens of its own (RFC 8693)'),
  exchange_from: audiencesSchema.describe(
    'Audiences of resource servers that it acts for: it may exchange tokens sent to them, and API keys for the part that they guard',
  ),
  exchange_to: audiencesSchema.describe(
    'Audiences for which it may get tokens by exchange; none: it exchanges nothing',
  ),
  device_login: deviceLoginSchema.optional(),
  assertions: assertionsSchema.optional(),
});

export const clientSettingsOperation = operation({
  id: 'update_client',
  tag: 'Clients',
  summary: 'Set how a client is treated',
  method: 'patch',
  path: '/clients/{client_id}',
  anyOf: ['clients.manage'],
  versioned: true,
  body,
  answer: clientSchema,
  async handle(deps, { caller, params, body, version }) {
    const id = params.client_id ?? '';
    guardCarrier(caller, id);
    const client = await deps.clients.find(id);
    if (!client) throw refusal('not_found');
    const { refresh_grace_seconds: refreshGrace } = body;
    const tokenExchange = await exchangeOf(deps, client, body);
    const settings: ClientSettings = {
      ...(refreshGrace === undefined ? {} : { refreshGraceSeconds: refreshGrace }),
      ...(tokenExchange === undefined ? {} : { tokenExchange }),
    };
    await deps.store.transact(async (trx) => {
      await claimVersion(trx, 'clients', id, version);
      const clients = deps.clients.within(trx);
      await clients.configure(caller.actor, id, settings);
      await allowAssertions(clients, caller.actor, id, body.assertions);
      // Last: whether it has another way to a token is settled.
      await allowDeviceLogin(clients, caller.actor, id, body.device_login);
    });
    return readClient(deps, id);
  },
});

/** What it may exchange from now on; what is not said stays. @returns undefined when nothing is said @throws Refusal */
async function exchangeOf(
  { resourceServers }: AdminDeps,
  client: StoredClient,
  { exchange_own: own, exchange_from: from, exchange_to: to }: z.output<typeof body>,
): Promise<TokenExchange | null | undefined> {
  if (own === undefined && from === undefined && to === undefined) return undefined;
  const audiences = await resourceServers.audiences();
  const registered = (given: readonly string[]) =>
    given.map((uri) => {
      const found = meantAmong(audiences, uri);
      if (found === undefined) throw refusal('unknown_reference', { what: uri });
      return found;
    });
  const before = client.tokenExchange ?? { own: false, from: [], to: [] };
  const after = {
    own: own ?? before.own,
    from: from === undefined ? before.from : [...new Set(registered(from))],
    to: to === undefined ? before.to : [...new Set(registered(to))],
  };
  const isNothing = !after.own && after.from.length === 0 && after.to.length === 0;
  if (isNothing) return null;
  if (!isConfidential(client)) throw refusal('not_for_exchange');
  return after;
}
