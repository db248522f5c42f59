/**
 * `/healthz`: the process runs. `/readyz`: it can answer, so requests may be sent to it; no longer once it begins to stop, and not while
 * its database cannot be read.
 */
import type { ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Store } from '../../db/open.ts';

export function createHealth({
  store,
  log,
  ready,
}: {
  store: Pick<Store, 'db'>;
  log: Logger;
  /** False when the server begins to stop. */
  ready: () => boolean;
}): (path: '/healthz' | '/readyz', response: ServerResponse) => Promise<void> {
  return async (path, response) => {
    const healthy = path === '/healthz' || (ready() && (await canRead()));
    response.writeHead(healthy ? 200 : 503, {
      'Content-Type': 'application/json',
      'Cache-Control': 'no-store',
    });
    response.end(JSON.stringify({ ok: healthy }));
  };

  async function canRead(): Promise<boolean> {
    try {
      // change_counter by primary key
      await store.db.selectFrom('change_counter').select('n').executeTakeFirstOrThrow();
      return true;
    } catch (error) {
      log.warn({ err: error }, 'not ready');
      return false;
    }
  }
}
