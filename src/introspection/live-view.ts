/**
 * The answers that this node remembers, and why each still holds. Owns what an answer depends on; does not own the proof that
 * every change is known (`changes/freshness.ts`), which whoever asks has just made, nor the way of asking (`fast-path.ts`).
 *
 * An answer is made of four parts: the caller, the token, its client, and the rights of its authorization. Each names its
 * subjects; when one of them changes, what was made of it is made again. What time alone ends is compared with the clock.
 */
import type { ChangeLedger, SubjectKey } from '../changes/change-ledger.ts';
import type { Freshness } from '../changes/freshness.ts';
import type { GuardedResources, ResourceServer } from '../clients/resource-server-store.ts';
import type { Clock } from '../clock.ts';
import type { Rights } from '../oauth/authorization-rights.ts';
import {
  type CallerCounters,
  createIntrospectionInstruments,
  type IntrospectionInstruments,
} from '../operations/introspection-instruments.ts';
import { type Counter, createTally } from '../operations/tally.ts';
import { type AnswerRights, answerFor, inactive, writeAnswer } from './answer.ts';
import { createAskedBefore } from './asked-before.ts';
import { createByteBoundedCache } from './byte-bounded-cache.ts';
import { createPartCache, type Reading } from './part-cache.ts';
import { guardedAt, type PlainViewDependencies } from './plain-view.ts';

/** An answer and what it depends on. */
export interface KnownAnswer {
  readonly body: string;
  /** Seconds; from here on the token or its authorization has expired, or a time that the policy allows is over. */
  readonly until: number;
  /** Seconds; the last time of the policy's that is over already: a clock that is put back goes before it. */
  readonly since: number;
  readonly authorizationId: string;
  /** The resource server's name. */
  readonly caller: string;
  /** Of answers like this one to this caller; whoever gives it adds to it. */
  readonly counter: Counter;
  /** Seconds; when its use was last told of. */
  toldAt: number;
  /** Of the ledger, at which it is known to hold. */
  position: number;
  readonly subjects: readonly (readonly SubjectKey[])[];
}

/** Who asks, as authenticated; how is for the fast path to say. */
export interface CallerProof {
  /** The same for the same credentials, and for no others. */
  readonly key: string;
  authenticate(): Promise<ResourceServer | undefined>;
}

export interface LiveView {
  /** Recalls an answer that holds now. Needs a proof that began after the question. @param question hash of all that was asked */
  recall(question: string): KnownAnswer | undefined;
  /**
   * Finds an answer, reading what is not known. Needs a proof likewise. A text is an answer that is not remembered, and counted here.
   * @returns undefined when the caller is not authenticated
   */
  find(question: string, caller: CallerProof, token: string): Promise<KnownAnswer | string | undefined>;
}

export interface LiveViewDependencies extends PlainViewDependencies {
  readonly ledger: ChangeLedger;
  readonly freshness: Freshness;
  readonly clock: Clock;
  readonly instruments?: IntrospectionInstruments;
  /** What all of it may take. */
  readonly mostBytes?: number | undefined;
}

const megabyte = 1_024 * 1_024;
/** Answers take most of it; 100,000 of them stay hot in it. */
const defaultBytes = 160 * megabyte;
/** How often a reading that changes overtake is made again before what it found, all of it newer than the question, is given. */
const mostReadings = 5;

/** Stands where a token has its client: an API key's holder is nobody's to disable. */
const keyHolder = { value: true, subjects: [] };

/** Rights with the time for which they are right. */
interface TimedRights extends AnswerRights {
  readonly limits: Rights['limits'];
}

interface Caller {
  readonly server: ResourceServer;
  readonly counters: CallerCounters;
  readonly guards: GuardedResources;
}

export function createLiveView(deps: LiveViewDependencies): LiveView {
  const { issuer, ledger, clock, mostBytes = defaultBytes } = deps;
  const answers = createByteBoundedCache<KnownAnswer>(mostBytes * 0.72);
  const askedBefore = createAskedBefore();
  const callers = createPartCache<Caller>(ledger, mostBytes * 0.02);
  const clients = createPartCache<boolean>(ledger, mostBytes * 0.03);
  const rights = createPartCache<TimedRights>(
    ledger,
    mostBytes * 0.23,
    ({ limits: { since, until } }) => since <= clock.now() && clock.now() < until,
  );
  const instruments = deps.instruments ?? createIntrospectionInstruments(createTally());
  instruments.memory = () => ({
    answers: answers.bytes,
    callers: callers.bytes,
    clients: clients.bytes,
    rights: rights.bytes,
  });

  const readCaller = async ({ authenticate }: CallerProof): Promise<Reading<Caller> | undefined> => {
    const server = await authenticate();
    if (!server) return undefined;
    const guards = await deps.resourceServers.guardedBy(server.id);
    // Whether an audience is an MCP server's depends on those that exist.
    const subjects: SubjectKey[] = [`resource_server:${server.id}`, 'mcp_server:*'];
    const counters = instruments.of(server.name);
    return { value: { server, guards, counters }, subjects, bytes: 1_000 + 200 * guards.audiences.length };
  };

  const readClient = async (id: string): Promise<Reading<boolean>> => {
    const client = await deps.clients.find(id);
    return { value: client !== undefined && !client.disabled, subjects: [`client:${id}`], bytes: 300 };
  };

  const readRights = async (id: string) => {
    const read = await deps.rights.of(id);
    if (!read) return undefined;
    const { authorization, owner, world, effective, granted, limits, additions } = read;
    const { kind, version, expiresAt } = authorization;
    const value = {
      authorization: { id, kind, version, expiresAt },
      owner: { user: { id: owner.user.id, email: owner.user.email } },
      world: { catalogue: world.catalogue },
      effective,
      limits,
      additions,
    };
    const subjects = subjectsOf(read);
    const items = effective.projects.length + effective.mcpServers.length + effective.withheld.length;
    // What has ended by time alone is not remembered: no change would tell that the clock was put back.
    const bytes = granted.standing === 'expired' ? Number.POSITIVE_INFINITY : 900 + 300 * items;
    return { value, subjects, bytes: bytes + 60 * subjects.length };
  };

  const stillHolds = (answer: KnownAnswer): boolean => {
    if (answer.position === ledger.position) return true;
    for (const subjects of answer.subjects) {
      if (!ledger.unchangedSince(answer.position, subjects)) return false;
    }
    answer.position = ledger.position;
    return true;
  };

  /** Makes one answer of parts that hold or are read now. @returns also whether anything was read in more than one step */
  async function make(question: string, proof: CallerProof, value: string) {
    const { position } = ledger;
    let steps = 0;
    const step = async <T>(reading: Promise<T>): Promise<T> => {
      steps += 1;
      return reading;
    };
    const caller = callers.known(proof.key) ?? (await callers.find(proof.key, () => step(readCaller(proof))));
    if (!caller) return { outcome: undefined, steps };
    const { counters } = caller.value;
    const token = await deps.tokens.find(value);
    if (!token) await deps.probing?.note(caller.value.server);
    const guarded = token?.audience && guardedAt(caller.value.guards, token.audience);
    // Not remembered: whoever asks about strings that mean nothing to it does not fill the memory.
    if (!token || !guarded) return { outcome: inactive, steps, counter: counters.inactive };
    const { clientId } = token;
    const client =
      clientId === undefined
        ? keyHolder
        : (clients.known(clientId) ?? (await clients.find(clientId, () => step(readClient(clientId)))));
    const { authorizationId } = token;
    const held =
      rights.known(authorizationId) ??
      (await rights.find(authorizationId, () => step(readRights(authorizationId))));
    const end = Math.min(token.expiresAt, held?.value.authorization.expiresAt ?? token.expiresAt);
    if (!held || end <= clock.now()) return { outcome: inactive, steps, counter: counters.inactive };
    const body = writeAnswer(client?.value ? answerFor(issuer, token, held.value, guarded) : undefined);
    const answer: KnownAnswer = {
      body,
      until: Math.min(end, held.value.limits.until),
      since: held.value.limits.since,
      authorizationId,
      caller: caller.value.server.name,
      counter: body === inactive ? counters.inactive : counters.active,
      toldAt: 0,
      position,
      subjects: [held.subjects, caller.subjects, client?.subjects ?? []],
    };
    const bytes = 400 + body.length;
    if (answers.hasRoomFor(bytes) || askedBefore.note(question)) answers.set(question, answer, bytes);
    return { outcome: answer, steps };
  }

  const proveAgain = () =>
    new Promise<void>((resolve, reject) => {
      deps.freshness.prove((failure) => (failure === undefined ? resolve() : reject(failure)));
    });

  return {
    recall(question) {
      const answer = answers.get(question);
      if (!answer) return undefined;
      if (!stillHolds(answer)) {
        answers.delete(question);
        return undefined;
      }
      // The slow way says what has expired; it is asked about for a short while only.
      const now = clock.now();
      return answer.since <= now && now < answer.until ? answer : undefined;
    },

    async find(question, proof, token) {
      instruments.made.n += 1;
      for (let reading = 1; ; reading += 1) {
        const { outcome, steps, counter } = await make(question, proof, token);
        // Read in several steps, it may be of several moments; unless nothing that it was read of has changed since.
        if (steps > 0 && outcome !== undefined && reading < mostReadings) {
          await proveAgain();
          if (typeof outcome !== 'string' && !stillHolds(outcome)) continue;
        }
        if (counter) counter.n += 1;
        return outcome;
      }
    },
  };
}

/** Everything whose change can alter what an authorization allows. Pure. */
export function subjectsOf({ authorization, owner, world, granted, parent }: Rights): readonly SubjectKey[] {
  // What was added for a while counts while it lasts; from its end on this is of no use (`limits.until`).
  const { roles, projects, mcpServers } = granted;
  const roleIds = new Set([...roles, ...owner.assigned.organization]);
  for (const assigned of owner.assigned.projects.values()) for (const id of assigned) roleIds.add(id);
  for (const picked of projects) for (const id of picked.roles) roleIds.add(id);
  // The world has the homes of picked servers too.
  const projectIds = new Set([...projects.map(({ id }) => id), ...world.projects.keys()]);
  return [
    // What it was made of, and all that counts there.
    ...(parent ? subjectsOf(parent) : []),
    `authorization:${authorization.id}`,
    `user:${owner.user.id}`,
    'policy:*',
    // What the policy says of clients depends on where they live and who vouches for them.
    ...(authorization.clientId === null ? [] : ([`client:${authorization.clientId}`] as const)),
    ...(authorization.followsOwner
      ? (['role:*', 'project:*', 'mcp_server:*'] as const)
      : [
          ...Array.from(roleIds, (id) => `role:${id}` as const),
          ...Array.from(projectIds, (id) => `project:${id}` as const),
          ...mcpServers.map((id) => `mcp_server:${id}` as const),
        ]),
  ];
}
