/**
 * Listens to Mandate's change stream, comes back when it ends, and knows up to which moment it was told everything. Owns the
 * connection and that proof; does not own what is forgotten because of it (`cached-introspector.ts`).
 */
import {
  type ClientAuthentication,
  type ClientCredentials,
  createClientAuthentication,
} from './client-authentication.ts';
import { endpointOf } from './endpoint.ts';
import { createEventStreamReader } from './event-stream.ts';

/** Where the stream is, as whom. */
export type ChangeStreamOptions = ClientCredentials & {
  /** The web-standard `fetch`, with a body that streams; the runtime's own by default. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
} & (
    | { /** Canonical issuer; its stream is at `/changes`. */ readonly issuer: string }
    | { readonly changesEndpoint: string; readonly issuer?: never }
  );

/** A moment up to which everything was told. */
export interface Proof {
  /** On the monotonic clock; never later than the real moment. */
  readonly at: number;
  /** What Mandate's own clock said then: integer seconds since the epoch. */
  readonly second: number;
}

export interface ChangeListener {
  /** Undefined until the stream was in step for the first time. */
  readonly proof: Proof | undefined;
  /** Ends the connection and does not come back. */
  close(): void;
}

export interface ChangeListenerHandlers {
  /** An authorization's answers may have changed. */
  onAuthorization(id: string): void;
  /** Anything may have changed. */
  onFlush(): void;
}

/** Mandate says something twice a second: a connection that is silent for this long is dead. */
const silentMilliseconds = 2_000;
const mostRetryMilliseconds = 5_000;
/** A stream whose proofs are older than this when they come has fallen behind, or this machine slept: a new one may be in step. */
const mostLagMilliseconds = 3_000;

/** What a request for the stream is made of. */
interface ChangeStream {
  readonly endpoint: string;
  readonly send: (url: string, init: RequestInit) => Promise<Response>;
  readonly authentication: ClientAuthentication;
}

/**
 * Reads where the stream is; asks nothing.
 *
 * @throws TypeError when the issuer is no web address, or an id, or a secret or key, is missing
 */
export function changeStreamOf(options: ChangeStreamOptions): ChangeStream {
  const named = 'changesEndpoint' in options ? options.changesEndpoint : undefined;
  return {
    endpoint: endpointOf(options.issuer, '/changes', named),
    send: options.fetch ?? ((url: string, init: RequestInit) => globalThis.fetch(url, init)),
    authentication: createClientAuthentication(options, options.issuer),
  };
}

/**
 * Begins to listen.
 *
 * @param monotonic - milliseconds that only ever go on
 */
export function listenToChanges(
  { endpoint, send, authentication }: ChangeStream,
  handlers: ChangeListenerHandlers,
  monotonic: () => number,
): ChangeListener {
  let proof: Proof | undefined;
  let lastEventId: string | undefined;
  let retryMilliseconds = 250;
  let failures = 0;
  let closed = false;
  let abort: AbortController | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  /** @throws RangeError when the stream has fallen behind */
  function prove(comment: string, requestedAt: number): void {
    const match = /^alive (\d{1,12}) (\d{1,12})$/.exec(comment);
    if (!match) return;
    failures = 0;
    // Until the first of these, nobody says what changed: whatever was asked before is not covered.
    if (proof === undefined) handlers.onFlush();
    // Counted from when the request left, which was before it arrived: a message that was long on its way proves no more than it should.
    const now = monotonic();
    const at = Math.min(requestedAt + Number(match[1]), now);
    if (now - at > mostLagMilliseconds) throw new RangeError('the stream has fallen behind');
    if (proof === undefined || at > proof.at) proof = { at, second: Number(match[2]) };
  }

  function hear(type: string, data: string): void {
    const id = type === 'authorization' ? authorizationIdOf(data) : undefined;
    // What is not understood may be anything.
    if (id === undefined) handlers.onFlush();
    else handlers.onAuthorization(id);
  }

  async function listen(): Promise<void> {
    const controller = new AbortController();
    abort = controller;
    const giveUp = () => controller.abort();
    let silence = setTimeout(giveUp, silentMilliseconds);
    try {
      const made = authentication.prove();
      const shown = made instanceof Promise ? await made : made;
      const requestedAt = monotonic();
      const response = await send(endpoint, {
        // A signed assertion belongs into a form (RFC 7521 section 4.2): an address would be written down on its way.
        ...(authentication.needsForm
          ? { method: 'POST', body: new URLSearchParams(shown.fields).toString() }
          : {}),
        headers: {
          accept: 'text/event-stream',
          ...shown.headers,
          ...(authentication.needsForm ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
          ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
        },
        // A redirect would carry our secret to a place nobody configured.
        redirect: 'manual',
        signal: controller.signal,
      });
      const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
      if (response.status !== 200 || !isStream || !response.body) {
        failures += 1;
        return controller.abort();
      }
      let said = '';
      const read = createEventStreamReader({
        onEvent: hear,
        onComment: (comment) => {
          said = comment;
        },
        // Together: a proof without the place to resume at would leave a gap when the stream is cut between them.
        onId: (id) => {
          lastEventId = id;
          prove(said, requestedAt);
        },
        onRetry: (milliseconds) => {
          retryMilliseconds = milliseconds;
        },
      });
      const decoder = new TextDecoder();
      const reader = response.body.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        // What comes after the end was asked for is nobody's any more.
        if (done || closed) return;
        clearTimeout(silence);
        silence = setTimeout(giveUp, silentMilliseconds);
        read(decoder.decode(value, { stream: true }));
      }
    } catch {
      failures += 1;
    } finally {
      clearTimeout(silence);
      controller.abort();
    }
  }

  async function keepListening(): Promise<void> {
    await listen();
    if (closed) return;
    // A stream that ended in good order is taken up again at once; the random part keeps many listeners from coming all together.
    const pause = failures === 0 ? 20 : retryMilliseconds * 2 ** Math.min(failures - 1, 5);
    timer = setTimeout(
      () => void keepListening(),
      Math.min(pause, mostRetryMilliseconds) * (0.5 + Math.random()),
    );
  }

  void keepListening();
  return {
    get proof() {
      return proof;
    },
    close() {
      closed = true;
      proof = undefined;
      clearTimeout(timer);
      abort?.abort();
    },
  };
}

function authorizationIdOf(data: string): string | undefined {
  try {
    const { id } = JSON.parse(data) as { id?: unknown };
    return typeof id === 'string' ? id : undefined;
  } catch {
    return undefined;
  }
}
