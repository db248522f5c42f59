import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** How a run of the command line ended. */
export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const cli = join(import.meta.dirname, '../../../src/cli.ts');

/** Runs `mandate` as a process of its own, with nobody at the terminal. @param environment the only settings that it sees */
export async function mandate(args: readonly string[], environment: Record<string, string>): Promise<Run> {
  const child = spawn(process.execPath, [cli, ...args], {
    env: environment,
    // Not where a developer may have an .env.
    cwd: tmpdir(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}
