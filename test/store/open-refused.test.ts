/** What somebody reads whose database cannot be opened: which one it is, why, and nothing that signs in there; and whose a new file is. */
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { migrate } from '../../db/migrate.ts';
import { openDatabase } from '../../db/open.ts';
import { freePort } from '../support/free-port.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mandate-open-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const complaintOf = async (url: string): Promise<string> => {
  const error = await openDatabase(url).catch((caught: unknown) => caught);
  if (!(error instanceof Error)) throw new Error(`${url} was opened`);
  expect(error).toMatchObject({ name: 'DatabaseAwayError', cause: expect.anything() });
  return error.message;
};

test('names a file that is a folder, and one that is no database', async () => {
  const [place, text] = [join(folder, 'place'), join(folder, 'text')];
  mkdirSync(place);
  writeFileSync(
    text,
    'no database, but long enough to have a head, which is what SQLite reads first of all. '.repeat(3),
  );
  expect(await complaintOf(`sqlite:${place}`)).toBe(`the database ${place}: unable to open database file`);
  expect(await complaintOf(`sqlite:${text}`)).toBe(`the database ${text}: file is not a database`);
  expect(await complaintOf(`sqlite:${text}/below`)).toMatch(/^the database .+\/text\/below: E/);
});

test('names a server that does not answer, by each of its addresses', async () => {
  const port = await freePort();
  const complaint = await complaintOf(`postgres://ada:lace@localhost:${port}/mandate`);
  expect(complaint).toMatch(
    new RegExp(`^the database at localhost:${port}/mandate: connect ECONNREFUSED .+:${port}`),
  );
  expect(complaint).not.toMatch(/ada|lace/);
});

test('tells nothing of a password that was written without escaping it', async () => {
  const complaint = await complaintOf(`postgres://127.0.0.1:${await freePort()}/lace@elsewhere/mandate`);
  expect(complaint).toMatch(/^the database at DATABASE_URL: /);
  expect(complaint).not.toContain('lace');
});

test('makes a file that is nobody else’s to read, with all that lies beside it, and leaves one that is there as it is', async () => {
  const path = join(folder, 'new', 'mandate.db');
  const store = await openDatabase(`sqlite:${path}`);
  await migrate(store);
  const modes = ['', '-wal', '-shm'].map((ending) => (statSync(path + ending).mode & 0o777).toString(8));
  await store.close();
  expect(modes).toEqual(['600', '600', '600']);

  const other = join(folder, 'other.db');
  writeFileSync(other, '', { mode: 0o640 });
  await (await openDatabase(`sqlite:${other}`)).close();
  expect((statSync(other).mode & 0o777).toString(8)).toBe('640');
});
