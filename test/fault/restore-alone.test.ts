/** A restore is alone with the database that it replaces: a server that is started meanwhile would write to a file that nobody reads again. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { migrate } from '../../db/migrate.ts';
import { openDatabase } from '../../db/open.ts';
import { backUp } from '../../src/commands/backup.ts';
import { restoreBackup } from '../../src/commands/restore.ts';
import type { Terminal } from '../../src/commands/terminal.ts';
import type { Config } from '../../src/config.ts';
import { type FreshDatabase, freshDatabaseUrl } from '../support/databases.ts';

describe('on SQLite', () => {
  let database: FreshDatabase;
  let config: Config;
  let file: string;
  beforeEach(async () => {
    database = await freshDatabaseUrl('sqlite');
    config = { databaseUrl: database.url } as Config;
    file = `${database.url.slice('sqlite:'.length)}.backup`;
    const store = await openDatabase(database.url);
    await migrate(store);
    await store.close();
    expect((await backUp(config, file)).outcome).toBe('done');
  });
  afterEach(() => database.drop());

  /** Restores, and does something while the question waits for an answer. */
  const restore = (meanwhile: () => Promise<unknown>, answer = true) => {
    const confirm = async () => {
      await meanwhile();
      return answer;
    };
    return restoreBackup(config, { interactive: true, confirm } as unknown as Terminal, file, {});
  };
  const start = async () => {
    const store = await openDatabase(database.url);
    await store.close();
  };

  test('nothing opens the database while a restore waits for an answer, and everything does afterwards', async () => {
    const starting = () => expect(start()).rejects.toThrow();
    expect((await restore(starting)).outcome).toBe('done');
    await start();
  });

  test('nor is it kept from anybody when the answer is no', async () => {
    expect((await restore(async () => {}, false)).outcome).toBe('refused');
    await start();
  });
});
