/**
 * The common way of asking, in as few steps as there are: a POST of a small plain form by a caller with a secret. Owns the
 * recognition of that way; every other one, and every refusal, is `endpoint.ts`'s.
 *
 * The whole question is hashed, credentials included; a question that was asked before in the same bytes has the same answer
 * for as long as that holds, so a hit neither parses nor authenticates anything again.
 */
import { hash, randomBytes } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Store } from '../../db/open.ts';
import type { Freshness } from '../changes/freshness.ts';
import type { Clock } from '../clock.ts';
import { type Form, parseForm } from '../http/read-form.ts';
import { createRepeatedHeads, type RepeatedRequest } from '../http/repeated-heads.ts';
import {
  createIntrospectionInstruments,
  type IntrospectionInstruments,
  sampledOneIn,
} from '../operations/introspection-instruments.ts';
import { createTally } from '../operations/tally.ts';
import { inactive } from './answer.ts';
import { tellEverySeconds } from './answer-memory.ts';
import type { CallerAuthentication } from './caller.ts';
import { type Introspection, type NoteOutcome, sendConditionally, singleParameters } from './endpoint.ts';
import type { CallerProof, KnownAnswer, LiveView } from './live-view.ts';

const formType = 'application/x-www-form-urlencoded';
/** As `fetch` and Java's libraries name it; what is read is UTF-8 either way. */
const formInUtf8 = /^application\/x-www-form-urlencoded *; *charset="?utf-8"?$/i;
/** Longer questions are none of the common way. */
const mostBodyBytes = 4_096;

export interface FastPathDependencies {
  readonly issuer: string;
  readonly clock: Clock;
  readonly store: Pick<Store, 'within'>;
  readonly view: LiveView;
  readonly freshness: Freshness;
  readonly callers: CallerAuthentication;
  readonly plain: Introspection;
  readonly instruments?: IntrospectionInstruments;
  /** Whether questions may be taken ahead of the parser; always, when absent. */
  readonly open?: () => boolean;
  /** Milliseconds that only go on. */
  readonly monotonic: () => number;
  /** Told of active answers, of the same one every few seconds only. @param caller the resource server's name */
  readonly onUse?: (authorizationId: string, caller: string, request: IncomingMessage) => void;
}

export interface FastPath {
  /** Takes a request, or leaves it as it is and says false. */
  take(request: IncomingMessage, response: ServerResponse): boolean;
  /** Takes requests of a server ahead of its parser, when their head is known. */
  attend(server: Server): void;
  /** How many of those are being answered. */
  underWay(): number;
}

/** A question, and where its answer goes. */
type Question = Pick<RepeatedRequest<Head>, 'head' | 'body' | 'request' | 'respond'> & {
  send(body: string): void;
  /** Where it is one of those that are measured; told by `send`, or by whoever answers otherwise. */
  readonly noteOutcome: NoteOutcome | undefined;
};

export function createFastPath(deps: FastPathDependencies): FastPath {
  const { store, view, freshness, callers, plain, clock, onUse, monotonic } = deps;
  const instruments = deps.instruments ?? createIntrospectionInstruments(createTally());
  const { recalled, latency } = instruments;
  let arrived = 0;
  const { host } = new URL(deps.issuer);
  /** Who asked last by a header; most questions in turn are of one caller. */
  let lastHeader: { readonly authorization: string; readonly caller: CallerProof } | undefined;
  // Keys of what is remembered mean nothing outside this process, and nobody can compute one.
  const salt = randomBytes(16).toString('hex');
  const repeated = createRepeatedHeads<Head>({ open: deps.open ?? (() => true), answer: takeRepeated });
  return { take, attend: repeated.attend, underWay: repeated.underWay };

  function take(request: IncomingMessage, response: ServerResponse): boolean {
    const isPost = request.method === 'POST' && request.url === '/introspect';
    const head = isPost ? readHead(request.rawHeaders, host) : undefined;
    repeated.note(request, response, head?.ifNoneMatch === undefined ? head : undefined);
    if (!head) return false;
    const noteOutcome = sample();
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString('latin1');
      if (body.length < head.bodyBytes) return;
      prove({
        ...{ head, body, request, noteOutcome },
        send(answer) {
          send(response, answer, head.ifNoneMatch);
          if (noteOutcome) noteOutcome(outcomeOf(answer));
        },
        respond: () => response,
      });
    });
    return true;
  }

  function takeRepeated({ head, body, request, send, respond }: RepeatedRequest<Head>): void {
    const noteOutcome = sample();
    prove({
      ...{ head, body, request, respond, noteOutcome },
      send(answer) {
        send(beforeLength + answer.length + afterLength, answer);
        if (noteOutcome) noteOutcome(outcomeOf(answer));
      },
    });
  }

  /** Begins to measure one in `sampledOneIn`. */
  function sample(): NoteOutcome | undefined {
    arrived += 1;
    if (arrived % sampledOneIn !== 0) return undefined;
    const begun = monotonic();
    return (outcome) => latency[outcome].note((monotonic() - begun) / 1_000);
  }

  function prove(question: Question): void {
    freshness.prove((failure, waited) => {
      if (failure !== undefined) fail(failure, question);
      else answer(question, waited);
    });
  }

  function answer(question: Question, waited = 0): void {
    const { head, body } = question;
    // No header holds a line feed: two questions never make the same text.
    const key = hash('sha256', `${salt}${head.authorization ?? ''}\n${body}`, 'base64');
    const known = view.recall(key);
    if (known) {
      recalled.n += 1;
      give(known, question);
    } else void store.within(() => find(key, question), { waited });
  }

  function give(known: KnownAnswer, { request, send }: Question): void {
    known.counter.n += 1;
    send(known.body);
    if (!onUse || known.body === inactive) return;
    const since = clock.now() - known.toldAt;
    if (since >= 0 && since < tellEverySeconds) return;
    known.toldAt = clock.now();
    onUse(known.authorizationId, known.caller, request);
  }

  /** Answers at once, or says that it will. */
  function find(key: string, question: Question): void | Promise<void> {
    try {
      const asked = readTokenAlone(question) ?? readForm(question);
      const found = asked && view.find(key, asked.caller, asked.token);
      if (!(found instanceof Promise)) return tell(found, question);
      return found.then((later) => tell(later, question)).catch((error: unknown) => fail(error, question));
    } catch (error) {
      fail(error, question);
    }
  }

  function fail(error: unknown, { respond, noteOutcome }: Question): void {
    plain.fail(error, respond(), noteOutcome);
  }

  function tell(found: KnownAnswer | string | undefined, question: Question): void | Promise<void> {
    if (found === undefined)
      return plain.handleForm(
        question.head.authorization,
        formOf(question),
        question.respond(),
        question.noteOutcome,
      );
    if (typeof found === 'string') question.send(found);
    else give(found, question);
  }

  /** Reads the commonest question, in which nothing has to be decoded. */
  function readTokenAlone({ head: { authorization }, body }: Question): Asked | undefined {
    if (authorization === undefined || !tokenAlone.test(body)) return undefined;
    if (lastHeader?.authorization !== authorization) {
      lastHeader = { authorization, caller: proofOf(authorization, new Map(), authorization) };
    }
    return { caller: lastHeader.caller, token: body.slice(tokenPrefix.length) };
  }

  /** @returns undefined unless it is one of the two ways to show a secret, and nothing else that counts is repeated */
  function readForm(question: Question): Asked | undefined {
    const form = formOf(question);
    const { authorization } = question.head;
    const token = form.get('token')?.[0];
    if (!token || singleParameters.some((name) => (form.get(name)?.length ?? 0) > 1)) return undefined;
    if (form.has('client_assertion') || form.has('client_assertion_type')) return undefined;
    const secret = form.get('client_secret')?.[0];
    if ((authorization === undefined) === (secret === undefined)) return undefined;
    const shown = authorization ?? [form.get('client_id')?.[0], secret];
    return { caller: proofOf(authorization, form, shown), token };
  }

  function proofOf(authorization: string | undefined, form: Form, shown: unknown): CallerProof {
    return {
      key: hash('sha256', salt + JSON.stringify(shown), 'base64'),
      async authenticate() {
        const outcome = await callers.authenticate(authorization, form);
        return outcome.kind === 'caller' ? outcome.server : undefined;
      },
    };
  }
}

/** What is asked, by whom. */
interface Asked {
  readonly caller: CallerProof;
  readonly token: string;
}

const tokenPrefix = 'token=';
/** A body that is a token of ours and nothing else; who asks is in the header. */
const tokenAlone = /^token=[\w.~-]+$/;

const outcomeOf = (answer: string) => (answer === inactive ? 'inactive' : 'active');

const formOf = ({ body }: Question): Form => parseForm(Buffer.from(body, 'latin1').toString('utf8'));

interface Head {
  readonly authorization: string | undefined;
  readonly bodyBytes: number;
  /** What the asker keeps already. */
  readonly ifNoneMatch: string | undefined;
}

/**
 * Reads what counts of a request's head, without building the object of all headers. Pure.
 * @param raw names and values in turn
 * @returns undefined when anything is not as in the common way
 */
function readHead(raw: readonly string[], host: string): Head | undefined {
  let authorization: string | undefined;
  let ifNoneMatch: string | undefined;
  let bodyBytes = 0;
  let isForm = false;
  let isHost = false;
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] as string;
    const value = raw[index + 1] as string;
    switch (name.length) {
      case 4:
        if (name.toLowerCase() !== 'host') break;
        if (isHost || value !== host) return undefined;
        isHost = true;
        break;
      case 12:
        if (name.toLowerCase() !== 'content-type') break;
        if (isForm || !(value === formType || formInUtf8.test(value))) return undefined;
        isForm = true;
        break;
      case 13:
        switch (name.toLowerCase()) {
          case 'authorization':
            // An empty one is one all the same, and none to the hash of a question.
            if (authorization !== undefined || value === '') return undefined;
            authorization = value;
            break;
          case 'if-none-match':
            if (ifNoneMatch !== undefined) return undefined;
            ifNoneMatch = value;
            break;
        }
        break;
      case 14:
        if (name.toLowerCase() !== 'content-length') break;
        bodyBytes = Number(value);
        break;
      case 16:
        if (name.toLowerCase() === 'content-encoding') return undefined;
        break;
      case 17:
        if (name.toLowerCase() === 'transfer-encoding') return undefined;
        break;
    }
  }
  const common = isHost && isForm && bodyBytes > 0 && bodyBytes <= mostBodyBytes;
  return common ? { authorization, bodyBytes, ifNoneMatch } : undefined;
}

/** Status line and headers of the common answer, around its length; as `send` has them written. */
const beforeLength = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ';
const afterLength = '\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n';

/** Bodies are ASCII: as many bytes as characters. */
function send(response: ServerResponse, body: string, ifNoneMatch: string | undefined): void {
  if (ifNoneMatch !== undefined) {
    sendConditionally(response, body, ifNoneMatch);
    return;
  }
  response.writeHead(200, [
    'Content-Type',
    'application/json',
    'Content-Length',
    String(body.length),
    'Cache-Control',
    'no-store',
    'X-Content-Type-Options',
    'nosniff',
  ]);
  response.end(body, 'latin1');
}
