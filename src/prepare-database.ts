/**
 * What a database needs before anybody is served from it: this version's schema, the built-in roles, and the demo organization where
 * it is wanted. Owns their order; done once for a start, however many processes then serve.
 */
import { refuseCopy } from '../db/copies.ts';
import { migrate } from '../db/migrate.ts';
import type { Store } from '../db/open.ts';
import { readCatalogue } from './catalogue.ts';
import { systemClock } from './clock.ts';
import { type Config, ConfigurationError } from './config.ts';
import { createPasswords } from './directory/passwords.ts';
import { readBuiltInRoles } from './organization/built-in-roles.ts';
import { findDemoSecrets } from './organization/demo-secrets.ts';
import { emptyOrganization, readOrganizationFile } from './organization/organization-file.ts';
import { createOrganizationImport } from './organization/organization-import.ts';
import { createSecrets } from './secrets.ts';
import { shippedFiles } from './shipped-files.ts';
import { createStores, type Stores } from './stores.ts';

/**
 * Migrates, fills an empty database with the demo where it is wanted, and brings built-in roles up to date everywhere.
 * @param demo whether the demo is wanted in an empty database
 * @throws ConfigurationError when a production start finds a demo secret; NewerSchemaError; UnrestoredCopyError
 */
export async function prepareDatabase(config: Config, store: Store, demo: boolean): Promise<void> {
  await migrate(store);
  await refuseCopy(store);
  const files = shippedFiles();
  const base = {
    store,
    secrets: createSecrets(config.secret, config.previousSecrets),
    catalogue: readCatalogue(files.capabilities),
  };
  const stores = createStores({ ...base, clock: systemClock });
  const readDemo = () => readOrganizationFile(files.demo);
  const passwords = createPasswords();
  if (config.production) {
    const found = await findDemoSecrets({ ...stores, demo: readDemo(), passwords });
    if (found.length > 0) {
      throw new ConfigurationError(
        found.map((what) => `${what} is the demo's, which everyone knows: change it`),
      );
    }
  }
  const empty = (await stores.users.list({ limit: 1 })).length === 0;
  const imports = createOrganizationImport({
    ...base,
    ...stores,
    builtInRoles: readBuiltInRoles(files.roles, base.catalogue),
    passwords,
  });
  // Built-in roles follow the version at every start; an empty file mentions, and so changes, nothing else.
  const planned = await imports.plan(empty && demo ? readDemo() : emptyOrganization);
  if (planned.outcome === 'refused')
    throw new Error(`the organization cannot be prepared: ${planned.problem}`);
  if (planned.plan.entries.some(({ action }) => action !== 'unchanged')) {
    const applied = await imports.apply({ id: 'system' }, planned.plan);
    // Another node that starts at the same time has just done the same.
    if (applied.outcome === 'refused')
      throw new Error(`the organization cannot be prepared: ${applied.problem}`);
  }
}

/** Tells whether the demo is wanted, and there. A production start that found it has not come this far. */
export async function hasDemo(
  { production }: Config,
  { users }: Pick<Stores, 'users'>,
  wanted: boolean,
): Promise<boolean> {
  return wanted && !production && (await users.findByEmail('owner@acme.test')) !== undefined;
}
