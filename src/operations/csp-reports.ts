/**
 * `POST /csp-reports`: what browsers kept from happening on our pages. Anyone can send anything here, so little of it is believed and
 * little is kept: a few words in the log, a number, and no more of either than somebody could read.
 * @see https://www.w3.org/TR/reporting-1/ and https://www.w3.org/TR/CSP3/#reporting
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { endpointOf } from './endpoint-name.ts';
import type { LabelledCounters } from './labelled-counters.ts';

/** The address of the endpoint, which the policy names. */
export const reportsPath = '/csp-reports';

const mostBytes = 16 * 1_024;
const mostReportsAtOnce = 10;
/** Reports that one process logs in a minute; the others are counted alone. */
const mostLoggedAMinute = 30;
const mediaTypes = /^application\/(reports\+json|csp-report|json)\s*(;|$)/i;

/** A violation, with nothing of it that could be somebody's secret. */
export interface Violation {
  readonly directive: string;
  /** An origin, or one of the words that stand for none. */
  readonly blocked: string;
  /** The endpoint whose page it was. */
  readonly page: string;
  readonly line: number | undefined;
}

/**
 * Reads the violations of our own pages out of a report's body. Pure.
 * @param issuer what is of another origin is left out
 */
export function violationsOf(body: unknown, issuer: string): Violation[] {
  const reports = Array.isArray(body)
    ? body.slice(0, mostReportsAtOnce).map((report) => memberOf(report, 'body'))
    : [memberOf(body, 'csp-report')];
  return reports.flatMap((report) => {
    const text = (...names: string[]) =>
      names.map((name) => memberOf(report, name)).find((value) => typeof value === 'string') ?? '';
    const page = URL.parse(String(text('documentURL', 'document-uri')));
    const directive = String(text('effectiveDirective', 'effective-directive', 'violated-directive')).split(
      ' ',
    )[0];
    if (page?.origin !== issuer || !/^[a-z-]{3,30}$/.test(directive ?? '')) return [];
    const line = memberOf(report, 'lineNumber') ?? memberOf(report, 'line-number');
    return [
      {
        directive: directive ?? '',
        blocked: blockedBy(String(text('blockedURL', 'blocked-uri'))),
        page: endpointOf(page.pathname),
        line: typeof line === 'number' ? line : undefined,
      },
    ];
  });
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

/** What was kept away: never a whole address, which may hold anything. */
function blockedBy(blocked: string): string {
  if (/^[a-z-]{1,30}$/.test(blocked)) return blocked;
  const url = URL.parse(blocked);
  if (!url) return 'unknown';
  return (url.origin === 'null' ? url.protocol : url.origin).slice(0, 200);
}

export function createCspReports(deps: {
  readonly issuer: string;
  readonly log: Logger;
  readonly reports: LabelledCounters;
  readonly monotonic: () => number;
}): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const { issuer, log, monotonic } = deps;
  const logged = deps.reports.of('logged');
  const dropped = deps.reports.of('dropped');
  const refused = deps.reports.of('refused');
  let minute = 0;
  let inMinute = 0;

  const mayLog = (): boolean => {
    const now = Math.floor(monotonic() / 60_000);
    if (now !== minute) [minute, inMinute] = [now, 0];
    inMinute += 1;
    return inMinute <= mostLoggedAMinute;
  };

  return async (request, response) => {
    const body = await readReport(request);
    if (body.kind === 'refused') {
      refused.n += 1;
      // What is left of a body that is too long is not read.
      response
        .writeHead(body.status, { 'Cache-Control': 'no-store', Connection: 'close', ...body.headers })
        .end();
      return;
    }
    for (const violation of violationsOf(body.value, issuer)) {
      if (mayLog()) {
        logged.n += 1;
        log.warn({ violation }, 'a browser kept something from a page');
      } else dropped.n += 1;
    }
    response.writeHead(204, { 'Cache-Control': 'no-store' }).end();
  };
}

type Report =
  | { readonly kind: 'report'; readonly value: unknown }
  | { readonly kind: 'refused'; readonly status: number; readonly headers?: Record<string, string> };

async function readReport(request: IncomingMessage): Promise<Report> {
  if (request.method !== 'POST') return { kind: 'refused', status: 405, headers: { Allow: 'POST' } };
  if (!mediaTypes.test(request.headers['content-type'] ?? '')) return { kind: 'refused', status: 415 };
  if (Number(request.headers['content-length'] ?? 0) > mostBytes) return { kind: 'refused', status: 413 };
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > mostBytes) return { kind: 'refused', status: 413 };
      chunks.push(chunk);
    }
    return { kind: 'report', value: JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown };
  } catch {
    return { kind: 'refused', status: 400 };
  }
}
