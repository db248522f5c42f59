/**
 * A real PostgreSQL for the tests: started on a random loopback port with a data folder of its own, and taken away again.
 * Owns the server's life; postgres-binaries.ts owns where its programs come from.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { type Account, findPostgresBinaries, unprivilegedAccount } from './postgres-binaries.ts';
import { childrenOf } from './processes.ts';

const run = promisify(execFile);
const folderPrefix = 'mandate-postgres-';
const startSeconds = 30;

/** How to start a server; each has a default that suits fast tests. */
export interface PostgresOptions {
  /** Whether commits reach the disk before they are acknowledged; off unless asked. */
  readonly durable?: boolean;
  /** Further settings, as in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A running server. */
export interface Postgres {
  /** The superuser's URL, to the database `postgres`. */
  readonly url: string;
  /** The folder of its data; what it logs is in the file beside it, of the same name and `.log`. */
  readonly data: string;
  /** The postmaster's process id; another one after a restart. */
  readonly pid: number;
  /** Freezes the postmaster and all its backends: connections stay open and nothing answers. */
  pause(): void;
  /** Lets a paused server go on. */
  resume(): void;
  /** Stops the server, `fast` (sessions are ended) or `immediate` (as in a crash), and starts it on the same port and data. */
  restart(mode?: 'fast' | 'immediate'): Promise<void>;
  /** Stops the server as an operator does. @returns what starts it on the same port and data */
  shutDown(): Promise<() => Promise<void>>;
  /** Stops the server and removes its data. */
  stop(): Promise<void>;
}

/**
 * Starts a PostgreSQL server, after reaping those whose owner died.
 *
 * @throws Error that says what is missing, or shows the end of the server's log
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  reapLeftOverServers();
  const account = unprivilegedAccount();
  const folder = await mkdtemp(join(tmpdir(), `${folderPrefix}${process.pid}-`));
  let server: ChildProcess | undefined;
  const removeFolder = () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  const lastResort = () => {
    server?.kill('SIGQUIT');
    removeFolder();
  };
  process.once('exit', lastResort);
  try {
    const password = randomBytes(16).toString('hex');
    const data = join(folder, 'data');
    await chmod(folder, 0o755);
    await giveTo(account, data);
    const binaries = await findPostgresBinaries(folder, account);
    await initialize(binaries, data, password, account);
    const port = await freePort();
    const start = async () => {
      server = await launch(binaries, data, port, options, account);
    };
    await start();
    const running = () => {
      if (server?.pid === undefined) throw new Error('PostgreSQL is not running');
      return server.pid;
    };
    return {
      url: `postgres://mandate:${password}@127.0.0.1:${port}/postgres`,
      data,
      get pid() {
        return running();
      },
      pause: () => signalFamily(running(), 'SIGSTOP'),
      resume: () => signalFamily(running(), 'SIGCONT'),
      restart: async (mode = 'fast') => {
        await end(server, mode);
        await start();
      },
      shutDown: async () => {
        await end(server, 'fast');
        return start;
      },
      stop: async () => {
        await end(server, 'fast');
        server = undefined;
        process.off('exit', lastResort);
        removeFolder();
      },
    };
  } catch (error) {
    process.off('exit', lastResort);
    lastResort();
    throw error;
  }
}

async function giveTo(account: Account, data: string): Promise<void> {
  await mkdir(data, { mode: 0o700 });
  if (account.uid !== undefined) await chown(data, account.uid, account.gid);
}

async function initialize(binaries: string, data: string, password: string, account: Account): Promise<void> {
  const passwordFile = `${data}-password`;
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  if (account.uid !== undefined) await chown(passwordFile, account.uid, account.gid);
  const settings = ['--encoding=UTF8', '--no-locale', '--username=mandate', '--auth=password', '--no-sync'];
  await run(join(binaries, 'initdb'), [`--pgdata=${data}`, `--pwfile=${passwordFile}`, ...settings], {
    ...account,
    cwd: data,
  });
  await rm(passwordFile);
}

async function launch(
  binaries: string,
  data: string,
  port: number,
  options: PostgresOptions,
  account: Account,
): Promise<ChildProcess> {
  const speed = options.durable ? {} : { fsync: 'off', full_page_writes: 'off' };
  const settings = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    shared_buffers: '32MB',
    ...speed,
    ...options.settings,
  };
  const logFile = `${data}.log`;
  const log = await open(logFile, 'a');
  const server = spawn(
    join(binaries, 'postgres'),
    ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    { ...account, cwd: data, stdio: ['ignore', log.fd, log.fd] },
  );
  const failure = new Promise<string>((resolve) => {
    server.once('error', (error) => resolve(error.message));
    server.once('exit', (code, signal) => resolve(`it ended with ${code ?? signal}`));
  });
  await log.close();
  const stopWaiting = new AbortController();
  const outcome = await Promise.race([failure, whenReady(data, server.pid, stopWaiting.signal)]);
  stopWaiting.abort();
  if (outcome === 'ready') return server;
  server.kill('SIGQUIT');
  const tail = (await readFile(logFile, 'utf8')).split('\n').slice(-15).join('\n');
  throw new Error(`PostgreSQL did not start: ${outcome}\n${tail}`);
}

/** Waits until the postmaster writes `ready` on the eighth line of its pid file, as pg_ctl does. */
async function whenReady(data: string, pid: number | undefined, signal: AbortSignal): Promise<string> {
  for (let waited = 0; waited < startSeconds * 50 && !signal.aborted; waited++) {
    const lines = await readFile(join(data, 'postmaster.pid'), 'utf8').then(
      (text) => text.split('\n'),
      () => [],
    );
    if (lines[0] === String(pid) && lines[7]?.trim() === 'ready') return 'ready';
    await sleep(20);
  }
  return `it was not ready after ${startSeconds} seconds`;
}

async function end(server: ChildProcess | undefined, mode: 'fast' | 'immediate'): Promise<void> {
  if (server?.pid === undefined || server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, 'exit');
  signalFamily(server.pid, 'SIGCONT');
  server.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
  const timer = setTimeout(() => server.kill('SIGQUIT'), 5_000);
  await exited;
  clearTimeout(timer);
}

/** Sends a signal to the postmaster and then to its children: they are no process group, each leads its own session. */
function signalFamily(postmaster: number, signal: NodeJS.Signals): void {
  process.kill(postmaster, signal);
  for (const pid of childrenOf(postmaster)) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      // A backend may have ended since it was listed.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** Ends the servers, and removes the folders, of test runs that were killed before they could do it themselves. */
function reapLeftOverServers(): void {
  for (const name of readdirSync(tmpdir())) {
    const owner = new RegExp(`^${folderPrefix}(\\d+)-`).exec(name)?.[1];
    if (owner === undefined || isAlive(Number(owner))) continue;
    const data = join(tmpdir(), name, 'data');
    try {
      const pid = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]);
      // The id may have been given to another process meanwhile: the postmaster's command line names its data folder.
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(data))
        process.kill(pid, 'SIGKILL');
    } catch {
      // No server there any more.
    }
    try {
      rmSync(join(tmpdir(), name), { recursive: true, force: true, maxRetries: 3 });
    } catch {
      // Another account's; its own next run removes it.
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
