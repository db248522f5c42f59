import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const docs = join(import.meta.dirname, '../../../docs');
const text = readFileSync(join(docs, 'clients.md'), 'utf8');

/** What real clients need, by number, and the tests that the page names for it. */
const lines = [...text.matchAll(/^\| (\d+) \| .* \| (.*) \|$/gm)].map(([, number = '', proofs = '']) => ({
  number,
  files: [...proofs.matchAll(/\]\(([^)]+)\)/g)].map(([, path = '']) => join(docs, path)),
}));

test('there is a line for each thing that real clients need', () => {
  expect(lines.map(({ number }) => Number(number))).toEqual(
    Array.from({ length: 15 }, (_, index) => index + 1),
  );
});

test.each(lines)('line $number is proved by tests that are named after it', ({ number, files }) => {
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) {
    expect({ file, exists: existsSync(file) }).toEqual({ file, exists: true });
    // A title follows `test(`, `describe(`, or the cases of an `.each(…)(`.
    const titles = [
      ...readFileSync(file, 'utf8').matchAll(
        /(?:\b(?:describe|test)(?:\.\w+)*\(|\)\()\s*(['"`])([\s\S]*?)\1/g,
      ),
    ].map(([, , title = '']) => title);
    const named = titles.some((title) => new RegExp(`(^|\\D)${number}\\.(,| )`).test(title));
    expect({ file, named }).toEqual({ file, named: true });
  }
});
