/** Listening to the change stream as tests do: the plain bytes, and the kit's cache as a resource server would wire it. */
import {
  type CachedIntrospector,
  type ClientCredentials,
  createCachedIntrospector,
  createIntrospector,
  type Introspect,
} from '../../src/resource-server/index.ts';
import { demo } from './mandate.ts';
import { startStopwatch } from './thread-time.ts';

export type { ClientCredentials };

type Caller = { id: string; secret: string };

export interface HeardEvent {
  readonly type: string;
  readonly data: { id?: string; version?: number | null; seq: number };
}

export interface Listening {
  readonly status: number;
  readonly headers: Headers;
  readonly events: readonly HeardEvent[];
  /** Everything that came, as it came. */
  text(): string;
  /** The last number that was told. */
  lastId(): string | undefined;
  /** Waits until what came satisfies a condition. @param milliseconds at most, without the wait for a processor */
  until(condition: () => boolean, milliseconds?: number): Promise<void>;
  /** Resolves when the server has ended the stream. */
  readonly ended: Promise<void>;
  close(): void;
}

export async function listen(issuer: string, caller: Caller, lastEventId?: string): Promise<Listening> {
  const controller = new AbortController();
  const response = await fetch(`${issuer}/changes`, {
    headers: {
      authorization: `Basic ${btoa(`${caller.id}:${caller.secret}`)}`,
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
    signal: controller.signal,
  });
  let text = '';
  const events: HeardEvent[] = [];
  const read = async () => {
    if (!response.body) return;
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      const before = text.lastIndexOf('\n\n') + 2;
      text += chunk;
      const complete = text.slice(
        text.indexOf('\n\n') < 0 ? text.length : before,
        text.lastIndexOf('\n\n') + 2,
      );
      for (const block of complete.split('\n\n')) {
        const type = /^event: (.*)$/m.exec(block)?.[1];
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (type && data) events.push({ type, data: JSON.parse(data) as HeardEvent['data'] });
      }
    }
  };
  const ended = read().catch(() => {});
  return {
    status: response.status,
    headers: response.headers,
    events,
    text: () => text,
    lastId: () => [...text.matchAll(/^id: (\d+)$/gm)].at(-1)?.[1],
    async until(condition, milliseconds = 20_000) {
      const taken = startStopwatch();
      while (!condition()) {
        if (taken() > milliseconds) throw new Error(`it did not come: ${text.slice(-500)}`);
        await new Promise((resolve) => void setTimeout(resolve, 2));
      }
    },
    ended,
    close: () => controller.abort(),
  };
}

/** A stream that a test can cut: connections are refused, and those that are open break. */
export interface CuttableStream {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  cut(): void;
  mend(): void;
}

export function cuttableStream(): CuttableStream {
  let broken = new AbortController();
  return {
    fetch: (url, init) =>
      fetch(url, {
        ...init,
        signal: AbortSignal.any([broken.signal, ...(init.signal ? [init.signal] : [])]),
      }),
    cut: () => broken.abort(),
    mend: () => {
      broken = new AbortController();
    },
  };
}

export interface CachingResourceServer extends CachedIntrospector {
  /** Questions that were asked of Mandate. */
  asked(): number;
  /** Resolves once answers are given from memory. */
  alive(): Promise<void>;
}

/** A resource server with the kit's cache. @param streamIssuer the node that it listens to, if not the one that it asks */
export function cachingResourceServer(
  issuer: string,
  options: {
    streamIssuer?: string;
    stream?: CuttableStream;
    caller?: Caller;
    credentials?: ClientCredentials;
  } = {},
): CachingResourceServer {
  const { id: clientId, secret: clientSecret } = options.caller ?? demo.apiServer;
  const credentials = options.credentials ?? { clientId, clientSecret };
  const plain = createIntrospector({ issuer, ...credentials });
  let asked = 0;
  const introspect: Introspect = (token) => {
    asked += 1;
    return plain.introspect(token);
  };
  const cached = createCachedIntrospector({
    introspector: { introspect },
    stream: {
      issuer: options.streamIssuer ?? issuer,
      ...credentials,
      ...(options.stream ? { fetch: options.stream.fetch } : {}),
    },
  });
  return {
    introspect: cached.introspect,
    get isAlive() {
      return cached.isAlive;
    },
    close: cached.close,
    asked: () => asked,
    async alive() {
      await cached.introspect('the first question begins to listen');
      while (!cached.isAlive) await new Promise((resolve) => void setTimeout(resolve, 5));
    },
  };
}
