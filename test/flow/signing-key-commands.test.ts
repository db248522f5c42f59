/** An operator's way with signing keys: list, rotate, promote, revoke, on a server that goes on. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runCommand, runCommandHere } from '../support/command-line.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';

interface Listed {
  readonly signing_keys: readonly {
    kid: string;
    algorithm: string;
    state: string;
    retires_at: number | null;
  }[];
}

let server: TestMandate;
const mandate = async (...args: string[]) => {
  const result = await runCommand(['signing-keys', ...args], { DATABASE_URL: server.databaseUrl });
  return { ...result, document: () => JSON.parse(result.stdout) as Record<string, unknown> };
};
const list = async () => ((await mandate('list', '--json')).document() as unknown as Listed).signing_keys;

beforeAll(async () => {
  server = await startMandate();
});
afterAll(() => server.stop());

test('a key is published, brought forward, and taken away, each by one command', async () => {
  const before = await list();
  expect(before.map(({ algorithm, state }) => [algorithm, state])).toEqual([
    ['ES256', 'signing'],
    ['RS256', 'signing'],
  ]);
  // Behind `--`: its id may begin with a dash.
  const [first = { kid: '' }] = before;

  expect((await mandate('promote')).stderr).toContain('mandate signing-keys rotate');
  expect(await mandate('revoke', '--', first.kid)).toMatchObject({ code: 1 });

  const rotated = await mandate('rotate', '--in', '7200', '--json');
  expect(rotated.document().published).toHaveLength(2);
  expect((await mandate('rotate')).stderr).toContain('mandate signing-keys promote');
  expect((await list()).map(({ state }) => state)).toEqual(['signing', 'signing', 'published', 'published']);

  const promoted = (await mandate('promote', '--json')).document();
  expect(Number(promoted.signs_from)).toBeLessThan(Number(rotated.document().signs_from));
  expect(await mandate('revoke', '--', first.kid)).toMatchObject({ code: 0 });
  const after = await list();
  expect(after.map(({ kid }) => kid)).not.toContain(first.kid);
  expect(after.find(({ algorithm }) => algorithm === 'ES256')?.state).toBe('signing');

  expect((await mandate('list')).stdout).toMatch(/^KID +ALGORITHM +STATE/);
  expect(await mandate('rotate', '--in', 'soon')).toMatchObject({ code: 2 });
}, 60_000);

test('each step is in the audit trail', async () => {
  const rows = await server.store.db
    .selectFrom('changes')
    .select(['action', 'actor'])
    .where('subject', '=', 'signing_key')
    .where('actor', '=', 'command')
    .orderBy('seq')
    .execute();
  expect(rows.map(({ action }) => action)).toEqual([
    'published',
    'published',
    'promoted',
    'promoted',
    'revoked',
  ]);
});

describe('in a shell that lacks the servers’ MANDATE_SECRET', () => {
  const here = (...args: string[]) =>
    runCommandHere(args, {
      DATABASE_URL: server.databaseUrl,
      MANDATE_SECRET: 'of nobody who serves here, 0123456789',
    });

  const kids = async () => (await list()).map(({ kid }) => kid).toSorted();

  test.each([
    ['the next signing keys', ['signing-keys', 'rotate', '--now']],
    ['an Owner’s link', ['owner', 'ada@example.com']],
    ['the secrets of a file', ['import', join(import.meta.dirname, '../../config/demo.yaml'), '--yes']],
  ])('%s are not made, since no server could use them', async (_what, args) => {
    const before = await kids();
    expect(await here(...args)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('made under another MANDATE_SECRET: set that one'),
    });
    expect(await kids()).toEqual(before);
    expect(await server.stores.users.findByEmail('ada@example.com')).toBeUndefined();
  });

  test('keys are listed, and one can be taken away: the way out for whoever made some', async () => {
    expect(await here('signing-keys', 'list')).toMatchObject({ code: 0 });
    expect((await here('signing-keys', 'revoke', 'none')).stderr).toContain('there is no signing key none');
  });
});
