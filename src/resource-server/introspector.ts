import { mustBound } from './bounds.ts';
import { type ClientCredentials, createClientAuthentication } from './client-authentication.ts';
import { coalesce } from './coalesce.ts';
import { endpointOf } from './endpoint.ts';
import { type Introspect, type Introspection, readIntrospection } from './introspection.ts';
import { IntrospectionUnavailable } from './introspection-unavailable.ts';

/** Where to ask, as whom. */
export type IntrospectorOptions = ClientCredentials & {
  /** The web-standard `fetch`; the runtime's own by default. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** How long one question may take, its body included; 2000 by default. */
  readonly timeoutMilliseconds?: number;
} & (
    | { /** Canonical issuer; its endpoint is `/introspect`. */ readonly issuer: string }
    | { readonly introspectionEndpoint: string; readonly issuer?: never }
  );

/**
 * Makes the function that asks Mandate what a token may do right now. Nothing is cached: each answer was asked
 * for after the question. Identical questions that arrive while one is on its way share the next one.
 *
 * @returns a function that throws `IntrospectionUnavailable`, and nothing else, when no answer can be had
 * @throws TypeError when the issuer is no web address, or an id, or a secret or key, is missing
 * @throws RangeError when the time is no number
 * @see https://www.rfc-editor.org/rfc/rfc7662#section-2
 */
export function createIntrospector(options: IntrospectorOptions): { introspect: Introspect } {
  const endpoint = endpointOf(
    options.issuer,
    '/introspect',
    'introspectionEndpoint' in options ? options.introspectionEndpoint : undefined,
  );
  const send = options.fetch ?? ((url: string, init: RequestInit) => globalThis.fetch(url, init));
  const authentication = createClientAuthentication(options, options.issuer);
  const { timeoutMilliseconds = 2000 } = options;
  mustBound({ timeoutMilliseconds });

  async function ask(token: string): Promise<Introspection> {
    const signal = AbortSignal.timeout(timeoutMilliseconds);
    let status: number;
    let retryAfter: string | null;
    let text: string;
    try {
      const { headers, fields } = await authentication.prove();
      const response = await send(endpoint, {
        method: 'POST',
        headers: {
          accept: 'application/json',
          ...headers,
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: new URLSearchParams({ token, ...fields }).toString(),
        // A redirect would carry the token and our secret to a place nobody configured.
        redirect: 'manual',
        signal,
      });
      ({ status } = response);
      retryAfter = response.headers.get('retry-after');
      text = await response.text();
    } catch (cause) {
      throw new IntrospectionUnavailable(signal.aborted ? 'timeout' : 'network', { cause });
    }
    if (status !== 200) {
      throw new IntrospectionUnavailable('status', { status, retryAfterSeconds: seconds(retryAfter) });
    }
    const introspection = readIntrospection(parse(text));
    if (introspection === undefined) throw new IntrospectionUnavailable('malformed', { status });
    return introspection;
  }

  return { introspect: coalesce(ask, timeoutMilliseconds) };
}

/** `Retry-After` as delta seconds, held between one second and a minute; its date form is not used by Mandate. */
function seconds(retryAfter: string | null): number {
  const value = /^\d{1,9}$/.test(retryAfter ?? '') ? Number(retryAfter) : 1;
  return Math.min(Math.max(value, 1), 60);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
