/**
 * `node test/bench/seed-organization.ts --database sqlite:/tmp/large.db`: makes a large organization in an empty database, migrated
 * on the way. `--authorizations N` (100,000) makes a smaller one in proportion. Prints what can be signed in with.
 */
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { migrate } from '../../db/migrate.ts';
import { readCatalogue } from '../../src/catalogue.ts';
import { systemClock } from '../../src/clock.ts';
import { createPasswords } from '../../src/directory/passwords.ts';
import { readBuiltInRoles } from '../../src/organization/built-in-roles.ts';
import { parseOrganization } from '../../src/organization/organization-file.ts';
import { createOrganizationImport } from '../../src/organization/organization-import.ts';
import { shippedFiles } from '../../src/shipped-files.ts';
import {
  largeOrganization,
  type OrganizationSize,
  seedLargeOrganization,
} from '../support/large-organization.ts';
import { demo } from '../support/mandate.ts';
import { openField } from './field.ts';

/** Makes the organization in an empty database. @returns whom to sign in as, tokens that hold, and how long it took */
export async function seedDatabase(databaseUrl: string, size: OrganizationSize = largeOrganization) {
  const started = performance.now();
  const { store, stores } = await openField(databaseUrl);
  try {
    // Lost with a power cut, made again in a minute.
    store.sqlite?.writer.pragma('synchronous = OFF');
    await migrate(store);
    if (await stores.users.findByEmail('owner@acme.test')) {
      throw new Error('there is an organization already: name an empty database');
    }
    const files = shippedFiles();
    const catalogue = readCatalogue(files.capabilities);
    const imports = createOrganizationImport({
      ...stores,
      store,
      catalogue,
      builtInRoles: readBuiltInRoles(files.roles, catalogue),
      passwords: createPasswords(),
    });
    const planned = await imports.plan(parseOrganization(readFileSync(files.demo, 'utf8')));
    if (planned.outcome === 'refused') throw new Error(planned.problem);
    await imports.apply({ id: 'system' }, planned.plan);
    const seeded = await seedLargeOrganization(store, size, systemClock.now());
    // As autovacuum has it sooner or later; SQLite is left as a server leaves it.
    if (store.engine === 'postgres') await analyze(databaseUrl);
    return { ...seeded, seconds: (performance.now() - started) / 1_000 };
  } finally {
    await store.close();
  }
}

/** On a connection of its own: it takes longer than a request may. */
async function analyze(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query('analyze');
  } finally {
    await client.end();
  }
}

/** The large organization in proportion. */
export function sizedTo(authorizations: number): OrganizationSize {
  const share = (n: number) =>
    Math.max(1, Math.round((n * authorizations) / largeOrganization.authorizations));
  const { tokensEach, ...amounts } = largeOrganization;
  return {
    tokensEach,
    users: share(amounts.users),
    projects: share(amounts.projects),
    mcpServers: share(amounts.mcpServers),
    clients: share(amounts.clients),
    authorizations,
    ofOne: share(amounts.ofOne),
    changes: share(amounts.changes),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values } = parseArgs({
    options: {
      database: { type: 'string', default: 'sqlite:./data/large.db' },
      authorizations: { type: 'string', default: String(largeOrganization.authorizations) },
    },
  });
  const { seconds, manyOwner } = await seedDatabase(values.database, sizedTo(Number(values.authorizations)));
  process.stdout.write(
    `Seeded in ${seconds.toFixed(1)} s. Sign in as owner@acme.test, or as ${manyOwner.email}, who handed out the most; password ${demo.password}.\n`,
  );
}
