/**
 * Writes docs/security.md from the cases and what a run of the tests came to:
 * `npm test -- --json --outputFile=results.json; node test/support/write-security-table.ts results.json`
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { readSecurityCases, testsOfCases } from './security-cases.ts';

interface Results {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

const root = join(import.meta.dirname, '../..');
const [path] = process.argv.slice(2);
if (path === undefined) throw new Error('name the file that `npm test -- --json --outputFile=FILE` wrote');
const results = JSON.parse(readFileSync(path, 'utf8')) as Results;

/** Case id → how its tests ended: those whose full name has the id. */
const ended = new Map<string, { passed: number; failed: number }>();
for (const { assertionResults } of results.testResults) {
  for (const { fullName, status } of assertionResults) {
    for (const id of new Set(fullName.match(/\b[A-Z]{2}-\d{2}\b/g))) {
      const count = ended.get(id) ?? { passed: 0, failed: 0 };
      if (status === 'passed') count.passed += 1;
      else count.failed += 1;
      ended.set(id, count);
    }
  }
}

const tests = testsOfCases();
const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
const lines = [
  '# Hostile cases',
  '',
  'Written by `node test/support/write-security-table.ts` from [the cases](security-cases.yaml) and a run of the tests; do not edit.',
  '`I:false` means that introspection answers 200 and exactly `{"active":false}`, `S0` that no row changed but audit and limits, `race(N)` N',
  'requests at one barrier, `2x` two server processes on one database, `both` SQLite and PostgreSQL.',
];
let total = 0;
let passing = 0;
for (const { title, cases } of readSecurityCases().values()) {
  lines.push(
    '',
    `## ${title[0]?.toUpperCase()}${title.slice(1)}`,
    '',
    '| case | tried | expected | tests | result |',
    '|---|---|---|---|---|',
  );
  for (const { id, tried, expected, source, not_applicable: why } of cases) {
    total += 1;
    const files = (tests.get(id) ?? []).map(
      (file) => `[${relative('test', file).replace('.test.ts', '')}](../${file})`,
    );
    const { passed = 0, failed = 0 } = ended.get(id) ?? {};
    const result =
      why ?? (failed > 0 ? `**${failed} failed**` : passed > 0 ? `${passed} passed` : '**not run**');
    if (why !== undefined || (failed === 0 && passed > 0)) passing += 1;
    const what = source === undefined ? cell(tried) : `${cell(tried)} <sub>${cell(source)}</sub>`;
    lines.push(
      `| ${id} | ${what} | ${cell(expected) || 'as said'} | ${files.join(', ') || '–'} | ${result} |`,
    );
  }
}
lines.splice(
  5,
  0,
  '',
  `**${passing} of ${total} cases hold**: the tests that name them passed. How long things took, and how often they were tried, is in`,
  '[reliability](reliability.md) and [performance](performance.md): the tests keep to what a busy machine can show.',
);
writeFileSync(join(root, 'docs/security.md'), `${lines.join('\n')}\n`);
process.stdout.write(`${passing} of ${total} cases hold\n`);
