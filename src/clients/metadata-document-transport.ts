/**
 * Asks hosts that somebody else named, and only on the public internet: the name is resolved once, every address is judged before a
 * connection is made, and the connection goes to what was judged. Owns the limits of time and size; does not own what is read.
 * @see draft-ietf-oauth-client-id-metadata-document section 8.6
 */
import { Resolver } from 'node:dns/promises';
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { type RequestOptions, request as requestByHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { isPublicAddress } from './metadata-document-address.ts';

/** Name resolution, connection and body together. */
const withinMilliseconds = 2_500;

export type Got =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers: IncomingHttpHeaders;
      readonly body: Buffer;
    }
  /** Asking again would be answered the same. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** It may be there later. */
  | { readonly kind: 'unreachable'; readonly reason: string };

export interface PublicHttps {
  /** Gets a URL without following redirects. The body is read of a 200 alone. @param mostBytes what is refused beyond */
  get(url: string, limits: { readonly mostBytes: number }): Promise<Got>;
  /** Asks anything, likewise. The body is read whatever the status. */
  exchange(question: PublicQuestion, limits: { readonly mostBytes: number }): Promise<Got>;
}

export interface PublicQuestion {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

export interface PublicHttpsDependencies {
  /** Every address of a host name; the name servers of this machine unless told otherwise. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  /** Begins a request; TLS unless told otherwise. */
  readonly request?: (options: RequestOptions) => ClientRequest;
}

export function createPublicHttps(deps: PublicHttpsDependencies = {}): PublicHttps {
  const { resolve = resolveByDns, request = requestByHttps } = deps;
  return {
    get: (url, { mostBytes }) =>
      converse({ method: 'GET', url, headers: { Accept: 'application/json' } }, (response) =>
        response.statusCode === 200 ? read(response, mostBytes) : unread(response),
      ),
    exchange: (question, { mostBytes }) => converse(question, (response) => read(response, mostBytes)),
  };

  async function converse(
    question: PublicQuestion,
    hear: (response: IncomingMessage) => Got | Promise<Got>,
  ): Promise<Got> {
    const url = new URL(question.url);
    if (url.protocol !== 'https:') return { kind: 'refused', reason: 'it is not an https URL' };
    const signal = AbortSignal.timeout(withinMilliseconds);
    try {
      const addresses = await unlessAborted(signal, addressesOf(url, resolve));
      if (addresses.length === 0) return { kind: 'unreachable', reason: 'the host has no address' };
      if (!addresses.every(isPublicAddress)) {
        return { kind: 'refused', reason: 'the host is not on the public internet' };
      }
      const response = await respond(request(optionsOf(question, url, addresses, signal)), question.body);
      try {
        return await hear(response);
      } finally {
        response.destroy();
      }
    } catch {
      // Why exactly would tell a stranger about our network.
      const reason = signal.aborted ? 'the host did not answer in time' : 'the host could not be reached';
      return { kind: 'unreachable', reason };
    }
  }
}

function optionsOf(
  { method, headers }: PublicQuestion,
  url: URL,
  addresses: readonly string[],
  signal: AbortSignal,
): RequestOptions {
  const judged = addresses.map((address) => ({ address, family: isIP(address) }));
  const lookup: LookupFunction = (_host, options, done) => {
    const [first] = judged;
    if (options.all) done(null, judged);
    else if (first) done(null, first.address, first.family);
  };
  return {
    method,
    host: bare(url.hostname),
    port: url.port === '' ? 443 : Number(url.port),
    path: `${url.pathname}${url.search}`,
    headers: { ...headers, Host: url.host, 'Accept-Encoding': 'identity' },
    agent: false,
    maxHeaderSize: 8_192,
    lookup,
    signal,
  };
}

async function addressesOf(
  url: URL,
  resolve: NonNullable<PublicHttpsDependencies['resolve']>,
): Promise<readonly string[]> {
  const host = bare(url.hostname);
  return isIP(host) ? [host] : resolve(host);
}

function respond(asked: ClientRequest, body: string | undefined): Promise<IncomingMessage> {
  return new Promise((done, fail) => {
    asked.on('response', done).on('error', fail).end(body);
  });
}

const unread = ({ statusCode = 0, headers }: IncomingMessage): Got => ({
  kind: 'answer',
  status: statusCode,
  headers,
  body: Buffer.alloc(0),
});

async function read(response: IncomingMessage, mostBytes: number): Promise<Got> {
  const { statusCode: status = 0, headers } = response;
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') return { kind: 'refused', reason: 'the answer is compressed' };
  const tooLarge = { kind: 'refused', reason: `the answer is larger than ${mostBytes} bytes` } as const;
  if (Number(headers['content-length'] ?? 0) > mostBytes) return tooLarge;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > mostBytes) return tooLarge;
    chunks.push(chunk);
  }
  return { kind: 'answer', status, headers, body: Buffer.concat(chunks) };
}

/** Asks the name servers without a thread of the pool that passwords are hashed in. */
async function resolveByDns(host: string): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: 1_000, tries: 2 });
  const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
}

function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((done, fail) => {
    signal.addEventListener('abort', () => fail(signal.reason), { once: true });
    work.then(done, fail);
  });
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}
