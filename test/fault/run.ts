/**
 * `npm run test:fault`: the long runs against faults, one after another, and their figures as the table in `docs/reliability.md`.
 * `npm run test:fault -- crash-loop` runs those of that name alone and leaves the other lines of the table as they are.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Figure } from '../support/fault-figures.ts';

const page = 'docs/reliability.md';
const [begin, end] = ['<!-- figures -->', '<!-- end of figures -->'];
const named = process.argv.slice(2);
const patterns =
  named.length > 0 ? named.map((name) => `test/.*${name}`) : ['test/fault/', 'test/flow/freshness'];

const folder = mkdtempSync(join(tmpdir(), 'mandate-figures-'));
const file = join(folder, 'figures.jsonl');
writeFileSync(file, '');
const { status } = spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    // Memory that grows is told from memory that nobody has tidied up yet.
    '--expose-gc',
    'node_modules/jest/bin/jest.js',
    '--runInBand',
    ...patterns,
  ],
  {
    stdio: 'inherit',
    env: { FRESHNESS_TRIALS: '1000', ...process.env, FAULT_RUN: 'long', FAULT_FIGURES: file },
  },
);
const figures = readFileSync(file, 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as Figure);
rmSync(folder, { recursive: true });
writeTable(figures);
process.exitCode = status ?? 1;

function writeTable(measured: readonly Figure[]): void {
  const text = readFileSync(page, 'utf8');
  const from = text.indexOf(begin) + begin.length;
  const to = text.indexOf(end);
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD']).toString().trim();
  const stamp = `${commit}, ${cpus().length} cores`;
  // A run of another length takes the place of the one before.
  const keyOf = (cells: readonly string[]) =>
    cells
      .slice(0, 3)
      .join(' | ')
      .replace(/\d[\d,]*/g, '#');
  const rows = new Map(
    text
      .slice(from, to)
      .split('\n')
      .filter((line) => /^\| R\d/.test(line))
      .map((line) => [line.match(/^\| (R\d+)/)?.[1] + keyOf(line.split(' | ')), line]),
  );
  for (const { id, scenario, engine, target, measured: value } of measured) {
    const cells = [`| ${id}`, scenario, engine, target, value, `${stamp} |`];
    rows.set(id + keyOf(cells), cells.join(' | '));
  }
  const number = (line: string) => Number(/^\| R(\d+)/.exec(line)?.[1]);
  const lines = [...rows.values()].sort((a, b) => number(a) - number(b) || (a < b ? -1 : 1));
  const head = ['| | Scenario | Where | Target | Measured | Commit |', '|---|---|---|---|---|---|'];
  writeFileSync(page, `${text.slice(0, from)}\n${[...head, ...lines].join('\n')}\n${text.slice(to)}`);
}
