/** The version after this one, as far as there can be one: the same program, which knows one more migration. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

export interface NextVersion {
  /** The program behind `mandate`. */
  readonly program: string;
  remove(): void;
}

/**
 * Copies the sources and registers migrations that add a column each.
 * @param tables one a migration, in order
 */
export function buildNextVersion(tables: readonly string[]): NextVersion {
  const folder = mkdtempSync(join(tmpdir(), 'mandate-next-'));
  for (const name of ['src', 'db', 'config', 'views', 'package.json']) {
    cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const registry = join(folder, 'db/migrate.ts');
  let text = readFileSync(registry, 'utf8');
  const registered = text.indexOf('\n};\n');
  const last = tables.map((table, index) => ({ name: `${9_001 + index}-add-to-${table}`, table }));
  const entries = last.map(({ name }, index) => `  '${name}': next${index},\n`).join('');
  text = text.slice(0, registered + 1) + entries + text.slice(registered + 1);
  for (const [index, { name, table }] of last.entries()) {
    text += `import * as next${index} from './migrations/${name}.ts';\n`;
    writeFileSync(
      join(folder, 'db/migrations', `${name}.ts`),
      `export const up = async (db) => {
  await db.schema.alterTable('${table}').addColumn('of_the_next_version', 'text').execute();
  await db.schema.createTable('next_to_${table}').addColumn('id', 'text', (column) => column.primaryKey()).execute();
};
`,
    );
  }
  writeFileSync(registry, text);
  return {
    program: join(folder, 'src/cli.ts'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
