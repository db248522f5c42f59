/**
 * From the start of the process to its first answer, of the sources and of what is built and published: on an empty database, which gets
 * the demo, and on one that is there.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../support/free-port.ts';
import { buildInstallation } from '../support/installation.ts';
import { sendTo } from '../support/raw-request.ts';
import { cpuSeconds, pin, residentMegabytes, serverCore } from './process.ts';

export interface Started {
  readonly name: string;
  readonly milliseconds: number;
  readonly cpuMilliseconds: number;
  readonly residentMegabytes: number;
  /** Two seconds later. */
  readonly settledMegabytes: number;
}

const sources = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));

/** @param rounds of which the medians are taken */
export async function measureStarts(folder: string, rounds: number): Promise<Started[]> {
  const installation = await buildInstallation();
  try {
    return await measure(folder, rounds, [
      { of: 'the sources', program: sources },
      { of: 'as published', program: installation.cli },
    ]);
  } finally {
    installation.remove();
  }
}

interface Subject {
  readonly of: string;
  readonly program: string;
}

async function measure(folder: string, rounds: number, subjects: readonly Subject[]): Promise<Started[]> {
  const cache = mkdtempSync(join(folder, 'compiled-'));
  const kinds = subjects.map((subject, index) => {
    const kept = join(folder, `start-${index}.db`);
    const on = (name: string, path: string) => () =>
      start(`${subject.of}, ${name}`, subject.program, path, cache);
    const empty = (round: number) => on('an empty database', join(folder, `start-${index}-${round}.db`))();
    return {
      empty,
      warm: on('a database that is there', kept),
      measured: [[], []] as [Started[], Started[]],
    };
  });
  // The first ones compile.
  for (const { warm } of kinds) await warm();
  for (let round = 0; round < rounds; round++) {
    for (const { empty, warm, measured } of kinds) {
      measured[0].push(await empty(round));
      measured[1].push(await warm());
    }
  }
  return kinds
    .flatMap(({ measured }) => measured)
    .map((all) => {
      const middle = (pick: (one: Started) => number) =>
        all.map(pick).sort((one, other) => one - other)[Math.floor(all.length / 2)] ?? Number.NaN;
      return {
        name: all[0]?.name ?? '',
        milliseconds: middle((one) => one.milliseconds),
        cpuMilliseconds: middle((one) => one.cpuMilliseconds),
        residentMegabytes: middle((one) => one.residentMegabytes),
        settledMegabytes: middle((one) => one.settledMegabytes),
      };
    });
}

async function start(name: string, program: string, path: string, cache: string): Promise<Started> {
  const port = await freePort();
  const begun = performance.now();
  const child = spawn(process.execPath, [program, 'start', '--no-platform'], {
    env: {
      PATH: process.env.PATH,
      PORT: String(port),
      ISSUER: `http://localhost:${port}`,
      DATABASE_URL: `sqlite:${path}`,
      LOG_LEVEL: 'error',
      NODE_COMPILE_CACHE: cache,
      MALLOC_MMAP_THRESHOLD_: '131072',
      MALLOC_TRIM_THRESHOLD_: '131072',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const pid = child.pid ?? 0;
  pin(pid, serverCore);
  const headers = { host: `localhost:${port}` };
  const ask = () =>
    sendTo(port, '/.well-known/oauth-authorization-server', { headers }).catch(() => undefined);
  while ((await ask())?.status !== 200) {
    if (child.exitCode !== null) throw new Error('a start ended before it answered');
    await sleep(5);
  }
  const milliseconds = performance.now() - begun;
  const cpuMilliseconds = cpuSeconds(pid) * 1_000;
  const resident = residentMegabytes(pid);
  await sleep(2_000);
  const settledMegabytes = residentMegabytes(pid);
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
  return { name, milliseconds, cpuMilliseconds, residentMegabytes: resident, settledMegabytes };
}
