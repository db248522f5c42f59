/** Where a resource server wants security events to be pushed (RFC 8935), and whether they arrive. */
import { z } from 'zod';
import type { EventReceiver } from '../../security-events/receiver-store.ts';
import { type AdminDeps, operation } from './operation.ts';
import { refusal } from './problem.ts';
import { instantSchema } from './schemas.ts';

const tag = 'Resource servers';
const manage = ['clients.manage'] as const;
const path = '/resource-servers/{resource_server_id}/event-receiver';

/** https, or this computer, so that nobody on the way learns what changed. */
const endpointSchema = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
  .max(2_000)
  .refine((text) => {
    // Asked about what is no URL too: each check has its say.
    const url = URL.parse(text);
    return url?.protocol === 'https:' || /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url?.hostname ?? '');
  }, 'must be an https URL');

const receiverSchema = z
  .object({
    endpoint: z.string(),
    has_token: z.boolean(),
    last_told_at: instantSchema.nullable().describe('When an event was last taken'),
    failures: z.int().describe('How often in a row it could not be told'),
    last_failure: z.string().nullable(),
  })
  .meta({ id: 'EventReceiver' });

export type EventReceiverDocument = z.output<typeof receiverSchema>;

export const eventReceiverOperations = {
  get: operation({
    id: 'get_event_receiver',
    tag,
    summary: 'Where security events go, and how that goes',
    method: 'get',
    path,
    anyOf: manage,
    answer: receiverSchema,
    handle: async (deps, { params }) => documentOf(await requireReceiver(deps, params.resource_server_id)),
  }),

  set: operation({
    id: 'set_event_receiver',
    tag,
    summary: 'Push security event tokens (RFC 8417) for what changes from now on',
    method: 'put',
    path,
    anyOf: manage,
    body: z.strictObject({
      endpoint: endpointSchema,
      token: z
        .string()
        .max(2_000)
        .regex(/^[\x21-\x7e]*$/, 'must be printable ASCII without blanks')
        .optional()
        .describe('Sent as a Bearer token; left out keeps the one for this endpoint, empty takes it away'),
    }),
    answer: receiverSchema,
    async handle(deps, { caller, params, body: { endpoint, token } }) {
      const server = await deps.resourceServers.findById(params.resource_server_id ?? '');
      if (!server) throw refusal('not_found');
      await deps.eventReceivers.set(caller.actor, server.id, endpoint, token ?? null);
      return documentOf(await requireReceiver(deps, server.id));
    },
  }),

  remove: operation({
    id: 'remove_event_receiver',
    tag,
    summary: 'Push no more security events',
    method: 'delete',
    path,
    anyOf: manage,
    status: 204,
    async handle(deps, { caller, params }) {
      if (!(await deps.eventReceivers.remove(caller.actor, params.resource_server_id ?? ''))) {
        throw refusal('not_found');
      }
    },
  }),

  verify: operation({
    id: 'verify_event_receiver',
    tag,
    summary: 'Send a verification event now, and say whether it was taken',
    method: 'post',
    path: `${path}/verify`,
    anyOf: manage,
    answer: z.object({ taken: z.boolean(), reason: z.string().nullable() }),
    async handle(deps, { params }) {
      const { resourceServerId } = await requireReceiver(deps, params.resource_server_id);
      const reason = await deps.eventPush.verify(resourceServerId);
      return { taken: reason === undefined, reason: reason ?? null };
    },
  }),
};

async function requireReceiver(
  { eventReceivers }: AdminDeps,
  id: string | undefined,
): Promise<EventReceiver> {
  const receiver = await eventReceivers.find(id ?? '');
  if (!receiver) throw refusal('not_found');
  return receiver;
}

const documentOf = ({
  endpoint,
  token,
  lastToldAt,
  failures,
  lastFailure,
}: EventReceiver): EventReceiverDocument => ({
  endpoint,
  has_token: token !== undefined,
  last_told_at: lastToldAt,
  failures,
  last_failure: lastFailure,
});
