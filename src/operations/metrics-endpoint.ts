/**
 * `GET /metrics`. Not public: with a token it answers whoever shows it, whatever the host is called there; without one it answers this
 * machine itself outside production, and nobody in production.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MetricFamily } from './metric-families.ts';
import type { Metrics, MetricsOfProcess } from './metrics.ts';

export interface MetricsAccess {
  /** `METRICS_TOKEN`. */
  readonly token: string | undefined;
  readonly production: boolean;
}

/** Says whether a request may read the metrics. Pure. `hidden`: there is nothing here, as far as it is told. */
export function judgeMetricsRequest(
  request: Pick<IncomingMessage, 'headers' | 'socket'>,
  { token, production }: MetricsAccess,
): 'allowed' | 'refused' | 'hidden' {
  if (token !== undefined) {
    const shown = /^bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
    return shown !== undefined && timingSafeEqual(digest(shown), digest(token)) ? 'allowed' : 'refused';
  }
  return !production && isThisMachine(request) ? 'allowed' : 'hidden';
}

const digest = (text: string) => createHash('sha256').update(text).digest();

/** By its address and by the name it was called: a page elsewhere whose name is made to point here has another one. */
function isThisMachine({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): boolean {
  const address = socket.remoteAddress ?? '';
  const local = address === '::1' || /^(::ffff:)?127\./.test(address);
  const forwarded = headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined;
  return local && !forwarded && /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i.test(headers.host ?? '');
}

export interface MetricsEndpoint {
  /** Answers a request for this path. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** The metrics of this process, for one that speaks for several. */
  read(): Promise<MetricsOfProcess>;
}

export function createMetricsEndpoint(deps: {
  readonly access: MetricsAccess;
  readonly families: readonly MetricFamily[];
  /** Asks every process that serves side by side, this one included. */
  readonly everyProcess: () => Promise<MetricsOfProcess[]>;
  readonly onFailure: (error: unknown) => void;
}): MetricsEndpoint {
  const { access, families, everyProcess, onFailure } = deps;
  let metrics: Promise<Metrics> | undefined;
  const read = async () => {
    metrics ??= import('./metrics.ts').then(({ createMetrics }) => createMetrics(families));
    return (await metrics).read();
  };

  return {
    read,
    async handle(request, response) {
      const verdict = judgeMetricsRequest(request, access);
      if (verdict === 'hidden') return answer(response, 404, 'there is nothing here\n');
      if (verdict === 'refused') {
        response.setHeader('WWW-Authenticate', 'Bearer realm="metrics"');
        return answer(response, 401, 'these metrics are read with the METRICS_TOKEN\n');
      }
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        response.setHeader('Allow', 'GET, HEAD');
        return answer(response, 405, 'metrics are read\n');
      }
      try {
        const processes = await everyProcess();
        const { writeMetrics } = await import('./metrics.ts');
        const { contentType, text } = await writeMetrics(processes);
        answer(response, 200, text, contentType);
      } catch (error) {
        onFailure(error);
        answer(response, 503, 'the metrics cannot be read now\n');
      }
    },
  };
}

function answer(
  response: ServerResponse,
  status: number,
  text: string,
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(response.req.method === 'HEAD' ? undefined : text);
}
