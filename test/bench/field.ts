/** A database as the benchmarks want it: the demo with tokens in the field. */
import { randomBytes } from 'node:crypto';
import { openDatabase } from '../../db/open.ts';
import type { SqliteHandles } from '../../db/sqlite-handles.ts';
import { readCatalogue } from '../../src/catalogue.ts';
import { systemClock } from '../../src/clock.ts';
import { developmentSecret } from '../../src/config.ts';
import { createSecrets } from '../../src/secrets.ts';
import { shippedFiles } from '../../src/shipped-files.ts';
import { createStores } from '../../src/stores.ts';
import { issueToken, tokenRow } from '../support/issue-token.ts';
import { demo } from '../support/mandate.ts';

/** Few enough for memory, many enough that each page of the index by token is written once for several of them. */
const rowsAtOnce = 100_000;
/** PostgreSQL takes 65,535 parameters in a statement. */
const rowsInStatement = 500;

/** How many tokens hang on one authorization, unless it is said otherwise. */
export const tokensEach = 100;

/** Whose the tokens are. */
export const holder = 'editor@acme.test';

type TokenRow = ReturnType<typeof tokenRow>;

/** The stores of a database that a server has prepared, in another process than the server's. */
export async function openField(databaseUrl: string) {
  const store = await openDatabase(databaseUrl);
  const base = { store, clock: systemClock, secrets: createSecrets(developmentSecret) };
  const stores = createStores({ ...base, catalogue: readCatalogue(shippedFiles().capabilities) });
  return { store, stores };
}

/**
 * Adds tokens for the demo's API to a database that a server has prepared, of a person with two projects.
 * @param each how many hang on one authorization
 * @returns their values
 */
export async function fillField(databaseUrl: string, tokens: number, each = tokensEach): Promise<string[]> {
  const { store, stores } = await openField(databaseUrl);
  const editor = await stores.users.findByEmail(holder);
  const projects = await stores.projects.list({ limit: 2 });
  const role = await stores.roles.findBySlug('editor');
  const server = await stores.mcpServers.findByName('atlas-flows');
  if (!editor || !role || !server) throw new Error('the demo is not there');
  store.sqlite?.writer.pragma('synchronous = OFF');
  store.sqlite?.writer.pragma('cache_size = -500000');
  const values: string[] = [];
  let rows: TokenRow[] = [];
  const flush = async () => {
    // In the order of the index that they come into.
    const sorted = rows.toSorted((one, other) => (one.key < other.key ? -1 : 1));
    rows = [];
    if (store.sqlite) insertAll(store.sqlite.writer, sorted);
    else
      for (let from = 0; from < sorted.length; from += rowsInStatement) {
        await store.db
          .insertInto('oidc_artifacts')
          .values(sorted.slice(from, from + rowsInStatement))
          .execute();
      }
  };
  let authorizationId = '';
  for (let count = 0; count < tokens; count++) {
    if (count % each === 0) {
      const made = await store.transact((trx) =>
        stores.authorizations.insert(
          trx,
          { id: 'bench' },
          {
            kind: 'oauth2',
            userId: editor.id,
            clientId: demo.web.id,
            capabilities: ['mcp', 'api', 'flows:edit'],
            projects: projects.map(({ id }) => ({ id, roles: [role.id] })),
            mcpServers: [server.id],
            asked: [],
            expiresAt: null,
          },
        ),
      );
      authorizationId = made.id;
    }
    const value = randomBytes(32).toString('base64url');
    rows.push(
      tokenRow(value, {
        authorizationId,
        clientId: demo.web.id,
        audience: demo.api,
        issuedAt: systemClock.now(),
      }),
    );
    values.push(value);
    if (rows.length === rowsAtOnce) await flush();
  }
  await flush();
  await store.close();
  return values;
}

/** Kysely would take ten times as long to put a million rows into words. */
function insertAll(writer: SqliteHandles['writer'], rows: readonly TokenRow[]): void {
  const [first] = rows;
  if (!first) return;
  const columns = Object.keys(first);
  const insert = writer.prepare(
    `insert into oidc_artifacts (${columns.join(', ')}) values (${columns.map((column) => `@${column}`).join(', ')})`,
  );
  writer.transaction(() => {
    for (const row of rows) insert.run(row);
  })();
}

/** Makes an API key of the same reach. @param email whose; the one's who has the tokens when left out @returns its secret */
export async function makeKey(databaseUrl: string, email = holder): Promise<string> {
  const { store, stores } = await openField(databaseUrl);
  const user = await stores.users.findByEmail(email);
  const projects = await stores.projects.list({ limit: 2 });
  const role = await stores.roles.findBySlug('editor');
  if (!user || !role) throw new Error('the demo is not there');
  const { secret } = await stores.apiKeys.create(
    { id: 'bench' },
    {
      userId: user.id,
      name: 'bench',
      capabilities: ['api', 'flows:edit'],
      roles: [],
      projects: projects.map(({ id }) => ({ id, roles: [role.id] })),
      mcpServers: [],
      expiresAt: null,
    },
  );
  await store.close();
  return secret;
}

/** Makes a token whose authorization its owner has paused. @returns its value */
export async function makePaused(databaseUrl: string): Promise<string> {
  const { store, stores } = await openField(databaseUrl);
  const owner = await stores.users.findByEmail(holder);
  if (!owner) throw new Error('the demo is not there');
  const actor = { id: 'bench' };
  const { id } = await store.transact((trx) =>
    stores.authorizations.insert(trx, actor, {
      kind: 'oauth2',
      userId: owner.id,
      clientId: demo.web.id,
      capabilities: ['api'],
      projects: [],
      mcpServers: [],
      asked: [],
      expiresAt: null,
    }),
  );
  const issuedAt = systemClock.now();
  const token = { authorizationId: id, clientId: demo.web.id, audience: demo.api, issuedAt };
  const value = await issueToken(store, token);
  await stores.authorizations.suspend(actor, id);
  await store.close();
  return value;
}
