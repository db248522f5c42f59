/**
 * `npm run test:interop`: tools, libraries and gateways of other languages against Mandate. Prepares what the machine has a language for,
 * from that language's registry, and runs the tests; what cannot be had is skipped and said. `-- python` runs that one alone.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { goTool, preparedFolder, python, pythonLibraries, sources } from './prepared.ts';

const named = process.argv.slice(2);
const wanted = (name: string) => named.length === 0 || named.includes(name);

mkdirSync(preparedFolder, { recursive: true });
if (wanted('python')) preparePython();
if (wanted('go')) run('go', ['build', '-o', goTool, '.'], join(sources, 'go'));

const { status } = spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    'node_modules/jest/bin/jest.js',
    '--runInBand',
    '--verbose',
    '--testMatch',
    ...(named.length > 0 ? named : ['*']).map((name) => `<rootDir>/test/interop/${name}.test.ts`),
  ],
  { stdio: 'inherit' },
);
process.exitCode = status ?? 1;

/** Installs the libraries once for each list of them. */
function preparePython(): void {
  const requirements = join(sources, 'python/requirements.txt');
  const list = readFileSync(requirements, 'utf8');
  if (existsSync(pythonLibraries) && readFileSync(pythonLibraries, 'utf8') === list) return;
  const done =
    run('python3', ['-m', 'venv', '--clear', join(preparedFolder, 'python')], sources) &&
    run(python, ['-m', 'pip', 'install', '--quiet', '--requirement', requirements], sources);
  if (done) writeFileSync(pythonLibraries, list);
}

/** Runs a program. @returns whether it is there and succeeded; it says by itself why not */
function run(program: string, args: readonly string[], folder: string): boolean {
  const { status: ended, error } = spawnSync(program, args, { cwd: folder, stdio: 'inherit' });
  if (error) process.stderr.write(`${program} cannot be started: ${error.message}\n`);
  return ended === 0;
}
