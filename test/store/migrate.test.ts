import { afterEach, describe, expect, test } from '@jest/globals';
import { MigrationBlockedError, migrate, NewerSchemaError, pendingMigrations } from '../../db/migrate.ts';
import { openDatabase, type Store } from '../../db/open.ts';
import { type Engine, engines, freshDatabaseUrl } from '../support/databases.ts';
import { mandate } from '../unit/commands/run-mandate.ts';

/** Written out: a name is never changed once it has landed. */
const everything = [
  '0001-create-tables',
  '0002-add-api-keys-and-last-use',
  '0003-index-changes-by-actor',
  '0004-index-authorizations-of-client',
  '0005-add-policies',
  '0006-count-activity',
  '0007-add-mail-and-account-links',
  '0008-add-sessions',
  '0009-add-passkeys-and-second-factors',
  '0010-add-client-settings',
  '0011-keep-client-keys',
  '0012-schedule-signing-keys',
  '0013-name-the-secret-of-hashes',
  '0015-add-authorization-uses',
  '0016-add-event-receivers',
  '0017-add-upstream-accounts',
  '0019-index-large-lists',
  '0020-hand-on-authorizations',
  '0022-add-temporary-additions',
];

describe.each(engines)('FT-07: migration on %s', (engine) => {
  const cleanUps: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });

  async function emptyDatabase(on: Engine) {
    const { url, drop } = await freshDatabaseUrl(on);
    cleanUps.push(drop);
    return url;
  }
  async function open(url: string): Promise<Store> {
    const store = await openDatabase(url);
    cleanUps.push(() => store.close());
    return store;
  }

  test('applies everything once', async () => {
    const store = await open(await emptyDatabase(engine));
    expect(await pendingMigrations(store)).toEqual(everything);
    expect(await migrate(store)).toEqual(everything);
    expect(await migrate(store)).toEqual([]);
    expect(await pendingMigrations(store)).toEqual([]);
  });

  test('lets one of several nodes migrate while the others wait', async () => {
    const url = await emptyDatabase(engine);
    const nodes = await Promise.all([open(url), open(url), open(url)]);
    const applied = await Promise.all(nodes.map((node) => migrate(node)));
    expect(applied.flat()).toEqual(everything);
  });

  test('waits for a node that takes longer than a request may, and applies nothing twice', async () => {
    const store = await open(await emptyDatabase(engine));
    // Kysely's lock, as another node holds it while it migrates; on SQLite that is the lock of the file, for which writers wait.
    const holder = store.pool && (await store.pool.connect());
    await holder?.query('begin', []);
    await holder?.query('select pg_advisory_xact_lock(3853314791062309107)', []);
    const migrating = migrate(store);
    await new Promise((resume) => setTimeout(resume, holder ? 2_600 : 0));
    await holder?.query('commit', []);
    holder?.release();
    expect(await migrating).toEqual(everything);
  });

  if (engine === 'postgres') {
    test('gives up on a table that another session holds for too long, says so, and leaves what there was', async () => {
      const store = await open(await emptyDatabase(engine));
      await migrate(store);
      const from = everything.indexOf('0019-index-large-lists');
      await store.pool?.query({
        name: 'unapply',
        text: 'delete from kysely_migration where name >= $1',
        values: [everything[from]],
      });
      const holder = await store.pool?.connect();
      await holder?.query('begin', []);
      await holder?.query('select count(*) from authorizations', []);
      const outcome: unknown = await migrate(store, { lockSeconds: 1 }).catch((error: unknown) => error);
      await holder?.query('commit', []);
      holder?.release();
      expect(outcome).toBeInstanceOf(MigrationBlockedError);
      expect(String(outcome)).toContain('see who in pg_stat_activity');
      expect(await pendingMigrations(store)).toEqual(everything.slice(from));
    });
  }

  test('lets one of two processes migrate while the other waits', async () => {
    const DATABASE_URL = await emptyDatabase(engine);
    const runs = await Promise.all([1, 2].map(() => mandate(['migrate', '--json'], { DATABASE_URL })));
    expect(runs.map(({ code, stderr }) => ({ code, stderr }))).toEqual([
      { code: 0, stderr: '' },
      { code: 0, stderr: '' },
    ]);
    const applied = runs.flatMap(({ stdout }) => (JSON.parse(stdout) as { applied: string[] }).applied);
    expect(applied).toEqual(everything);
  });

  test('refuses a database that a newer version has migrated', async () => {
    const store = await open(await emptyDatabase(engine));
    await migrate(store);
    await store.db
      .withTables<{ kysely_migration: { name: string; timestamp: string } }>()
      .insertInto('kysely_migration')
      .values({ name: '9999-from-the-future', timestamp: '2999-01-01T00:00:00.000Z' })
      .execute();
    await expect(migrate(store)).rejects.toThrow(NewerSchemaError);
    await expect(migrate(store)).rejects.toThrow('9999-from-the-future');
  });
});
