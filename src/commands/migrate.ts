import { migrate } from '../../db/migrate.ts';
import { openDatabase } from '../../db/open.ts';
import type { Config } from '../config.ts';
import { type Answer, done } from './answer.ts';

/** `migrate`: brings the database to this version's schema. */
export async function migrateDatabase(config: Config): Promise<Answer> {
  const store = await openDatabase(config.databaseUrl);
  try {
    const applied = await migrate(store);
    const text = applied.length === 0 ? 'nothing to do' : applied.map((name) => `applied ${name}`).join('\n');
    return done({ applied }, text);
  } finally {
    await store.close();
  }
}
