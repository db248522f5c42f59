/** A request as it is written: any Host, any header, any body; `fetch` allows itself to correct some of it. */
import { type Agent, type IncomingHttpHeaders, request } from 'node:http';

/** An answer, read whole. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface SendOptions {
  /** POST when there is a body. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** Sent as a form unless the headers name another type. */
  readonly body?: URLSearchParams | string;
  readonly agent?: Agent;
}

/** Sends a request to a port of this machine. */
export function sendTo(port: number | string, path: string, options: SendOptions = {}): Promise<Answer> {
  const { body, agent } = options;
  const method = options.method ?? (body === undefined ? 'GET' : 'POST');
  const headers = {
    ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    ...options.headers,
  };
  return new Promise((resolve, reject) => {
    const target = { host: '127.0.0.1', port, path, method, headers, ...(agent ? { agent } : {}) };
    const sent = request(target, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => void pieces.push(piece));
      response.once('error', reject);
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(pieces).toString('utf8'),
        }),
      );
    });
    sent.once('error', reject);
    sent.end(body?.toString());
  });
}
