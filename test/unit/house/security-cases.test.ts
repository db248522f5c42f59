import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { readSecurityCases, testsOfCases } from '../../support/security-cases.ts';

const cases = [...readSecurityCases().values()].flatMap((group) => group.cases);

test('there are cases, each with an id of its own', () => {
  expect(cases.length).toBeGreaterThan(80);
  expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length);
});

test('every hostile case is named by a test, or says why it cannot apply', () => {
  const tests = testsOfCases();
  const nobodys = cases.filter(({ id, not_applicable }) => !tests.has(id) && not_applicable === undefined);
  expect(nobodys.map(({ id }) => id)).toEqual([]);
});

test('no test names a case that is not there', () => {
  const known = new Set(cases.map(({ id }) => id));
  expect([...testsOfCases().keys()].filter((id) => !known.has(id))).toEqual([]);
});

test('FT-09: the hostile requests are made on SQLite and PostgreSQL alike, with the same expectations', () => {
  const folder = join(import.meta.dirname, '../../conformance');
  const alike = readdirSync(folder).filter(
    (name) => name.startsWith('hostile-') || name === 'unsafe-defaults.test.ts',
  );
  expect(alike.length).toBeGreaterThan(5);
  for (const name of alike) {
    const text = readFileSync(join(folder, name), 'utf8');
    expect({ name, both: text.includes('describe.each(engines)') }).toEqual({ name, both: true });
    // What is expected of one engine alone would be a difference.
    expect({ name, differs: /engine\s*===/.test(text) }).toEqual({ name, differs: false });
  }
});
