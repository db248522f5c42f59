/** Leaving: what stops with an account, whom its API keys can be given to before, and its removal for good. */
import { z } from 'zod';
import { createKeyDesk } from '../../account/key-desk.ts';
import type { Authorization } from '../../authorizations/authorization.ts';
import { countStanding, listStanding } from '../../authorizations/standing.ts';
import { searchClients } from '../../clients/client-search.ts';
import type { LiveAccess } from '../../directory/live-access.ts';
import type { ManagementPermission } from '../../directory/management-permissions.ts';
import { takeOwnersTurn } from '../../directory/owners.ts';
import type { User } from '../../directory/user-store.ts';
import { emptyClient } from '../../oauth/delete-client.ts';
import { endInSteps, endsInSteps } from '../../oauth/end-in-steps.ts';
import { removeAccount } from '../../oauth/remove-account.ts';
import { boundSlice, mayCreateKey, mayKeep } from '../../policy/key-decision.ts';
import { requireAccount } from './account-operations.ts';
import type { Caller } from './caller.ts';
import { claimVersion } from './expected-version.ts';
import { guardAccount } from './guards.ts';
import { type AdminDeps, operation } from './operation.ts';
import { guardManagement, guardSelf } from './over-token.ts';
import { refusal } from './problem.ts';
import { instantSchema } from './schemas.ts';

/** What one answer lists of each; what stands beyond is counted. */
const mostListed = 100;
/** Keys that one request moves. */
const mostMoved = 200;

const standingSchema = z.object({
  id: z.string(),
  name: z.string().describe('Of the key, or of the tool'),
  status: z.enum(['active', 'suspended']),
  capabilities: z.array(z.string()),
  expires_at: instantSchema.nullable(),
  last_used_at: instantSchema.nullable(),
  last_used_by: z.string().nullable().describe('Name of the resource server'),
});

const departureSchema = z
  .object({
    api_keys: z.array(standingSchema),
    authorizations: z.array(standingSchema).describe('What was handed to tools'),
    clients: z
      .array(z.object({ id: z.string(), name: z.string(), last_used_at: instantSchema.nullable() }))
      .describe('Clients that act as this account'),
    total: z.int().describe('How many keys and authorizations there are, listed or not'),
  })
  .meta({ id: 'Departure' });

const movedSchema = z
  .object({
    to: z.object({ id: z.string(), email: z.string() }),
    moved: z.array(z.string()).describe('Ids of the keys that have a new owner'),
    left: z.array(
      z.object({
        id: z.string(),
        reason: z
          .enum(['nothing_left', 'changed_meanwhile', 'gone'])
          .describe('`nothing_left`: the new owner holds nothing of it'),
      }),
    ),
  })
  .meta({ id: 'MovedKeys' });

export type DepartureDocument = z.output<typeof departureSchema>;

interface DepartingKind {
  readonly kind: User['kind'];
  readonly noun: string;
  readonly path: string;
  readonly tag: string;
  readonly see: readonly ManagementPermission[];
  readonly update: readonly ManagementPermission[];
}

function departureOperations({ kind, noun, path, tag, see, update }: DepartingKind) {
  const one = `${path}/{${noun}_id}`;
  const idOf = (params: Readonly<Record<string, string>>) => params[`${noun}_id`] ?? '';
  const label = noun.replace('_', ' ');

  return {
    departure: operation({
      id: `get_${noun}_departure`,
      tag,
      summary: `What stops when a ${label} is suspended or removed`,
      method: 'get',
      path: `${one}/departure`,
      anyOf: see,
      answer: departureSchema,
      async handle(deps, { params }) {
        const { id } = await requireAccount(deps, kind, idOf(params));
        return await readDeparture(deps, id);
      },
    }),

    moveKeys: operation({
      id: `move_${noun}_keys`,
      tag,
      summary:
        'Give API keys to a service account or to another person. They go on working, within what both the old and the new owner hold',
      method: 'post',
      path: `${one}/departure/keys`,
      anyOf: update,
      body: z.strictObject({
        to: z.string().trim().min(1).max(254).describe('Id or address of the new owner'),
        authorization_ids: z.array(z.string()).max(mostMoved).optional().describe('Absent: all of them'),
      }),
      answer: movedSchema,
      async handle(deps, { caller, params, body }) {
        const { id } = await requireAccount(deps, kind, idOf(params));
        const owner = await guardAccount(deps, caller, id);
        const heir = await findHeir(deps, body.to);
        guardMove(caller, owner, heir);
        const wanted = body.authorization_ids;
        const keys = await listStanding(deps.store.db, id, {
          kind: 'api_key',
          now: deps.clock.now(),
          limit: mostMoved,
          ...(wanted !== undefined && { ids: wanted }),
        });
        const unknown = wanted?.find((asked) => !keys.some((key) => key.id === asked));
        if (unknown !== undefined) throw refusal('unknown_reference', { what: unknown });
        guardManagement(
          caller,
          keys.flatMap(({ capabilities }) => capabilities),
        );
        const outcomes = await moveAll(deps, caller, { owner, heir, keys });
        const moved = outcomes.filter(({ reason }) => reason === undefined).map((one) => one.id);
        if (moved.length === 0) throw refusal('nothing_moved', { email: heir.user.email });
        return {
          to: { id: heir.user.id, email: heir.user.email },
          moved,
          left: outcomes.flatMap((one) => (one.reason ? [{ id: one.id, reason: one.reason }] : [])),
        };
      },
    }),

    remove: operation({
      id: `delete_${noun}`,
      tag,
      summary: `Remove a ${label} for good: everything it handed out is revoked, its sessions end, its address is free again`,
      method: 'delete',
      path: one,
      anyOf: update,
      status: 204,
      versioned: true,
      async handle(deps, { caller, params, version }) {
        const { id } = await requireAccount(deps, kind, idOf(params));
        guardSelf(caller, id);
        const { transact, transactApart, db } = deps.store;
        const many = await endsInSteps(db, { userId: id });
        if (many) await emptyAccount(deps, caller, id, version);
        await (many ? transactApart : transact)(async (trx) => {
          // Before the account's own row, as whoever suspends it takes them: two of them never wait for each other.
          await takeOwnersTurn(trx);
          if (!many) await claimVersion(trx, 'users', id, version);
          await guardAccount(deps, caller, id, { db: trx });
          const done = await removeAccount(deps, trx, caller.actor, id);
          if (done.outcome === 'last_owner') throw refusal('last_owner');
          if (done.outcome === 'not_found') throw refusal('not_found');
        });
      },
    }),
  };
}

/**
 * Ends what is more than one transaction ends without keeping other writers waiting. The account is suspended first, which takes
 * everything from it at once: whatever happens before the rest is done, nothing of it holds. @throws Refusal
 */
async function emptyAccount(deps: AdminDeps, caller: Caller, userId: string, version: number): Promise<void> {
  await deps.store.transact(async (trx) => {
    await takeOwnersTurn(trx);
    await claimVersion(trx, 'users', userId, version);
    await guardAccount(deps, caller, userId, { db: trx });
    const done = await deps.users.within(trx).suspend(caller.actor, userId);
    if (done.outcome === 'last_owner') throw refusal('last_owner');
  });
  const acting = await searchClients(deps.store, { serviceAccountId: userId, limit: mostListed });
  for (const { id } of acting) await emptyClient(deps, caller.actor, id);
  await endInSteps(deps, caller.actor, { userId });
}

async function readDeparture(deps: AdminDeps, userId: string): Promise<DepartureDocument> {
  const { db } = deps.store;
  const now = deps.clock.now();
  const acting = await searchClients(deps.store, { serviceAccountId: userId, limit: mostListed });
  // The authorization of a client that acts as the account is that client: it is listed once.
  const clientIds = acting.map(({ id }) => id);
  const list = (kind: Authorization['kind'], listed: 'only' | 'not') =>
    listStanding(db, userId, { kind, now, limit: mostListed, actingAs: { clientIds, listed } });
  const [keys, grants, own, total] = await Promise.all([
    list('api_key', 'not'),
    list('oauth2', 'not'),
    clientIds.length === 0 ? [] : list('oauth2', 'only'),
    countStanding(db, userId, now),
  ]);
  const names = new Map<string, string>();
  for (const { clientId } of grants) {
    if (clientId === null || names.has(clientId)) continue;
    const client = await deps.clients.find(clientId);
    names.set(clientId, nameOf(clientId, client?.metadata));
  }
  const written = (row: Authorization) => ({
    id: row.id,
    name: row.name ?? (row.clientId === null ? row.id : (names.get(row.clientId) ?? row.clientId)),
    status: row.status === 'suspended' ? ('suspended' as const) : ('active' as const),
    capabilities: [...row.capabilities],
    expires_at: row.expiresAt,
    last_used_at: row.lastUse?.at ?? null,
    last_used_by: row.lastUse?.by ?? null,
  });
  return {
    api_keys: keys.map(written),
    authorizations: grants.map(written),
    clients: acting.map(({ id, metadata }) => ({
      id,
      name: nameOf(id, metadata),
      last_used_at: own.find(({ clientId }) => clientId === id)?.lastUse?.at ?? null,
    })),
    total,
  };
}

function nameOf(id: string, metadata: Readonly<Record<string, unknown>> | undefined): string {
  const name = metadata?.client_name;
  return typeof name === 'string' && name !== '' ? name : id;
}

async function findHeir(deps: AdminDeps, to: string): Promise<LiveAccess> {
  const id = to.includes('@') ? (await deps.users.findByEmail(to))?.id : to;
  const heir = id === undefined ? undefined : await deps.liveAccess.read(id);
  if (heir?.live.status !== 'active') throw refusal('unknown_reference', { what: to });
  return heir;
}

/** Refuses a move to whoever may not look after the keys of both. @throws Refusal naming what is missing */
function guardMove(caller: Caller, owner: LiveAccess, heir: LiveAccess): void {
  guardSelf(caller, owner.user.id);
  guardSelf(caller, heir.user.id);
  if (owner.user.id === heir.user.id) throw refusal('unknown_reference', { what: heir.user.email });
  const keeper = { id: caller.id, live: caller.access.live };
  for (const permission of [mayKeep(keeper, 'api_key', owner.user), mayCreateKey(keeper, heir.user)]) {
    if (permission.kind === 'refused') {
      throw refusal('permission_missing', { permission: permission.missing });
    }
  }
}

async function moveAll(
  deps: AdminDeps,
  caller: Caller,
  { owner, heir, keys }: { owner: LiveAccess; heir: LiveAccess; keys: readonly Authorization[] },
): Promise<{ id: string; reason?: 'nothing_left' | 'changed_meanwhile' | 'gone' }[]> {
  const desk = createKeyDesk(deps);
  const world = await deps.worldSource.whole();
  // Whoever has the secret goes on having it: a right that its owner has lost does not come back with a new one. Somebody who is
  // suspended already would leave nothing behind; what counts is what they would hold otherwise.
  const held = { ...owner.live, status: 'active' as const };
  const outcomes = [];
  for (const key of keys) {
    const authorization = { ...key, ...boundSlice(key, held, world).granted };
    const found = { authorization, owner, world };
    const { outcome } = await desk.move(caller.actor, found, key.version, heir);
    outcomes.push(outcome === 'done' ? { id: key.id } : { id: key.id, reason: outcome });
  }
  return outcomes;
}

export const userDeparture = departureOperations({
  kind: 'person',
  noun: 'user',
  path: '/users',
  tag: 'Users',
  see: ['users.manage'],
  update: ['users.manage'],
});

export const serviceAccountDeparture = departureOperations({
  kind: 'service_account',
  noun: 'service_account',
  path: '/service-accounts',
  tag: 'Service accounts',
  see: ['service-accounts.update'],
  update: ['service-accounts.update'],
});

/** Either kind's operations: their shapes are the same. */
export type DepartureOperations = typeof userDeparture;
