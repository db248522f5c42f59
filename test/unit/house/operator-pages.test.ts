/** What an operator copies out of the documents is what this version takes: files, metrics, commands and their options. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { readCatalogue } from '../../../src/catalogue.ts';
import { runCommandLine } from '../../../src/commands/program.ts';
import { readBuiltInRoles } from '../../../src/organization/built-in-roles.ts';
import { parseOrganization, readOrganizationFile } from '../../../src/organization/organization-file.ts';

const root = join(import.meta.dirname, '../../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
/** The block of a page that bears this name. */
const block = (page: string, name: string) =>
  [...read(page).matchAll(/^```\w+ (\S+)\n([\s\S]*?)^```$/gm)].find(([, found]) => found === name)?.[2] ?? '';

describe('docs/production.md', () => {
  const page = 'docs/production.md';
  const folder = mkdtempSync(join(tmpdir(), 'mandate-page-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('its catalogue and its roles fit together', () => {
    const paths = ['capabilities.yaml', 'roles.yaml'].map((name) => {
      writeFileSync(join(folder, name), block(page, name));
      return join(folder, name);
    });
    const roles = readBuiltInRoles(paths[1] ?? '', readCatalogue(paths[0] ?? ''));
    const shipped = readBuiltInRoles(
      join(root, 'config/roles.yaml'),
      readCatalogue(join(root, 'config/capabilities.yaml')),
    );
    expect(roles.map(({ slug }) => slug)).toEqual(shipped.map(({ slug }) => slug));
  });

  test('the client of the command line can be imported, and is as the demo has it', () => {
    const { clients } = parseOrganization(block(page, 'first.yaml'));
    const demo = readOrganizationFile(join(root, 'config/demo.yaml'));
    expect(clients).toEqual(demo.clients.filter(({ id }) => id === 'mandate-cli'));
  });
});

describe('docs/operations.md', () => {
  const metrics = [...read('src/operations/families.ts').matchAll(/'(mandate_[a-z_]+)'/g)].map(
    ([, name]) => name,
  );

  test('it names every metric, and none that there is not', () => {
    const named = [...read('docs/operations.md').matchAll(/(?<![-\w])mandate_[a-z_]+/g)].map(([name]) =>
      name.replace(/_(count|bucket|sum)$/, ''),
    );
    expect([...new Set(named)].sort()).toEqual([...new Set(metrics)].sort());
  });

  test('each alert has a name and an expression', () => {
    const { groups } = parse(block('docs/operations.md', 'alerts.yaml'));
    for (const rule of groups[0].rules) {
      expect(rule).toMatchObject({ alert: expect.any(String), expr: expect.any(String) });
    }
  });
});

describe('commands in the documents', () => {
  const pages = ['README.md', ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })]
    .filter((name) => name.endsWith('.md'))
    .map((name) => (name === 'README.md' ? name : join('docs', name)));
  /** Lines of shell blocks and words in backticks that call `mandate`; what is left out of a line (`…`) ends it. */
  const calls = new Set(
    pages.flatMap((page) => {
      const text = read(page).replaceAll(/\\\n\s*/g, ' ');
      const blocks = [...text.matchAll(/^```sh.*\n([\s\S]*?)^```$/gm)].flatMap(([, lines = '']) =>
        lines.split('\n'),
      );
      const inline = [...text.replaceAll(/^```[\s\S]*?^```$/gm, '').matchAll(/`([^`\n]+)`/g)];
      return [...blocks, ...inline.map(([, words = '']) => words)]
        .map((line) => line.replace(/^npm run -s mandate --/, 'mandate').replace(/ #.*$/, ''))
        .filter((line) => /^mandate [a-z]/.test(line))
        .map((line) => line.replace(/[…|>;].*$/, '').trim());
    }),
  );
  let candidates: (words: readonly string[]) => Promise<readonly string[]>;

  beforeAll(() => {
    const known = new Map<string, Promise<readonly string[]>>();
    const ask = async (words: readonly string[]) => {
      let printed = '';
      const write = (text: string) => {
        printed += text;
        return true;
      };
      const stream = { write, isTTY: false, columns: 80 };
      const streams = { stdin: process.stdin, stdout: stream, stderr: stream };
      await runCommandLine(['__complete', '--', ...words], streams as never, () => ({}));
      return printed.trim().split('\n');
    };
    candidates = (words) => {
      const key = words.join(' ');
      const answer = known.get(key) ?? ask(words);
      known.set(key, answer);
      return answer;
    };
  });

  test('they are found', () => {
    expect(calls.size).toBeGreaterThan(30);
  });

  test('each of them is there, with each of its options', async () => {
    const unknown: string[] = [];
    for (const call of calls) {
      const words = call.split(/\s+/).slice(1);
      const [first = '', second = ''] = words;
      if (!(await candidates([''])).includes(first)) {
        unknown.push(call);
        continue;
      }
      const below = (await candidates([first, ''])).filter((name) => name !== '');
      if (below.length > 0 && /^[a-z]/.test(second) && !below.includes(second)) unknown.push(call);
      const options = await candidates([...(below.includes(second) ? [first, second] : [first]), '--']);
      const given = words.filter((word) => /^--[a-z]/.test(word)).map((word) => word.replace(/[=\]].*$/, ''));
      for (const option of given) if (!options.includes(option)) unknown.push(`${call}: ${option}`);
    }
    expect(unknown).toEqual([]);
  });
});
