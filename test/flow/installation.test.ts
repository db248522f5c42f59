/** What is built and published does what the sources do: the command line, the server, its threads, its workers, and the kit. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { signIn } from '../support/account.ts';
import { runCommand } from '../support/command-line.ts';
import { freshDatabaseUrl } from '../support/databases.ts';
import { buildInstallation, type Installation } from '../support/installation.ts';
import { demo } from '../support/mandate.ts';
import { askToken, introspect, tokenByCode } from '../support/oauth.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

let installation: Installation;
let database: Awaited<ReturnType<typeof freshDatabaseUrl>>;
let server: ServerProcess;
beforeAll(async () => {
  [installation, database] = await Promise.all([buildInstallation(), freshDatabaseUrl('sqlite')]);
  server = await startServerProcess({
    program: installation.cli,
    databaseUrl: database.url,
    environment: { MANDATE_WORKERS: '2' },
  });
}, 180_000);
afterAll(async () => {
  await server?.stop();
  await database?.drop();
  installation?.remove();
});

test('two workers serve the metadata', async () => {
  const { status, text } = await server.send('/.well-known/oauth-authorization-server');
  expect([status, (JSON.parse(text) as { issuer: string }).issuer]).toEqual([200, server.issuer]);
});

test('a sign-in, which a thread checks, gives a token, which a thread ends with everything else that was handed out', async () => {
  const person = await signIn(server.issuer, 'editor@acme.test');
  const answers = { 'flows:edit': true, atlas: true };
  const email = 'editor@acme.test';
  const { access_token: token = '' } = await tokenByCode(server.issuer, { email, answers }, {}, person);
  expect(await introspect(server.issuer, token)).toMatchObject({ active: true, username: email });
  const form = await person.get('/account/security');
  const fields = {
    'Present password': demo.password,
    'New password': 'a harbour in the fog',
    'Also revoke': true,
  };
  const changed = await person.submit(form, 'Change password', fields, { follow: true });
  expect(changed.status).toBe(200);
  expect(await introspect(server.issuer, token)).toEqual({ active: false });
});

test('one process serves from PostgreSQL', async () => {
  const postgres = await freshDatabaseUrl('postgres');
  const other = await startServerProcess({ program: installation.cli, databaseUrl: postgres.url });
  const token = await askToken(other.issuer, { grant_type: 'client_credentials' }, demo.ci);
  expect(await introspect(other.issuer, token.body.access_token ?? '')).toMatchObject({ active: true });
  expect(await other.stop()).toBe(0);
  await postgres.drop();
});

/** Everything that the server is made of. */
function serverText(): string {
  const folder = join(installation.folder, 'dist/server');
  const parts = readdirSync(folder).filter((name) => name.endsWith('.js'));
  return parts.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
}

test('every thread that is started lies beside the rest', () => {
  const threads = [...serverText().matchAll(/new URL\(`\.\/([\w-]+)\$\{extname/g)].map(
    ([, name]) => `${name}.js`,
  );
  expect(threads.toSorted()).toEqual(['apart-thread.js', 'password-thread.js']);
  expect(readdirSync(join(installation.folder, 'dist/server'))).toEqual(expect.arrayContaining(threads));
});

test('a class that had to be renamed beside another one keeps its name: the engine stores artifacts under such names', () => {
  const text = serverText();
  const renamed = text.match(/^var \w+\$\d+ = class/gm) ?? [];
  const named = text.match(/^var (\w+)\$\d+ = class[^{]*\{\s+static \{\s+__name\(this, "\1"\);/gm) ?? [];
  expect(renamed.length).toBeGreaterThan(0);
  expect(named).toHaveLength(renamed.length);
});

test('no file is kept at two bytes a character', () => {
  expect(/[\u0080-\uffff]/.test(serverText())).toBe(false);
});

test('the command line helps, says which version it is, and opens the database', async () => {
  const help = await runCommand(['--help'], {}, installation.cli);
  expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining('start') });
  const manifest = readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  for (const asked of ['--version', '-V']) {
    expect(await runCommand([asked], {}, installation.cli)).toMatchObject({
      code: 0,
      stdout: `${version}\n`,
    });
  }
  const migrated = await runCommand(['migrate'], { DATABASE_URL: database.url }, installation.cli);
  expect(migrated).toMatchObject({ code: 0 });
});

test('the kit stands alone, with its types', async () => {
  const folder = join(installation.folder, 'dist/resource-server');
  expect(readdirSync(folder).filter((name) => name.endsWith('.js'))).toEqual(['index.js']);
  expect(readFileSync(join(folder, 'index.js'), 'utf8')).not.toMatch(/from "(?!node:)/);
  expect(readFileSync(join(folder, 'index.d.ts'), 'utf8')).toContain('createIntrospector');
  const kit = await installation.importKit();
  expect(kit.createIntrospector).toBeInstanceOf(Function);
});

test('licences of the packages within come with them', () => {
  const notices = readFileSync(join(installation.folder, 'dist/THIRD-PARTY-LICENSES.txt'), 'utf8');
  for (const name of ['oidc-provider', 'koa', 'kysely', 'zod', 'yaml', 'pino']) {
    expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\((MIT|ISC)\\)$`, 'm'));
  }
  expect(notices).not.toContain('better-sqlite3');
});
