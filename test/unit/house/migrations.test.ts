/** What may change in a database beneath servers of the version before: they go on until it is their turn (`test/fault/rolling-upgrade`). */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const folder = join(import.meta.dirname, '../../../db/migrations');
/** The last one of the first release: nobody runs anything older. */
const firstRelease = 22;

/** Says what the version before would not survive. Pure. */
function takenAway(migration: string): string[] {
  const calls = migration.match(
    /\b(dropTable|dropColumn|dropConstraint|renameTo|renameColumn|alterColumn|setDataType|setNotNull|modifyColumn)\b/g,
  );
  const statements = migration.match(/\b(drop|rename|alter)\s+(table|column|type)\b/gi);
  const required = [...migration.matchAll(/addColumn\(\s*'(\w+)'[^;]*?notNull\(\)(?!\.defaultTo)/g)]
    // What a new table requires, nobody writes who does not know it.
    .filter(
      ({ index }) =>
        migration.slice(0, index).lastIndexOf('createTable') <
        migration.slice(0, index).lastIndexOf('alterTable'),
    )
    .map(([, name]) => `${name} is required`);
  return [...(calls ?? []), ...(statements ?? []), ...required];
}

test('a migration after the first release only adds', () => {
  const files = readdirSync(folder).filter((name) => Number.parseInt(name, 10) > firstRelease);
  const found = files.map((name) => [name, takenAway(readFileSync(join(folder, name), 'utf8'))]);
  expect(found.filter(([, taken]) => taken?.length)).toEqual([]);
});

test.each([
  ["await db.schema.alterTable('users').dropColumn('name').execute();", ['dropColumn']],
  ["await db.schema.alterTable('users').renameTo('people').execute();", ['renameTo']],
  ['await sql`alter table users drop column name`.execute(db);', ['alter table', 'drop column']],
  [
    "await db.schema.alterTable('users').addColumn('kind', 'text', (column) => column.notNull()).execute();",
    ['kind is required'],
  ],
  [
    "await db.schema.alterTable('users').addColumn('n', 'integer', (column) => column.notNull().defaultTo(0)).execute();",
    [],
  ],
  ["await db.schema.alterTable('users').addColumn('note', 'text').execute();", []],
  [
    "await db.schema.createTable('notes').addColumn('id', 'text', (column) => column.notNull()).execute();",
    [],
  ],
])('%s', (migration, taken) => {
  expect(takenAway(migration)).toEqual(taken);
});
