import { type ClientCredentials, createClientAuthentication } from './client-authentication.ts';
import { endpointOf } from './endpoint.ts';
import type { ActiveIntrospection } from './introspection.ts';
import { createMonotonic } from './monotonic.ts';
import { mcpServerAt, projectAccess, type Requirement } from './verdict.ts';

export type UseReporterOptions = ClientCredentials & {
  /** Canonical issuer; uses are told at `/uses`. */
  readonly issuer: string;
  /** The web-standard `fetch`; the runtime's own by default. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** How long uses are gathered before they are told; 10,000 by default. */
  readonly everyMilliseconds?: number;
};

/** Tells Mandate what tokens are used for, so that their owners can narrow them to it. */
export interface UseReporter {
  /** Notes an allowed operation; returns at once and never throws. */
  note(authorization: ActiveIntrospection, resource: string, requirement: Requirement): void;
  /** Tells what is noted so far; what cannot be told is dropped. */
  flush(): Promise<void>;
}

/** The same use of the same authorization is told once in this time. */
const againAfterMilliseconds = 60_000;
const mostAtOnce = 200;
/** Uses remembered as told; more than these in a minute are told more than once. So many may wait to be told; more are dropped. */
const mostRemembered = 50_000;

/**
 * Creates the reporter; give it to `requireAuthorization` as `uses`. Gathers in memory, tells in batches, never on the way of a
 * request; telling is a courtesy, so what fails is dropped.
 *
 * @throws TypeError when the issuer is no web address, or an id, or a secret or key, is missing
 */
export function createUseReporter(options: UseReporterOptions): UseReporter {
  const send = options.fetch ?? ((url: string, init: RequestInit) => globalThis.fetch(url, init));
  const endpoint = endpointOf(options.issuer, '/uses');
  const authentication = createClientAuthentication(options, options.issuer);
  const everyMilliseconds = options.everyMilliseconds ?? 10_000;
  const monotonic = createMonotonic();
  const told = new Map<string, number>();
  const pending = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    while (pending.size > 0) {
      const batch = [...pending].slice(0, mostAtOnce);
      for (const use of batch) pending.delete(use);
      try {
        const { headers, fields } = await authentication.prove();
        const response = await send(endpoint, {
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
          body: new URLSearchParams([
            ...Object.entries(fields),
            ...batch.map((use) => ['use', use]),
          ]).toString(),
          redirect: 'manual',
          signal: AbortSignal.timeout(5_000),
        });
        await response.body?.cancel();
      } catch {
        // The next use is told again after a minute.
      }
    }
  }

  return {
    note(introspection, resource, requirement) {
      const now = monotonic();
      for (const use of usesOf(introspection, resource, requirement)) {
        const before = told.get(use);
        if (before !== undefined && now - before < againAfterMilliseconds) continue;
        // Told more slowly than uses come, or to nobody.
        if (pending.size >= mostRemembered) return;
        if (told.size >= mostRemembered) told.clear();
        told.set(use, now);
        pending.add(use);
      }
      if (pending.size === 0 || timer !== undefined) return;
      timer = setTimeout(() => void flush(), everyMilliseconds);
      // Where timers keep a process alive, this one must not.
      (timer as { unref?: () => void }).unref?.();
    },
    flush,
  };
}

/** Writes what an operation uses, one line each. Pure. */
function usesOf(
  introspection: ActiveIntrospection,
  resource: string,
  { scopes = [], capability, project, mcpServer }: Requirement,
): string[] {
  const id = introspection.authorization_id;
  const server = mcpServer ? mcpServerAt(introspection, resource)?.identifier : undefined;
  const place = project === undefined ? undefined : projectAccess(introspection, project)?.identifier;
  const named = [...scopes, ...(capability === undefined ? [] : [capability])].filter(
    (name) => name !== 'mcp',
  );
  return [
    ...(server === undefined ? [] : [`${id} mcp ${server}`]),
    ...named.map((name) => (place === undefined ? `${id} ${name}` : `${id} ${name} ${place}`)),
  ];
}
