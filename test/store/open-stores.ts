import { migrate } from '../../db/migrate.ts';
import { openDatabase, type Store } from '../../db/open.ts';
import { readCatalogue } from '../../src/catalogue.ts';
import { createPasswords } from '../../src/directory/passwords.ts';
import { readBuiltInRoles } from '../../src/organization/built-in-roles.ts';
import { createOrganizationImport } from '../../src/organization/organization-import.ts';
import { createSecrets } from '../../src/secrets.ts';
import { shippedFiles } from '../../src/shipped-files.ts';
import { createStores } from '../../src/stores.ts';
import { movableClock } from '../support/clock.ts';
import { type Engine, freshDatabaseUrl } from '../support/databases.ts';

/** Who the tests act as. */
export const actor = { id: 'command' } as const;

/** Every store on one database of a test's own. */
export type Stores = Awaited<ReturnType<typeof openStores>>;

/** Opens every store on an empty, migrated database, with a clock to move. */
export async function openStores(engine: Engine) {
  const database = await freshDatabaseUrl(engine);
  const store = await openDatabase(database.url);
  await migrate(store);
  const close = async () => {
    await store.close();
    await database.drop();
  };
  return { ...wireStores(store), url: database.url, close };
}

/** Wires the stores the way the server does. */
function wireStores(store: Store) {
  const clock = movableClock(1_790_000_000);
  const shipped = shippedFiles();
  const catalogue = readCatalogue(shipped.capabilities);
  const secrets = createSecrets('a secret for tests, long enough to be one');
  const base = { store, clock, catalogue, secrets };
  const stores = { ...base, ...createStores(base), passwords: createPasswords() };
  const builtInRoles = readBuiltInRoles(shipped.roles, catalogue);
  return { ...stores, imports: createOrganizationImport({ ...stores, builtInRoles }) };
}

/** Reads the log of changes as `subject action`, oldest first. */
export async function changeLog({ store }: { store: Store }): Promise<string[]> {
  const rows = await store.db.selectFrom('changes').select(['subject', 'action']).orderBy('seq').execute();
  return rows.map(({ subject, action }) => `${subject} ${action}`);
}

/** Makes a user and answers its id. */
export async function makeUser({ users }: Pick<Stores, 'users'>, email: string): Promise<string> {
  const made = await users.create(actor, { kind: 'person', email, name: email });
  if (made.outcome !== 'created') throw new Error(made.outcome);
  return made.user.id;
}

/** Makes a role and answers its id. */
export async function makeRole(
  { roles }: Pick<Stores, 'roles'>,
  slug: string,
  ...permissions: string[]
): Promise<string> {
  const made = await roles.create(actor, { slug, name: slug, permissions });
  if (made.outcome !== 'created') throw new Error(made.outcome);
  return made.role.id;
}

/** Makes a project and answers its id. */
export async function makeProject({ projects }: Pick<Stores, 'projects'>, slug: string): Promise<string> {
  const made = await projects.create(actor, { slug, name: slug });
  if (made.outcome !== 'created') throw new Error(made.outcome);
  return made.project.id;
}
