/** The hostile cases and the tests that take them on: `docs/security-cases.yaml` beside the titles of the tests. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parse } from 'yaml';

const root = join(import.meta.dirname, '../..');

export interface SecurityCase {
  readonly id: string;
  /** What is tried, and what must come of it; where that is one sentence, only `tried`. */
  readonly tried: string;
  readonly expected: string;
  readonly source?: string;
  /** Why the case cannot apply here. */
  readonly not_applicable?: string;
}

export interface CaseGroup {
  readonly title: string;
  readonly cases: readonly SecurityCase[];
}

/** Reads the cases by their groups. */
export function readSecurityCases(): ReadonlyMap<string, CaseGroup> {
  const text = readFileSync(join(root, 'docs/security-cases.yaml'), 'utf8');
  return new Map(Object.entries(parse(text) as Record<string, CaseGroup>));
}

/** Lists the test files that name a case in the title of a test or of a group: case id → paths from the root. */
export function testsOfCases(): ReadonlyMap<string, readonly string[]> {
  const folder = join(root, 'test');
  const found = new Map<string, string[]>();
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!name.endsWith('.test.ts')) continue;
    const text = readFileSync(join(folder, name), 'utf8');
    // A title follows `test(`, `describe(`, or the cases of an `.each(…)(`.
    const titles = [...text.matchAll(/(?:\b(?:describe|test)(?:\.\w+)*\(|\)\()\s*(['"`])([\s\S]*?)\1/g)];
    const ids = new Set(titles.flatMap(([, , title = '']) => title.match(/\b[A-Z]{2}-\d{2}\b/g) ?? []));
    for (const id of ids) {
      const path = relative(root, join(folder, name));
      found.set(id, [...(found.get(id) ?? []), path]);
    }
  }
  return found;
}
