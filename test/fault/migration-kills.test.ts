/** FT-07: a migration that is killed in the middle leaves what there was, and the next one does all of it, once. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { migrate, pendingMigrations } from '../../db/migrate.ts';
import { openDatabase, type Store } from '../../db/open.ts';
import { type Engine, engines, freshDatabaseUrl } from '../support/databases.ts';
import { pause, sized } from '../support/fault-figures.ts';

const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));
const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const emptyDatabase = async (engine: Engine): Promise<string> => {
  const { url, drop } = await freshDatabaseUrl(engine);
  cleanUps.push(drop);
  return url;
};
const open = async (url: string): Promise<Store> => {
  const store = await openDatabase(url);
  cleanUps.push(() => store.close());
  return store;
};
const startMigration = (DATABASE_URL: string): ChildProcess => {
  const child = spawn(process.execPath, [cli, 'migrate'], {
    env: { PATH: process.env.PATH, DATABASE_URL },
    stdio: 'ignore',
  });
  cleanUps.push(async () => void child.kill('SIGKILL'));
  return child;
};
const kill = async (child: ChildProcess) => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
};
/** Every table with its columns, and every index. */
const shapeOf = async (store: Store) =>
  (await store.db.introspection.getTables())
    .map(({ name, columns }) => `${name}: ${columns.map((column) => `${column.name} ${column.dataType}`)}`)
    .sort();

describe.each(engines)('FT-07: kill -9 on %s', (engine) => {
  /** What an undisturbed migration makes of an empty database. */
  async function undisturbed() {
    const store = await open(await emptyDatabase(engine));
    const all = await pendingMigrations(store);
    expect(await migrate(store)).toEqual(all);
    return { all, shape: await shapeOf(store) };
  }

  /** Looks at what a kill left, and goes on from there. */
  async function expectResumed(url: string) {
    const { all, shape } = await undisturbed();
    const store = await open(url);
    const pending = await pendingMigrations(store);
    // Whole migrations, from the first on.
    expect(pending).toEqual(all.slice(all.length - pending.length));
    expect(await migrate(store)).toEqual(pending);
    expect(await shapeOf(store)).toEqual(shape);
    expect(await migrate(store)).toEqual([]);
  }

  test('at moments from its start to its end', async () => {
    const began = performance.now();
    await once(startMigration(await emptyDatabase(engine)), 'exit');
    const whole = performance.now() - began;
    const url = await emptyDatabase(engine);
    const kills = sized(3, 20);
    for (let nth = 0; nth < kills; nth += 1) {
      const child = startMigration(url);
      await pause(whole * (0.4 + (0.6 * nth) / kills));
      await kill(child);
    }
    await expectResumed(url);
  }, 180_000);

  if (engine === 'postgres') {
    test('right after one of its tables was made', async () => {
      const url = await emptyDatabase(engine);
      const holder = new pg.Client({ connectionString: url });
      await holder.connect();
      // Whoever makes this table waits for a lock that is held here.
      await holder.query(`
        create function wait_here() returns event_trigger language plpgsql as $$ begin
          if exists (select from pg_event_trigger_ddl_commands() where object_identity = 'public.sessions')
          then perform pg_advisory_lock(4711); end if;
        end $$;
        create event trigger wait_here on ddl_command_end execute function wait_here();
        select pg_advisory_lock(4711);
      `);
      const child = startMigration(url);
      const waits = async () => {
        const { rows } = await holder.query(
          "select from pg_locks where locktype = 'advisory' and not granted and objid = 4711",
        );
        return rows.length > 0;
      };
      while (!(await waits())) await pause(20);
      await kill(child);
      // Its backend goes on to the next statement, and finds nobody to tell.
      await holder.query(
        'drop event trigger wait_here; drop function wait_here; select pg_advisory_unlock(4711)',
      );
      await holder.end();
      await expectResumed(url);
    }, 60_000);
  }
});
