/**
 * Builds what is installed: `npm run build`, or `npm run build -- --to FOLDER`. Two parts come of it that share nothing:
 *
 * - `server/`: the command line, the server and the threads that it starts, each package that they use within them. A start finds and
 *   reads eight files instead of twelve hundred. What is imported late stays in files of its own. Only native packages stay outside.
 * - `resource-server/`: the kit, one file and its types.
 *
 * Nothing is minified, and the names of functions and classes stay: the engine keeps artifacts under the names of its classes, and a
 * stack trace says where it was without a source map.
 */
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build, type InputOptions, type OutputOptions } from 'rolldown';
import { inAscii } from './build/ascii.ts';
import { lateFetch } from './build/late-fetch.ts';
import { thirdPartyNotices } from './build/third-party.ts';

/** They find their own binaries beside them. The last one is never installed: `pg` looks whether it is there. */
const outside = ['better-sqlite3', '@node-rs/argon2', 'pg-native'];

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({ options: { to: { type: 'string', default: join(root, 'dist') } } });
const folder = resolve(values.to);
rmSync(folder, { recursive: true, force: true });

const input: InputOptions = {
  cwd: root,
  platform: 'node',
  external: outside,
  plugins: [lateFetch(), inAscii()],
  // `eval` is what ejs and depd are about; anything else that is worth a warning ends the build.
  checks: { eval: false },
  onwarn(warning) {
    throw new Error(warning.message);
  },
};
const output: OutputOptions = {
  dir: join(folder, 'server'),
  format: 'esm',
  // For --enable-source-maps, which costs a start nothing until something is thrown; without their sources they are half as large.
  sourcemap: true,
  sourcemapExcludeSources: true,
  keepNames: true,
  comments: { legal: true, jsdoc: false, annotation: false },
};

/** With all that these import at once, less what the ones before them hold: a start finds them in three files, not sixty. */
const startedTogether = ['commands/program', 'workers', 'server'].map((module, index) => ({
  name: module.replace('/', '-'),
  test: new RegExp(`[\\\\/]src[\\\\/]${module}\\.ts$`),
  priority: 3 - index,
}));

const parts = await Promise.all([
  build({
    ...input,
    input: { cli: 'src/cli.ts' },
    output: { ...output, codeSplitting: { groups: startedTogether } },
  }),
  // Threads are found beside whatever starts them, and start with no more than they need.
  ...['src/directory/password-thread.ts', 'db/apart-thread.ts'].map((thread) =>
    build({ ...input, input: thread, output: { ...output, codeSplitting: false } }),
  ),
  build({
    ...input,
    input: 'src/resource-server/index.ts',
    output: { ...output, dir: join(folder, 'resource-server') },
  }),
]);
writeFileSync(
  join(folder, 'THIRD-PARTY-LICENSES.txt'),
  thirdPartyNotices(
    parts.flatMap(({ output: files }) =>
      files.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : [])),
    ),
  ),
);
const compiler = join(root, 'node_modules/typescript/bin/tsc');
const types = ['-p', join(root, 'tsconfig.build.json'), '--outDir', join(folder, 'resource-server')];
execFileSync(process.execPath, [compiler, ...types], { stdio: 'inherit' });
