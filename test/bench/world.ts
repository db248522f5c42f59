/** The servers that are measured, each a process of its own on the core for servers, with what is asked of them. */
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { demo } from '../support/mandate.ts';
import { startPostgres } from '../support/postgres.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { copyInMemory } from './copy-in-memory.ts';
import { fillField } from './field.ts';
import { connections, type Load, type Measured } from './load.ts';
import { pin, serverCore, startProgram, unpin } from './process.ts';

/** Something that is measured in turn with others. */
export interface Subject {
  readonly name: string;
  /** Subjects of one group are compared with the first of it. */
  readonly group: string;
  measure(seconds: number): Promise<Measured>;
}

/** A Mandate with tokens in the field. */
export interface Running extends Pick<ServerProcess, 'issuer' | 'pid' | 'output'> {
  readonly databaseUrl: string;
  readonly tokens: readonly string[];
  /** Introspection by the demo's API. */
  ask(bodies: readonly string[]): Load;
}

/** On which cores a server runs: the one for servers; every one, with the load; those that its workers bind themselves to, with the load. */
export type Runs = 'alone' | 'anywhere' | 'where it says';

export interface World {
  readonly sqlite: Running;
  /** One of two nodes. */
  readonly postgres: Running;
  readonly bare: { readonly pid: number; readonly url: string };
  readonly stock: {
    readonly pid: number;
    readonly url: string;
    readonly token: string;
    readonly headers: Record<string, string>;
    readonly refreshTokens: string[];
  };
  /** A folder that goes when everything ends. */
  readonly folder: string;
  /** Starts another Mandate on a database file of its own. */
  open(
    name: string,
    tokens: number,
    options?: { environment?: Record<string, string>; runs?: Runs },
  ): Promise<Running>;
  /** Starts another Mandate on a copy of the database of one, in memory where there is room, with nothing remembered yet. */
  beside(running: Running): Promise<Running & Pick<ServerProcess, 'stop'>>;
  stop(): Promise<void>;
  /** What our servers wrote, for when something goes wrong. */
  output(): string;
}

const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
export const basic = (id: string, secret: string) => ({
  ...form,
  Authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
});

/** As `npm start` has them: large blocks go back to the system, and V8's young generation is bounded as a worker's is. */
const memorySettings = {
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '131072',
  NODE_OPTIONS: '--max-semi-space-size=8 --v8-pool-size=1',
};

/** Starts everything. @param many tokens in the field of the SQLite server */
export async function startWorld(many: number): Promise<World> {
  const ends: (() => Promise<unknown>)[] = [];
  const outputs: (() => string)[] = [];
  const stop = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  const startOn = async (
    databaseUrl: string,
    environment: Record<string, string>,
    fill: () => Promise<readonly string[]>,
    runs: Runs,
  ): Promise<Running & Pick<ServerProcess, 'stop'>> => {
    const server = await startServerProcess({
      databaseUrl,
      environment: { LOG_LEVEL: 'error', ...memorySettings, ...environment },
    });
    ends.push(() => server.stop());
    outputs.push(server.output);
    const tokens = await fill();
    if (runs === 'alone') pin(server.pid, serverCore);
    if (runs === 'anywhere') unpin(server.pid);
    const headers = basic(demo.apiServer.id, demo.apiServer.secret);
    const url = `${server.issuer}/introspect`;
    const { issuer, pid, output, stop } = server;
    return {
      ...{ issuer, pid, output, stop, databaseUrl, tokens },
      ask: (bodies) => ({ pid, url, headers, bodies, everywhere: runs !== 'alone' }),
    };
  };
  const start = (
    databaseUrl: string,
    tokens: number,
    { environment = {}, runs = 'alone' }: { environment?: Record<string, string>; runs?: Runs } = {},
  ): Promise<Running> => startOn(databaseUrl, environment, () => fillField(databaseUrl, tokens), runs);
  try {
    const folder = await mkdtemp(join(tmpdir(), 'mandate-bench-'));
    ends.push(async () => rmSync(folder, { recursive: true, force: true }));
    const open: World['open'] = (name, tokens, options) =>
      start(`sqlite:${join(folder, `${name}.db`)}`, tokens, options);
    const sqlite = await open('mandate', Math.max(1, many));
    const { url, headers } = sqlite.ask([]);
    const sample = await fetch(url, { method: 'POST', headers, body: `token=${sqlite.tokens[0]}` });
    const answer = await sample.text();
    if (!answer.includes('"active":true')) throw new Error(`not active: ${answer}`);

    const bare = await startProgram<{ port: number }>('bare-server.ts', [String(answer.length)]);
    ends.push(() => bare.stop());
    const cluster = await startPostgres({ durable: true });
    ends.push(() => cluster.stop());
    const postgres = await start(cluster.url, 1);
    await startOn(cluster.url, {}, async () => [], 'alone');
    const stock = await startProgram<{
      port: number;
      token: string;
      refreshTokens: string[];
      id: string;
      secret: string;
    }>('stock-server.ts', [join(folder, 'stock.db'), String(connections)]);
    ends.push(() => stock.stop());
    const { port, token, refreshTokens, id, secret } = stock.said;
    return {
      sqlite,
      postgres,
      bare: { pid: bare.pid, url: `http://127.0.0.1:${bare.said.port}/introspect` },
      stock: {
        pid: stock.pid,
        url: `http://127.0.0.1:${port}`,
        token,
        headers: basic(id, secret),
        refreshTokens,
      },
      folder,
      open,
      async beside({ databaseUrl, tokens }) {
        const copy = await copyInMemory(databaseUrl.slice('sqlite:'.length));
        ends.push(async () => copy.remove());
        const running = await startOn(`sqlite:${copy.path}`, {}, async () => tokens, 'alone');
        return {
          ...running,
          async stop() {
            const code = await running.stop();
            copy.remove();
            return code;
          },
        };
      },
      stop,
      output: () => outputs.map((output) => output()).join('\n'),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
