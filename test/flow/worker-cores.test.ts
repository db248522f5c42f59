/** `MANDATE_WORKER_CORES`: workers bound to cores, seen from outside. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runCommand } from '../support/command-line.ts';
import { type FreshDatabase, freshDatabaseUrl } from '../support/databases.ts';
import { childrenOf, until } from '../support/processes.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

/** Where each thread of a process may run, as the system writes it. */
const coresOf = (pid: number): string[] =>
  readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    try {
      const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
      return /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '';
    } catch {
      // It ended since it was listed.
      return [];
    }
  });

const canBind = spawnSync('taskset', ['-p', String(process.pid)]).status === 0;

/** Not the first: to that one nobody would have to be bound where there are several. */
const allowed = (canBind && coresOf(process.pid)[0]) || '';
const core = /\d+$/.exec(allowed)?.[0] ?? '0';

(canBind ? describe : describe.skip)('workers that are bound to cores (needs taskset)', () => {
  let database: FreshDatabase;
  let server: ServerProcess;

  beforeAll(async () => {
    database = await freshDatabaseUrl('sqlite');
    server = await startServerProcess({
      databaseUrl: database.url,
      environment: { MANDATE_WORKERS: '2', MANDATE_WORKER_CORES: core, LOG_LEVEL: 'info' },
    });
  });
  afterAll(async () => {
    await server?.stop();
    await database?.drop();
  });

  const bound = () => childrenOf(server.pid).flatMap(coresOf);

  test('run there with all their threads, and their supervisor anywhere', () => {
    expect(childrenOf(server.pid)).toHaveLength(2);
    expect(new Set(bound())).toEqual(new Set([core]));
    expect(coresOf(server.pid)[0]).toBe(allowed);
  });

  test('are followed by others that run there too', async () => {
    const before = childrenOf(server.pid);
    process.kill(server.pid, 'SIGHUP');
    await until(() => server.output().includes('every worker was replaced'), 'they are replaced');
    expect(childrenOf(server.pid).filter((pid) => before.includes(pid))).toEqual([]);
    expect(new Set(bound())).toEqual(new Set([core]));
  }, 120_000);
});

(canBind ? test : test.skip).each([
  { given: '8191', said: 'MANDATE_WORKER_CORES cannot bind a worker to core 8191: ', environment: {} },
  {
    given: '0',
    said: 'MANDATE_WORKER_CORES cannot bind a worker to core 0: the program taskset of util-linux, which it needs, cannot be run',
    environment: { PATH: '/nowhere' },
  },
])(
  'a start whose workers cannot be bound is refused, and says why: $said',
  async ({ given, said, environment }) => {
    const database = await freshDatabaseUrl('sqlite');
    const { code, stderr } = await runCommand(['start', '--workers', '2'], {
      DATABASE_URL: database.url,
      MANDATE_WORKER_CORES: given,
      PORT: '0',
      ...environment,
    });
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(said) });
    await database.drop();
  },
);
