/**
 * What one test run shares between its worker processes. PostgreSQL is started by the first test that asks for it, once,
 * in the runner's own process; a run without such a test never starts it.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type Postgres, startPostgres } from './postgres.ts';

/** The environment variable that hands the services' address from the runner to its workers. */
const addressVariable = 'MANDATE_TEST_SERVICES';

/** What the runner holds for its workers. */
export interface RunServices {
  /** Stops whatever was started. */
  stop(): Promise<void>;
}

/** Offers the services to every worker that starts from now on. */
export async function offerRunServices(): Promise<RunServices> {
  let postgres: Promise<Postgres> | undefined;
  // Only processes that were told the path may start anything.
  const path = `/${randomBytes(16).toString('hex')}/postgres`;
  const server = createServer((request, response) => {
    if (request.url !== path) {
      response.writeHead(404).end();
      return;
    }
    postgres ??= startPostgres();
    postgres.then(
      ({ url }) => response.end(url),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  server.listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');
  process.env[addressVariable] = `http://127.0.0.1:${address.port}${path}`;
  return {
    stop: async () => {
      server.close();
      server.closeAllConnections();
      const started = await postgres?.catch(() => undefined);
      await started?.stop();
    },
  };
}

/**
 * Asks the runner for the URL of the run's PostgreSQL, which starts it if nobody has asked before.
 *
 * @returns the superuser's URL
 * @throws Error with the starter's own words when PostgreSQL cannot run here
 */
export async function runPostgresUrl(): Promise<string> {
  const address = process.env[addressVariable];
  if (address === undefined) throw new Error(`${addressVariable} is not set: this runs in a jest test only`);
  const response = await fetch(address);
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}
