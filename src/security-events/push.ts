/**
 * Pushes security events to the receivers that want the standard: each change that concerns a receiver at least once, in order, by
 * one node at a time. Owns the delivery and its retries; does not own what a change is called (`security-event.ts`).
 * @see RFC 8935 section 2
 */
import { randomUUID } from 'node:crypto';
import type { Store } from '../../db/open.ts';
import type { ChangeFeed } from '../changes/change-feed.ts';
import { concerns, type Reach } from '../changes/concern.ts';
import { reachColumns, reachOf } from '../changes/reach.ts';
import type { ClientStore } from '../clients/client-store.ts';
import type { ResourceServerStore } from '../clients/resource-server-store.ts';
import type { Clock } from '../clock.ts';
import type { AuthorizationRights } from '../oauth/authorization-rights.ts';
import type { LabelledCounters } from '../operations/labelled-counters.ts';
import type { Catalogue } from '../policy/vocabulary.ts';
import type { EventReceiver, EventReceiverStore, Turn } from './receiver-store.ts';
import { type ChangedSubject, changeEvent, type EventClaims, verificationEvent } from './security-event.ts';
import type { SignEvent } from './sign-event.ts';

export interface EventPush {
  /** Tells every receiver what is due. @returns how many events were taken */
  pushDue(): Promise<number>;
  /** Sends an event that says nothing but that it arrived. @returns undefined when it did, or why it did not */
  verify(resourceServerId: string): Promise<string | undefined>;
  /** Pushes what is due from now on. @returns what ends it */
  start(): () => Promise<void>;
}

const lookEveryMilliseconds = 500;
/**
 * Longer than one event may take; the turn is renewed before each. A node that died leaves its turn after this, and what it had sent of a
 * batch is sent again.
 */
const leaseSeconds = 60;
const answerWithinMilliseconds = 5_000;
const rowsAtOnce = 500;
/** What ended is told of once more rather than not at all: clocks of nodes differ, and a change is recorded a moment after its row. */
const endedBeforeSeconds = 3_600;
/** Of an answer, which says little; one that goes on and on is not listened to. */
const mostAnswerBytes = 4_096;

export function createEventPush(deps: {
  store: Store;
  clock: Clock;
  issuer: string;
  catalogue: Catalogue;
  feed: ChangeFeed;
  rights: AuthorizationRights;
  clients: Pick<ClientStore, 'find'>;
  eventReceivers: EventReceiverStore;
  resourceServers: Pick<ResourceServerStore, 'findById' | 'guardedBy'>;
  sign: SignEvent;
  /** Of events, by whether their receiver took them. */
  pushes: LabelledCounters;
  /** Told when events could not be pushed. */
  onFailure: (error: unknown) => void;
}): EventPush {
  const { store, clock, issuer, feed, eventReceivers, resourceServers } = deps;
  const counters = { delivered: deps.pushes.of('delivered'), failed: deps.pushes.of('failed') };
  /** Receivers that are being told; one that is slow keeps nobody else waiting. */
  const telling = new Set<Promise<number>>();
  let claiming: Promise<Turn[]> | undefined;
  let stopping = false;

  async function tell(claimed: Turn): Promise<number> {
    const { receiver } = claimed;
    const { resourceServerId: id, afterSeq } = receiver;
    let turn: Turn | undefined = claimed;
    const server = await resourceServers.findById(id);
    if (!server || server.disabled) {
      await eventReceivers.release(claimed);
      return 0;
    }
    const guards = await resourceServers.guardedBy(id);
    const batch = await feed.since(afterSeq);
    const concerned = (reaches: readonly Reach[]) =>
      reaches.some((reach) => concerns(guards, reach, deps.catalogue));
    let sent = 0;
    const send = async (authorizationId: string, seq: number) => {
      if (stopping) throw new TurnEnded();
      // What it guards was read when the turn began, which may be long ago: disabled or changed since, it begins anew or not at all.
      const present = await resourceServers.findById(id);
      if (present?.version !== server.version) throw new TurnEnded();
      turn = turn && (await eventReceivers.renew(turn, leaseSeconds));
      if (!turn) throw new TurnEnded();
      const issued = { issuer, audience: server.name, at: clock.now() };
      const claims = changeEvent(issued, seq, await subjectOf(authorizationId));
      await deliver(receiver, claims).catch((error: unknown) => {
        counters.failed.n += 1;
        throw error;
      });
      counters.delivered.n += 1;
      sent += 1;
    };
    try {
      if (batch.flush) {
        // The standard has no word for "anything may have changed": each that concerns it and lives, or lived until then, is named.
        // Never from a moment that is still to come: a clock may have been ahead when that change was made.
        const since = Math.min(await timeOf(afterSeq), clock.now());
        for await (const { id: authorizationId, reach } of livingAfter(since)) {
          const before = batch.authorizations.get(authorizationId)?.reaches ?? [];
          if (concerned([reach, ...before])) await send(authorizationId, batch.to);
        }
      } else {
        const inOrder = [...batch.authorizations].sort(([, one], [, other]) => one.seq - other.seq);
        for (const [authorizationId, { seq, reaches }] of inOrder) {
          if (concerned(reaches)) await send(authorizationId, seq);
        }
      }
    } catch (error) {
      if (error instanceof TurnEnded) {
        if (turn) await eventReceivers.release(turn);
        return sent;
      }
      if (turn) await eventReceivers.failed(turn, error instanceof Error ? error.message : String(error));
      deps.onFailure(error);
      return sent;
    }
    await eventReceivers.told(turn, batch.to, sent > 0);
    return sent;
  }

  async function subjectOf(authorizationId: string): Promise<ChangedSubject> {
    const rights = await deps.rights.of(authorizationId);
    const held = rights?.effective;
    const clientId = rights?.authorization.clientId ?? null;
    const client = clientId === null ? undefined : await deps.clients.find(clientId);
    // Introspection calls no token of a client that is disabled or gone active.
    const isHeld = clientId === null || (client !== undefined && !client.disabled);
    const nothing =
      !held ||
      !isHeld ||
      (held.organization.length === 0 && held.projects.length === 0 && held.mcpServers.length === 0);
    return {
      authorizationId,
      userId: rights?.authorization.userId,
      version: rights?.authorization.version,
      ended: nothing,
    };
  }

  /** Finds when a change was made; 0 where that is not on record any more. */
  async function timeOf(seq: number): Promise<number> {
    // changes by primary key, backwards
    const row = await store.db
      .selectFrom('changes')
      .select('at')
      .where('seq', '<=', seq)
      .orderBy('seq', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row?.at ?? 0;
  }

  /** Lists the authorizations that live, and those that ended after a time. */
  async function* livingAfter(at: number): AsyncGenerator<{ id: string; reach: Reach }> {
    const from = at - endedBeforeSeconds;
    let after = '';
    for (;;) {
      // authorizations by primary key
      const rows = await store.db
        .selectFrom('authorizations')
        .select(['id', ...reachColumns])
        .where('id', '>', after)
        .where(({ eb, or, and }) =>
          or([
            and([
              eb('status', '=', 'active'),
              or([eb('expires_at', 'is', null), eb('expires_at', '>=', from)]),
            ]),
            eb('updated_at', '>=', from),
            // Where a backup was put back, this is all that tells when it was ended.
            eb('revoked_at', '>=', from),
          ]),
        )
        .orderBy('id')
        .limit(rowsAtOnce)
        .execute();
      for (const row of rows) yield { id: row.id, reach: reachOf(row) };
      const last = rows.at(-1);
      if (!last || rows.length < rowsAtOnce) return;
      after = last.id;
    }
  }

  /** @throws Error unless the receiver took it */
  async function deliver({ endpoint, token }: EventReceiver, claims: EventClaims): Promise<void> {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/secevent+jwt',
        Accept: 'application/json',
        ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      },
      body: await deps.sign(claims),
      // What is meant for here is not carried on.
      redirect: 'manual',
      signal: AbortSignal.timeout(answerWithinMilliseconds),
    });
    const said = beginningOf(response);
    // RFC 8935 section 2.2: the status alone says that it was taken, whatever becomes of a body that nobody asked for.
    if (response.ok) return void (await said.catch(() => {}));
    // RFC 8935 section 2.3: what it found wrong with the token.
    const code = /"err"\s*:\s*"([\w-]{1,60})"/.exec(await said)?.[1];
    throw new Error(`the receiver answered ${response.status}${code ? ` ${code}` : ''}`);
  }

  async function pushDue(): Promise<number> {
    if (claiming !== undefined) return 0;
    claiming = eventReceivers.claimDue(leaseSeconds).finally(() => {
      claiming = undefined;
    });
    const turns = (await claiming).map((turn) => {
      const one = tell(turn).finally(() => telling.delete(one));
      telling.add(one);
      return one;
    });
    const sent = await Promise.all(turns);
    return sent.reduce((sum, count) => sum + count, 0);
  }

  return {
    pushDue,
    async verify(id) {
      const [receiver, server] = await Promise.all([eventReceivers.find(id), resourceServers.findById(id)]);
      if (!receiver || !server) return 'there is no receiver';
      try {
        const issued = { issuer, audience: server.name, at: clock.now() };
        await deliver(receiver, verificationEvent(issued, randomUUID()));
        return undefined;
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    },
    start() {
      const timer = setInterval(() => void pushDue().catch(deps.onFailure), lookEveryMilliseconds).unref();
      return async () => {
        clearInterval(timer);
        // Nothing more is begun; what one receiver is being sent ends within its time.
        stopping = true;
        await claiming?.catch(() => {});
        await Promise.allSettled(telling);
      };
    },
  };
}

/** The turn was lost to another node or to a change of the receiver, its resource server changed, or this node is about to stop. */
class TurnEnded extends Error {
  override readonly name = 'TurnEnded';
}

async function beginningOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= mostAnswerBytes) break;
  }
  return Buffer.concat(chunks).toString('utf8', 0, Math.min(bytes, mostAnswerBytes));
}
