import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openDatabase } from '../../../db/open.ts';
import { runCommandLine } from '../../../src/commands/program.ts';
import { shippedFiles } from '../../../src/shipped-files.ts';
import { mandate } from './run-mandate.ts';

describe('the command line', () => {
  let folder: string;
  let url: string;
  const run = (...args: string[]) => mandate(args, { DATABASE_URL: url });
  const json = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(...args, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout) as Record<string, unknown>;
  };
  /** Every complaint is one line on the standard error, and nothing is on the standard output. */
  const complaint = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(...args);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^mandate: [^\n]+\n$/);
    return { code, message: stderr.slice('mandate: '.length, -1) };
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mandate-cli-'));
    url = `sqlite:${join(folder, 'mandate.db')}`;
    expect(await complaint('users', 'list')).toEqual({
      code: 1,
      message: 'the database is behind this version of Mandate: run `mandate migrate` first',
    });
    expect(await json('migrate')).toEqual({ applied: expect.arrayContaining(['0001-create-tables']) });
    expect(await json('import', shippedFiles().demo, '--yes')).toMatchObject({ applied: true, unchanged: 0 });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('lists users as a table and as a document', async () => {
    const { code, stdout } = await run('users', 'list');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ID +EMAIL +NAME +KIND +STATUS +CREATED\n/);
    expect(stdout).toMatch(/editor@acme\.test +Edith Editor +person +active/);
    expect(stdout).not.toMatch(/argon2/);
    const { users, next } = await json('users', 'list', '--kind', 'service_account');
    expect(users).toEqual([expect.objectContaining({ email: 'ci@acme.test', kind: 'service_account' })]);
    expect(next).toBeNull();
    const page = await json('users', 'list', '--limit', '4');
    expect(page.users).toHaveLength(4);
    expect((await json('users', 'list', '--limit', '4', '--after', String(page.next))).users).toHaveLength(2);
  });

  test('suspends and resumes a user by address or id', async () => {
    expect(await json('users', 'suspend', 'Viewer@acme.test')).toMatchObject({
      changed: true,
      user: { status: 'suspended' },
    });
    expect((await run('users', 'suspend', 'viewer@acme.test')).stdout).toBe(
      'viewer@acme.test was suspended already\n',
    );
    const { users } = await json('users', 'list', '--search', 'viewer');
    const [{ id, status }] = users as [{ id: string; status: string }];
    expect(status).toBe('suspended');
    expect((await run('users', 'resume', id)).stdout).toBe('resumed viewer@acme.test\n');
  });

  test('gives and takes roles', async () => {
    const on = ['analyst@acme.test', '--project', 'cygnus'];
    expect((await run('assignments', 'add', ...on, '--role', 'editor')).stdout).toBe(
      'analyst@acme.test is now Editor on cygnus\n',
    );
    expect(await json('assignments', 'add', ...on, '--role', 'editor')).toMatchObject({ changed: false });
    await run('assignments', 'add', ...on, '--role', 'viewer');
    expect(await json('assignments', 'remove', ...on, '--role', 'viewer')).toMatchObject({
      removed: ['viewer'],
    });
    expect(await json('assignments', 'remove', ...on)).toMatchObject({ removed: ['editor'], changed: true });
    expect((await run('assignments', 'remove', ...on)).stdout).toBe(
      'analyst@acme.test had nothing of that on cygnus\n',
    );
    const everywhere = ['analyst@acme.test', '--organization', '--role', 'viewer'];
    expect(await json('assignments', 'add', ...everywhere)).toMatchObject({ project: null, changed: true });
    expect(await json('assignments', 'remove', ...everywhere)).toMatchObject({ removed: ['viewer'] });
  });

  test('lists authorizations and revokes one', async () => {
    const { authorizations } = await json('authorizations', 'list', '--user', 'ci@acme.test');
    const [own] = authorizations as [{ id: string }];
    expect(own).toMatchObject({
      client_id: 'acme-ci',
      status: 'active',
      follows_owner: true,
      username: 'ci@acme.test',
    });
    expect((await run('authorizations', 'list')).stdout).toMatch(/acme-ci +oauth2 +active/);
    expect(await json('authorizations', 'revoke', own.id)).toEqual({
      id: own.id,
      status: 'revoked',
      changed: true,
    });
    expect((await run('authorizations', 'revoke', own.id)).stdout).toBe(`${own.id} was revoked already\n`);
  });

  test('says which version it is, as the package does', async () => {
    const manifest = JSON.parse(await readFile(join(import.meta.dirname, '../../../package.json'), 'utf8'));
    for (const asked of ['--version', '-V']) {
      expect(await run(asked)).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: '' });
    }
  });

  test('names itself in the log of changes', async () => {
    const store = await openDatabase(url);
    const actors = await store.db.selectFrom('changes').select('actor').distinct().execute();
    await store.close();
    expect(actors).toEqual([{ actor: 'command' }]);
  });

  test('imports what was reviewed', async () => {
    const file = join(folder, 'change.yaml');
    await writeFile(file, 'projects: [{ slug: atlas, name: Atlas the Second }]');
    const shown = '~ project atlas\n    name: Atlas → Atlas the Second\n1 to change, 5 as they should be\n';
    expect((await run('import', file, '--dry-run')).stdout).toBe(shown);
    expect(await complaint('import', file)).toEqual({
      code: 2,
      message: 'nobody is here to confirm: give --yes to apply, or --dry-run to look',
    });
    expect((await run('import', file, '--yes')).stdout).toBe(`${shown}applied\n`);
    expect(await json('import', file, '--yes')).toEqual({ applied: false, changes: [], unchanged: 6 });
    await writeFile(file, 'projects: [{ slug: A, name: A }]\nteams: []');
    const bad = await complaint('import', file, '--yes');
    expect(bad).toMatchObject({
      code: 1,
      message: expect.stringMatching(/slug: must be lower case.*; .*teams/),
    });
    expect(await complaint('import', join(folder, 'nothing.yaml'), '--yes')).toMatchObject({ code: 1 });
  });

  test.each([
    ['users suspend owner@acme.test', 1, /last active Owner/],
    ['assignments remove owner@acme.test --organization', 1, /last active Owner/],
    ['users suspend nobody@acme.test', 1, /no user nobody@acme.test/],
    ['users resume usr_nobody', 1, /no user usr_nobody/],
    ['authorizations revoke az_nothing', 1, /no authorization az_nothing/],
    ['authorizations list --user nobody@acme.test', 1, /no user/],
    ['assignments add viewer@acme.test --project nope --role viewer', 1, /no project nope/],
    [
      'assignments add viewer@acme.test --project atlas --role nope',
      1,
      /no role nope; there are admin, analyst, editor/,
    ],
    [
      'assignments add viewer@acme.test --project atlas',
      2,
      /--role: admin, analyst, editor, member, owner, viewer/,
    ],
    ['assignments add viewer@acme.test --role viewer', 2, /--project SLUG or --organization/],
    ['users list --limit 0', 2, /from 1 to 1000/],
    ['users list --kind robot', 2, /Allowed choices/],
    ['users fly', 2, /unknown command/],
    ['users suspend', 2, /missing required argument/],
    ['migrate --fast', 2, /unknown option/],
  ])('answers `%s` with exit code %i', async (args, code, message) => {
    const said = { stdout: '', stderr: '' };
    const into = (name: keyof typeof said) =>
      new Writable({
        write(text, _encoding, next) {
          said[name] += String(text);
          next();
        },
      });
    const streams = { stdin: Readable.from([]), stdout: into('stdout'), stderr: into('stderr') };
    expect(await runCommandLine(args.split(' '), streams, () => ({ DATABASE_URL: url }))).toBe(code);
    expect(said.stdout).toBe('');
    expect(said.stderr).toMatch(/^mandate: [^\n]+\n$/);
    expect(said.stderr).toMatch(message);
  });

  test('says what is wrong with its settings', async () => {
    const { code, stdout, stderr } = await mandate(['users', 'list'], {
      DATABASE_URL: 'mysql://x',
      PORT: 'x',
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe(
      'mandate: PORT: must be a whole number\nmandate: DATABASE_URL: must be sqlite:PATH or postgres://…\n',
    );
  });

  test('explains itself', async () => {
    const { code, stdout } = await run('--help');
    expect(code).toBe(0);
    const names =
      'start migrate import users assignments authorizations why login whoami token logout introspect';
    for (const name of names.split(' ')) expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
  });
});
