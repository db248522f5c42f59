import { describe, expect, test } from '@jest/globals';
import { rules } from './import-rules.ts';
import { breaksOf } from './rule-kinds.ts';
import { readSource } from './source-text.ts';
import { readSourceTree } from './source-tree.ts';

const tree = (files: Readonly<Record<string, string>>) => new Map(Object.entries(files));

describe('the house keeps its rules', () => {
  const house = readSourceTree();

  test('the whole house is read', () => {
    expect([...house.keys()]).toEqual(
      expect.arrayContaining(['src/clock.ts', 'db/schema.ts', 'test/unit/house/import-rules.test.ts']),
    );
  });

  test.each(rules)('$sentence', (rule) => {
    expect(breaksOf(rule, house)).toEqual([]);
  });
});

describe('a rule that cannot fail is no rule', () => {
  test.each(rules)('noticed when broken: $sentence', (rule) => {
    const breaks = breaksOf(rule, tree(rule.broken));
    const reported = Object.keys(rule.broken).filter((path) => breaks.some((line) => line.includes(path)));
    expect(reported).toEqual(Object.keys(rule.broken));
  });

  test.each(rules)('content when kept: $sentence', (rule) => {
    expect(breaksOf(rule, tree(rule.kept))).toEqual([]);
  });

  test('a break is told with its place', () => {
    const rule = rules.find(({ sentence }) => sentence.startsWith('ejs'));
    const files = tree({ 'src/admin/a.ts': "// first\nimport ejs from 'ejs';" });
    expect(rule && breaksOf(rule, files)).toEqual(['src/admin/a.ts:2 imports package:ejs']);
  });
});

describe('reading the source', () => {
  const specifiers = (text: string) => readSource(text).imports.map(({ specifier }) => specifier);

  test.each([
    ['a default import', "import a from 'a';"],
    ['named imports over lines', "import {\n  b,\n  type C,\n} from 'a';"],
    ['a namespace import', "import * as b from 'a';"],
    ['a bare import', "import 'a';"],
    ['a type import', "import type { B } from 'a';"],
    ['a re-export', "export * from 'a';"],
    ['a named re-export', "export { b as default } from 'a';"],
    ['a type re-export', "export type { B } from 'a';"],
    ['a dynamic import', "const b = await import('a');"],
    ['a dynamic import of a plain template', 'await import(`a`);'],
    ['a type taken from a module', "type B = import('a').B;"],
    ['a require', "const b = require('a');"],
    ['an import with attributes', "import b from 'a' with { type: 'json' };"],
    ['an import inside a template', 'const text = `${await import("a")}`;'],
    ['an import after a regular expression with quotes', "const quotes = /['\"`/]/;\nimport b from 'a';"],
    ['an import after a division', "const half = (x) / 2;\nimport b from 'a'; // a / b"],
  ])('finds %s', (_name, text) => {
    expect(specifiers(text)).toEqual(['a']);
  });

  test.each([
    ['a comment', "// import a from 'a';\n/* import 'a'; */"],
    ['a string', 'const text = "import a from \'a\'";'],
    ['a template', "const text = `import a from 'a'; ${1} import('a')`;"],
    ['an exported constant', "export const from = 'a';"],
    ['an exported function before a string', "export function from() {}\nconst b = 'a';"],
    ['an exported type before a string', "export type B = 'a' | 'b';"],
    ['import.meta', "new URL('a', import.meta.url);"],
  ])('finds no import in %s', (_name, text) => {
    expect(specifiers(text)).toEqual([]);
  });

  test('knows type imports, dynamic ones and their lines', () => {
    expect(
      readSource("import type { A } from 'a';\nimport type from 'b';\nawait import('c');").imports,
    ).toEqual([
      { specifier: 'a', typeOnly: true, dynamic: false, line: 1 },
      { specifier: 'b', typeOnly: false, dynamic: false, line: 2 },
      { specifier: 'c', typeOnly: false, dynamic: true, line: 3 },
    ]);
  });

  test('says when a dynamic import is computed', () => {
    expect(specifiers('await import(name); await import(`./${name}.ts`); await import("a" + b);')).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
