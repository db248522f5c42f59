/**
 * The real server in a process of its own, as an operator starts it: for what can only be seen from outside, such as a
 * crash, two nodes on one database, or a start that is refused. Owns the process's life and the way to reach it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.ts';
import { type Answer, type SendOptions, sendTo } from './raw-request.ts';

const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));
const readyWithinMilliseconds = 45_000;

export interface ServerProcessOptions {
  /** The program, where it is not the sources'. */
  readonly program?: string;
  readonly databaseUrl: string;
  /** Shared by the nodes of one issuer; by default the port of this process on localhost. */
  readonly issuer?: string;
  /** Where it listens; a free port when left out. */
  readonly port?: number;
  /** Whether it leads a process group of its own, with its workers in it: `process.kill(-pid, …)` reaches all of them. */
  readonly leadsGroup?: boolean;
  /** Further environment variables. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Told of the process before it is ready. */
  readonly whileStarting?: (pid: number) => Promise<void>;
}

export interface ServerProcess {
  readonly issuer: string;
  readonly pid: number;
  readonly port: number;
  /** Everything that it wrote so far, to either stream. */
  output(): string;
  /** Sends a request to this very process, under the issuer's name. */
  send(path: string, options?: SendOptions): Promise<Answer>;
  /** Ends it as a power cut would: nothing of it runs on, nothing is checkpointed. */
  kill(): Promise<void>;
  /** Tells it to stop and waits until it has. @returns its exit code */
  stop(): Promise<number | null>;
}

/** Starts a server and waits until it is ready. @throws Error with what it wrote when it ends instead */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const port = options.port ?? (await freePort());
  const issuer = options.issuer ?? `http://localhost:${port}`;
  const child = spawnServer(
    {
      ISSUER: issuer,
      PORT: String(port),
      DATABASE_URL: options.databaseUrl,
      ...options.environment,
    },
    options,
  );
  const output = collect(child);
  const agent = new Agent({ keepAlive: true });
  const send: ServerProcess['send'] = (path, sent) =>
    sendTo(port, path, { agent, ...sent, headers: { host: new URL(issuer).host, ...sent?.headers } });
  const end = async (signal: NodeJS.Signals) => {
    // What is told to stop may answer what it was asked before.
    if (signal === 'SIGKILL') agent.destroy();
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    }
    agent.destroy();
    return child.exitCode;
  };
  await Promise.all([
    untilReady(child, output, () => send('/readyz'), Number(options.environment?.MANDATE_WORKERS ?? 1) > 1),
    options.whileStarting?.(child.pid as number),
  ]);
  return {
    issuer,
    pid: child.pid ?? 0,
    port,
    output,
    send,
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
  };
}

/** What became of a start that was expected to be refused. */
export interface RefusedStart {
  readonly code: number | null;
  readonly output: string;
}

/** Starts a server that should not start, and waits for its end; one that runs all the same is ended and has no exit code. */
export async function startRefused(environment: Readonly<Record<string, string>>): Promise<RefusedStart> {
  const child = spawnServer({ PORT: String(await freePort()), ...environment });
  const output = collect(child);
  const tooLong = setTimeout(() => child.kill('SIGKILL'), readyWithinMilliseconds);
  await once(child, 'close');
  clearTimeout(tooLong);
  return { code: child.exitCode, output: output() };
}

function spawnServer(
  environment: Readonly<Record<string, string>>,
  { program = cli, leadsGroup: detached = false }: Pick<ServerProcessOptions, 'program' | 'leadsGroup'> = {},
): ChildProcess {
  const child = spawn(process.execPath, [program, 'start', '--no-platform'], {
    env: { PATH: process.env.PATH, ...environment },
    // Not where a developer may have an .env.
    cwd: tmpdir(),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached,
  });
  // A test that fails in the middle leaves no server behind.
  const lastResort = () => void child.kill('SIGKILL');
  process.once('exit', lastResort);
  child.once('exit', () => process.off('exit', lastResort));
  return child;
}

function collect(child: ChildProcess): () => string {
  const pieces: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (piece: Buffer) => void pieces.push(piece));
  }
  return () => Buffer.concat(pieces).toString('utf8');
}

async function untilReady(
  child: ChildProcess,
  output: () => string,
  ask: () => Promise<Answer>,
  hasWorkers: boolean,
): Promise<void> {
  for (const start = Date.now(); Date.now() - start < readyWithinMilliseconds; ) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`the server ended with ${child.exitCode ?? child.signalCode}:\n${output()}`);
    }
    const answer = await ask().catch(() => undefined);
    // One of several workers answers before the others do; the supervisor says when all of them serve.
    if (answer?.status === 200 && (!hasWorkers || output().includes('is ready at'))) return;
    await new Promise((resume) => setTimeout(resume, 25));
  }
  child.kill('SIGKILL');
  throw new Error(`the server was not ready in time:\n${output()}`);
}
