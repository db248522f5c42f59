/** A backup of a server that is being written to, and its return: what was ended stays ended, and what was issued is dead. */
import { readFileSync, rmSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import Sqlite from 'better-sqlite3';
import { sql } from 'kysely';
import { openDatabase, type Store } from '../../db/open.ts';
import { readCatalogue } from '../../src/catalogue.ts';
import { systemClock } from '../../src/clock.ts';
import { developmentSecret } from '../../src/config.ts';
import { createSecrets } from '../../src/secrets.ts';
import { shippedFiles } from '../../src/shipped-files.ts';
import { createStores } from '../../src/stores.ts';
import { runCommand } from '../support/command-line.ts';
import { type FreshDatabase, freshDatabaseUrl } from '../support/databases.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo } from '../support/mandate.ts';
import { askToken, introspect, tokenByCode } from '../support/oauth.ts';
import { basic } from '../support/race.ts';
import { type ServerProcess, startRefused, startServerProcess } from '../support/server-process.ts';

const person = { email: 'editor@acme.test', answers: { 'flows:edit': true, atlas: true } };
const operator = { id: 'command' };

const storesOf = (store: Store) =>
  createStores({
    store,
    clock: systemClock,
    secrets: createSecrets(developmentSecret),
    catalogue: readCatalogue(shippedFiles().capabilities),
  });
const clientToken = (node: ServerProcess) =>
  node.send('/token', {
    headers: basic(demo.ci),
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: demo.api }),
  });
const accessTokenOf = ({ text }: { text: string }) =>
  (JSON.parse(text) as { access_token: string }).access_token;
const kidsOf = async (node: ServerProcess) =>
  (JSON.parse((await node.send('/jwks')).text) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);

describe('on SQLite', () => {
  let database: FreshDatabase;
  let node: ServerProcess;
  let path: string;
  let file: string;
  const mandate = (...args: string[]) => runCommand([...args, '--json'], { DATABASE_URL: database.url });

  beforeAll(async () => {
    database = await freshDatabaseUrl('sqlite');
    path = database.url.slice('sqlite:'.length);
    file = `${path}.backup`;
    node = await startServerProcess({ databaseUrl: database.url });
  }, 60_000);
  afterAll(async () => {
    await node.kill();
    await database.drop();
  });

  test('what was ended after the backup is ended after its return, and so is everything that was issued', async () => {
    const browser = createBrowserlessClient(node.issuer);
    const tokens = await tokenByCode(node.issuer, person, { scope: 'openid api flows:edit' }, browser);
    const other = await tokenByCode(node.issuer, person, {}, createBrowserlessClient(node.issuer));
    const machine = accessTokenOf(await clientToken(node));
    const store = await openDatabase(database.url);
    const stores = storesOf(store);
    const owner = await stores.users.findByEmail(person.email);
    const viewer = await stores.users.findByEmail('viewer@acme.test');
    const key = { userId: owner?.id ?? '', capabilities: ['api'], roles: [], projects: [], mcpServers: [] };
    const kept = await stores.apiKeys.create(operator, { ...key, name: 'kept', expiresAt: null });
    const leaked = await stores.apiKeys.create(operator, { ...key, name: 'leaked', expiresAt: null });

    // Written to while the backup is made: everything that was acknowledged before it began is in it.
    let over = false;
    let acknowledged = 0;
    const writing = (async () => {
      while (!over) if ((await clientToken(node)).status === 200) acknowledged += 1;
    })();
    while (acknowledged < 20) await new Promise((resume) => setTimeout(resume, 5));
    const before = acknowledged + 1;
    const made = await mandate('backup', file);
    const during = acknowledged - before;
    over = true;
    await writing;
    expect(made).toMatchObject({ code: 0 });
    expect(during).toBeGreaterThan(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const copy = new Sqlite(file, { readonly: true });
    const inIt = copy
      .prepare("select count(*) from oidc_artifacts where model = 'ClientCredentials'")
      .pluck();
    expect(inIt.get()).toBeGreaterThanOrEqual(before);
    expect(copy.pragma('integrity_check', { simple: true })).toBe('ok');
    copy.close();
    const bytes = readFileSync(file);
    for (const secret of [tokens.access_token, tokens.refresh_token, machine, kept.secret]) {
      expect(bytes.includes(secret ?? '')).toBe(false);
    }
    expect(await mandate('backup', file)).toMatchObject({ code: 1 });

    // What the backup knows nothing of.
    const id = String((await introspect(node.issuer, other.access_token ?? '')).authorization_id);
    await stores.authorizations.revoke(operator, id);
    await stores.users.suspend(operator, viewer?.id ?? '');
    await stores.apiKeys.disableLeaked(operator, leaked.secret);
    await store.close();
    const kids = await kidsOf(node);

    expect((await mandate('restore', file, '--yes')).stderr).toContain('stop the server first');
    const refused = await startRefused({ DATABASE_URL: `sqlite:${file}` });
    expect(refused.output).toContain('mandate restored');

    await node.stop();
    const restored = await mandate('restore', file, '--yes');
    expect(restored).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(restored.stdout)).toMatchObject({
      ended_since: { users: 1, authorizations: 1, apiKeySecrets: 1 },
    });
    node = await startServerProcess({ databaseUrl: database.url, issuer: node.issuer, port: node.port });

    for (const token of [tokens.access_token, other.access_token, machine, kept.secret, leaked.secret]) {
      expect(await introspect(node.issuer, token ?? '')).toEqual({ active: false });
    }
    for (const { refresh_token = '' } of [tokens, other]) {
      const { status, body } = await askToken(
        node.issuer,
        { grant_type: 'refresh_token', refresh_token },
        demo.web,
      );
      expect([status, body.error]).toEqual([400, 'invalid_grant']);
    }
    expect((await browser.get('/account/authorizations', { follow: true })).title).toContain('Sign in');
    expect((await clientToken(node)).status).toBe(400);
    expect((await kidsOf(node)).filter((kid) => kids.includes(kid))).toEqual([]);

    // One word gives back what waited; what had leaked is not among it.
    const waiting = await mandate('authorizations', 'resume', '--restored', '--dry-run');
    expect((JSON.parse(waiting.stdout) as { suspended: string[] }).suspended).toContain(
      kept.authorization.id,
    );
    await mandate('authorizations', 'resume', '--restored');
    expect(await introspect(node.issuer, kept.secret)).toMatchObject({ active: true });
    expect(await introspect(node.issuer, leaked.secret)).toEqual({ active: false });
    expect(await introspect(node.issuer, machine)).toEqual({ active: false });
    expect((await clientToken(node)).status).toBe(200);
    const after = await openDatabase(database.url);
    const again = storesOf(after);
    expect((await again.users.findByEmail('viewer@acme.test'))?.status).toBe('suspended');
    expect((await again.authorizations.find(id))?.status).toBe('revoked');
    await after.close();
    // And people get on.
    const anew = await tokenByCode(node.issuer, person, {}, createBrowserlessClient(node.issuer));
    expect(await introspect(node.issuer, anew.access_token ?? '')).toMatchObject({ active: true });
  }, 90_000);

  test('a backup goes back to where nothing is left, and no other file does', async () => {
    await node.stop();
    for (const ending of ['', '-wal', '-shm']) rmSync(`${path}${ending}`, { force: true });
    expect((await mandate('restore', `${path}.none`, '--yes')).stderr).toContain('there is no file');
    expect((await mandate('restore', process.execPath, '--yes')).stderr).toContain('no backup of Mandate');
    expect(await mandate('restore', file)).toMatchObject({ code: 2 });
    const restored = await mandate('restore', file, '--yes');
    expect(JSON.parse(restored.stdout)).toMatchObject({ replaced: null });
    node = await startServerProcess({ databaseUrl: database.url, issuer: node.issuer, port: node.port });
    const anew = await tokenByCode(node.issuer, person, {}, createBrowserlessClient(node.issuer));
    expect(await introspect(node.issuer, anew.access_token ?? '')).toMatchObject({ active: true });
  }, 60_000);
});

describe('on PostgreSQL', () => {
  test('a database that was put back is not served from until somebody says so', async () => {
    const database = await freshDatabaseUrl('postgres');
    const mandate = (...args: string[]) => runCommand([...args, '--json'], { DATABASE_URL: database.url });
    let node = await startServerProcess({ databaseUrl: database.url });
    try {
      const token = accessTokenOf(await clientToken(node));
      expect((await mandate('backup', '/tmp/none')).stderr).toContain('pg_dump');
      await node.stop();
      node = await startServerProcess({ databaseUrl: database.url, issuer: node.issuer, port: node.port });
      expect(await introspect(node.issuer, token)).toMatchObject({ active: true });
      await node.stop();

      // What pg_restore does: the same table with the same comment, made anew.
      const store = await openDatabase(database.url);
      await sql`create table put_back (like change_counter including all including comments)`.execute(
        store.db,
      );
      await sql`insert into put_back select * from change_counter`.execute(store.db);
      await sql`
        do $$ begin execute format('comment on table put_back is %L', obj_description('change_counter'::regclass, 'pg_class')); end $$`.execute(
        store.db,
      );
      await sql`drop table change_counter`.execute(store.db);
      await sql`alter table put_back rename to change_counter`.execute(store.db);
      await store.close();

      const refused = await startRefused({ DATABASE_URL: database.url });
      expect(refused.code).toBe(1);
      expect(refused.output).toContain('mandate restored');
      const restored = await mandate('restored', '--yes');
      expect(JSON.parse(restored.stdout)).toMatchObject({ service_account_clients_suspended: 1 });
      node = await startServerProcess({ databaseUrl: database.url, issuer: node.issuer, port: node.port });
      expect(await introspect(node.issuer, token)).toEqual({ active: false });
    } finally {
      await node.kill();
      await database.drop();
    }
  }, 60_000);
});
