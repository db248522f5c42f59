import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Asked } from './steady-introspection.ts';

/** What another process was answered while something went on. */
export interface AskedMeanwhile {
  /** For how long it went on. */
  readonly seconds: number;
  readonly asked: readonly Asked[];
  /** The time that a part of the answers took at most, in milliseconds; 1 for all of them. */
  within(part: number): number;
}

/** How the other process asks; see `steady-introspection.ts`. */
export interface Pace {
  readonly perSecond: number;
  readonly token: string;
  readonly many?: number;
}

/** It takes a while to start where much else goes on; every token is asked about once before. */
const beforeMilliseconds = 3_000;

/** Does something while another process introspects, and for three seconds before. */
export async function askMeanwhile(
  issuer: string,
  { perSecond, token, many = 1 }: Pace,
  work: () => Promise<unknown>,
): Promise<AskedMeanwhile> {
  const program = fileURLToPath(new URL('steady-introspection.ts', import.meta.url));
  const args = [`${issuer}/introspect`, perSecond, token, many].map(String);
  const child = spawn(process.execPath, [program, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  try {
    await once(child.stdout, 'data');
    await sleep(beforeMilliseconds);
    const started = performance.timeOrigin + performance.now();
    await work();
    const ended = performance.timeOrigin + performance.now();
    child.stdin.end();
    await closed;
    const asked = (JSON.parse(text.split('\n')[1] ?? '[]') as Asked[]).filter(
      (one) => one.at >= started - 50 && one.at <= ended,
    );
    const took = asked.map(({ milliseconds }) => milliseconds).sort((one, other) => one - other);
    const within = (part: number) =>
      took[Math.min(Math.floor(took.length * part), took.length - 1)] ?? Number.NaN;
    return { seconds: (ended - started) / 1_000, asked, within };
  } finally {
    child.kill('SIGKILL');
  }
}
