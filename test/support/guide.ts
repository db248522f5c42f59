/** The guides as programs: each fenced block that names a file is what a reader would copy into it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = join(import.meta.dirname, '../..');

/** Everything that a guide asks its reader to copy: name → text. */
export async function blocksOf(guide: string): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(join(root, 'docs/guides', guide), 'utf8');
  const fences = [...text.matchAll(/^```(\S+) ?(\S*)\n([\s\S]*?)^```$/gm)];
  return new Map(fences.map(([, , name = '', content = '']) => [name, content]));
}

/** A folder of a reader who installed what the guides import. */
export interface Workbench {
  readonly folder: string;
  write(name: string, content: string): Promise<string>;
  /** Starts a program that serves. */
  serve(name: string, environment: Record<string, string>): Promise<ChildProcess>;
  /** Runs a program or a script to its end. @param hear told of what it says on the way */
  run(
    command: string,
    args: readonly string[],
    environment: Record<string, string>,
    hear?: (text: string) => void,
  ): Promise<{ code: number; stdout: string; stderr: string }>;
  /** Ends every server. */
  end(): Promise<void>;
  clear(): Promise<void>;
}

export async function createWorkbench(): Promise<Workbench> {
  const folder = await mkdtemp(join(tmpdir(), 'guide-'));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  // Not built, and not installed: the one name that a clone cannot resolve.
  const kit = pathToFileURL(join(root, 'src/resource-server/index.ts')).href;
  const running: ChildProcess[] = [];
  const write = async (name: string, content: string) => {
    const path = join(folder, name);
    await writeFile(path, content.replaceAll("'mandate/resource-server'", `'${kit}'`));
    return path;
  };
  const cli = join(root, 'src/cli.ts');
  await write('mandate', `#!/bin/sh\nexec '${process.execPath}' '${cli}' "$@"\n`);
  const path = `${folder}:${process.env.PATH ?? ''}`;
  return {
    folder,
    write,
    async serve(name, environment) {
      const child = spawn(process.execPath, [join(folder, name)], {
        cwd: folder,
        env: { PATH: path, ...environment },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      running.push(child);
      return child;
    },
    run: (command, args, environment, hear = () => {}) =>
      new Promise((resolve) => {
        const child = execFile(
          command,
          args,
          { cwd: folder, env: { PATH: path, ...environment } },
          (error, stdout, stderr) =>
            resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
        );
        child.stderr?.on('data', (text: Buffer) => hear(text.toString()));
      }),
    async end() {
      for (const child of running.splice(0)) {
        if (child.exitCode !== null) continue;
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill();
        await ended;
      }
    },
    async clear() {
      await rm(folder, { recursive: true, force: true });
    },
  };
}
