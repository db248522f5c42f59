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
import { createTally } from '../operations/tally.ts';
import type { Guarded } from '../policy/audience.ts';
import { type AnswerRights, inactive, wordAnswer } from './answer.ts';
import { type CommonAnswer, createAnswerMemory, type KnownAnswer } from './answer-memory.ts';
import { createPartCache, type Part, type Reading } from './part-cache.ts';
import { guardedAt, type PlainViewDependencies } from './plain-view.ts';
import type { FoundToken } from './token.ts';
import { shareTokenReadings, type TokenReading } from './token-readings.ts';

export type { KnownAnswer };

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
   * @returns at once when one statement on SQLite is all that has to be read; undefined when the caller is not authenticated
   */
  find(question: string, caller: CallerProof, token: string): Found | Promise<Found>;
}

type Found = KnownAnswer | string | undefined;

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
const keyHolder: Part<boolean> = { value: true, subjects: [], position: 0 };
/** Answers about tokens of one authorization that are looked at for one that is the same; tokens bound to keys each have their own. */
const mostAlike = 16;

/** Rights with the time for which they are right. */
interface TimedRights extends AnswerRights {
  readonly limits: Rights['limits'];
  /** What was answered from them, the latest last. */
  readonly answered: Answered[];
}

/** Everything that an answer is made of. */
interface Parts {
  readonly token: FoundToken;
  /** What the caller guards of the token's audience. */
  readonly guarded: Guarded;
  readonly caller: Part<Caller>;
  /** Undefined when it is no more. */
  readonly client: Part<boolean> | undefined;
  readonly held: Part<TimedRights>;
}

/** An answer, and what it was made of besides the rights. */
interface Answered extends Pick<Parts, 'caller' | 'client'>, ReturnType<typeof distinctionOf> {
  readonly common: CommonAnswer;
}

interface Caller {
  readonly server: ResourceServer;
  readonly counters: CallerCounters;
  readonly guards: GuardedResources;
  /** By audience, those that were asked about. */
  readonly guarded: Map<string, Guarded>;
}

export function createLiveView(deps: LiveViewDependencies): LiveView {
  const { issuer, ledger, clock, mostBytes = defaultBytes } = deps;
  const answers = createAnswerMemory({ ledger, clock, mostBytes: mostBytes * 0.72 });
  const callers = createPartCache<Caller>(ledger, mostBytes * 0.02);
  const readToken = shareTokenReadings(deps.tokens, ledger);
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
    const bytes = 1_000 + 400 * guards.audiences.length;
    return { value: { server, guards, counters, guarded: new Map() }, subjects, bytes };
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
      answered: [],
    };
    const subjects = subjectsOf(read);
    const items = effective.projects.length + effective.mcpServers.length + effective.withheld.length;
    // What has ended by time alone is not remembered: no change would tell that the clock was put back.
    const bytes = granted.standing === 'expired' ? Number.POSITIVE_INFINITY : 900 + 300 * items;
    return { value, subjects, bytes: bytes + 60 * subjects.length };
  };

  /** Makes the answer about a token, or finds that one was made of the same parts for a token like it. */
  const commonAnswer = (parts: Parts, position: number): CommonAnswer => {
    const { token, guarded, caller, client, held } = parts;
    const { answered, authorization, limits } = held.value;
    const at = answered.findIndex((one) => isAlike(one, parts));
    const known = answered[at]?.common;
    if (known && answers.holds(known)) return known;
    if (known) answered.splice(at, 1);
    const { server, counters } = caller.value;
    const { body, wording } = client?.value
      ? wordAnswer(issuer, token, held.value, guarded)
      : { body: inactive, wording: undefined };
    const common: CommonAnswer = {
      wording,
      until: Math.min(authorization.expiresAt ?? Number.POSITIVE_INFINITY, limits.until),
      since: limits.since,
      subjects: [held.subjects, caller.subjects, client?.subjects ?? []],
      first: {
        body,
        authorizationId: authorization.id,
        caller: server.name,
        counter: body === inactive ? counters.inactive : counters.active,
        toldAt: 0,
        issuedAt: token.issuedAt,
        end: Math.min(token.expiresAt, wording?.endsAt ?? token.expiresAt),
      },
      position,
      number: 0,
      among: answered,
    };
    if (answered.length === mostAlike) answered.shift();
    answered.push({ common, caller, client, ...distinctionOf(token) });
    return common;
  };

  /** Answers from parts of which none has to be read. @param position of the ledger, from before the token was read */
  const answerFrom = (question: string, parts: Parts, position: number) => {
    const { token, caller, held } = parts;
    const end = Math.min(token.expiresAt, held.value.authorization.expiresAt ?? token.expiresAt);
    if (end <= clock.now()) return { outcome: inactive, counter: caller.value.counters.inactive };
    const common = commonAnswer(parts, position);
    answers.remember(question, common, token, position);
    return { outcome: answers.say(common, token), common };
  };

  /**
   * Makes one answer of parts that hold or are read now.
   * @param early the token, when its reading has begun
   * @returns also whether anything was read in more than one step
   */
  async function make(question: string, proof: CallerProof, value: string, early?: TokenReading) {
    const position = early?.position ?? ledger.position;
    let steps = 0;
    const step = async <T>(reading: Promise<T>): Promise<T> => {
      steps += 1;
      return reading;
    };
    const caller = callers.known(proof.key) ?? (await callers.find(proof.key, () => step(readCaller(proof))));
    if (!caller) return { outcome: undefined, steps, position };
    const { inactive: counter } = caller.value.counters;
    const { token: found } = early ?? readToken(value);
    const token = await found;
    if (!token) await deps.probing?.note(caller.value.server);
    const guarded = token && guardedOf(caller.value, token);
    // Not remembered: whoever asks about strings that mean nothing to it does not fill the memory.
    if (!token || !guarded) return { outcome: inactive, steps, position, counter };
    const { clientId, authorizationId } = token;
    const client =
      clientId === undefined
        ? keyHolder
        : (clients.known(clientId) ?? (await clients.find(clientId, () => step(readClient(clientId)))));
    const held =
      rights.known(authorizationId) ??
      (await rights.find(authorizationId, () => step(readRights(authorizationId))));
    if (!held) return { outcome: inactive, steps, position, counter };
    const parts = { token, guarded, caller, client, held };
    return { ...answerFrom(question, parts, position), steps, position };
  }

  const proveAgain = () =>
    new Promise<void>((resolve, reject) => {
      deps.freshness.prove((failure) => (failure === undefined ? resolve() : reject(failure)));
    });

  async function findInSteps(
    question: string,
    proof: CallerProof,
    value: string,
    early?: TokenReading,
  ): Promise<Found> {
    for (let reading = 1; ; reading += 1) {
      const made = await make(question, proof, value, reading === 1 ? early : undefined);
      const isLast = reading === mostReadings;
      // Read in several steps, it may be of several moments, as of one for the caller and of a later one for what was looked at once the token
      // had come; unless nothing that it was read of has changed since.
      if (made.steps > 0 && made.outcome !== undefined && !isLast) await proveAgain();
      if ('common' in made && !isLast && !answers.heldSince(made.common, made.position)) continue;
      if ('counter' in made) made.counter.n += 1;
      return made.outcome;
    }
  }

  return {
    recall: answers.recall,

    find(question, proof, value) {
      instruments.made.n += 1;
      const caller = callers.known(proof.key);
      if (!caller) return findInSteps(question, proof, value);
      const reading = readToken(value);
      const { token, position } = reading;
      if (!(token instanceof Promise) && token !== undefined) {
        const { clientId, authorizationId } = token;
        const guarded = guardedOf(caller.value, token);
        const client = clientId === undefined ? keyHolder : clients.known(clientId);
        const held = rights.known(authorizationId);
        if (guarded && client && held) {
          const { outcome, counter } = answerFrom(
            question,
            { token, guarded, caller, client, held },
            position,
          );
          if (counter) counter.n += 1;
          return outcome;
        }
      }
      return findInSteps(question, proof, value, reading);
    },
  };
}

/** What the caller guards of a token's audience. */
function guardedOf({ guards, guarded }: Caller, { audience }: FoundToken): Guarded | undefined {
  if (audience === undefined) return undefined;
  const known = guarded.get(audience);
  if (known) return known;
  const found = guardedAt(guards, audience);
  if (found) guarded.set(audience, found);
  return found;
}

/** What of a token shows in its answer, besides its times and its authorization. */
const distinctionOf = ({ audience, jkt, ceiling }: FoundToken) => ({
  audience,
  jkt,
  ceiling: ceiling && [...ceiling].join(' '),
});

function isAlike(answered: Answered, { token, caller, client }: Parts): boolean {
  if (answered.caller !== caller || answered.client !== client) return false;
  const { audience, jkt, ceiling } = distinctionOf(token);
  return answered.audience === audience && answered.jkt === jkt && answered.ceiling === ceiling;
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
