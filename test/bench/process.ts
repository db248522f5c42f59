/** Servers as processes on one core, and what they use. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

/** Clock ticks of /proc in a second; the same on every Linux that Node runs on. */
const ticksPerSecond = 100;
export const serverCore = 0;
export const loadCore = 1;
export const everyCore = `0-${availableParallelism() - 1}`;

/** Whether there are two cores and the means to use one each; figures mean little otherwise. */
export const canPin = availableParallelism() > 1 && has('taskset');

/** Tells whether a program is installed. */
export function has(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Binds a process with all its threads to one core. What it starts from then on is bound likewise. */
export function pin(pid: number, core: number): void {
  bind(pid, String(core));
}

/** Lets a process and its workers run on every core, whatever the one that started it is bound to. */
export function unpin(pid: number): void {
  for (const member of familyOf(pid)) bind(member, everyCore);
}

function bind(pid: number, cores: string): void {
  if (!canPin) return;
  const once = () => spawnSync('taskset', ['-apc', cores, String(pid)], { stdio: 'ignore' }).status;
  // It fails where one of the threads that it goes through ends meanwhile.
  for (let tries = 0; tries < 5; tries++) if (once() === 0) return;
  throw new Error(`process ${pid} cannot be bound to ${cores}`);
}

export interface Started<Said> {
  readonly pid: number;
  readonly said: Said;
  stop(): Promise<void>;
}

/** Starts a program of this folder that prints one line of JSON once it listens. */
export async function startProgram<Said>(file: string, args: readonly string[]): Promise<Started<Said>> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [path, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk);
    if (text.includes('\n')) break;
  }
  if (!text.includes('\n')) throw new Error(`${file} ended before it listened`);
  const pid = child.pid ?? 0;
  pin(pid, serverCore);
  return {
    pid,
    said: JSON.parse(text) as Said,
    async stop() {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** @returns seconds of CPU that a process and its workers have used */
export function cpuSeconds(pid: number): number {
  return sum(familyOf(pid), (member) => {
    const fields = statOf(member);
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  });
}

/** @returns megabytes that a process and its workers have in memory */
export function residentMegabytes(pid: number): number {
  return sum(familyOf(pid), (member) => {
    const status = readFileSync(`/proc/${member}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024;
  });
}

/** A process and those that it started. */
function familyOf(pid: number): number[] {
  const children = readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return Number(statOf(Number(name))[1]) === pid;
    } catch {
      // It ended meanwhile.
      return false;
    }
  });
  return [pid, ...children.map(Number)];
}

/** What /proc tells of a process, from its state on. */
function statOf(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

const sum = (members: readonly number[], of: (member: number) => number) =>
  members.reduce((total, member) => total + of(member), 0);
