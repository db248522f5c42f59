/** The command line as an operator runs it: a process of its own on the running server's database. */
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';

const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs `mandate` with these arguments.
 * @param environment all that it is told, beside the search path
 * @param program where it is not the sources'
 */
export function runCommand(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  program = cli,
): Promise<CommandResult> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [program, ...args],
      { env: { PATH: process.env.PATH, ...environment }, cwd: tmpdir() },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
      },
    );
  });
}

/** The same in this process, for stories of many commands: all of the program but its start. */
export async function runCommandHere(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<CommandResult> {
  const { runCommandLine } = await import('../../src/commands/program.ts');
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  stdin.end();
  const code = await runCommandLine(args, { stdin, stdout, stderr }, () => environment);
  const written = (stream: PassThrough) => (stream.read() as Buffer | null)?.toString('utf8') ?? '';
  return { code, stdout: written(stdout), stderr: written(stderr) };
}
