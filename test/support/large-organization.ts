/**
 * A large organization, added to a migrated database that has the demo in it: thousands of people, projects and authorizations, years
 * of changes. Rows go in as the schema's types have them, many at once; ids sort by when their rows were made.
 */
import type { Insertable, Transaction } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { AuthorizationsTable, Database, UsersTable } from '../../db/schema.ts';
import type { IdPrefix } from '../../src/ids.ts';
import { tokenRow } from './issue-token.ts';
import { demo } from './mandate.ts';

/** How much of everything. */
export interface OrganizationSize {
  readonly users: number;
  readonly projects: number;
  readonly mcpServers: number;
  readonly clients: number;
  readonly authorizations: number;
  /** How many of these one person handed out; all of them stand. */
  readonly ofOne: number;
  /** Access tokens in the field for each of that person's tools. */
  readonly tokensEach: number;
  readonly changes: number;
}

/** What `issues show 3` asks to hold, and ten times as many tokens. */
export const largeOrganization: OrganizationSize = {
  users: 10_000,
  projects: 2_000,
  mcpServers: 500,
  clients: 200,
  authorizations: 100_000,
  ofOne: 10_000,
  tokensEach: 10,
  changes: 200_000,
};

export interface SeededOrganization {
  /** Signs in with the demo's password. */
  readonly manyOwner: { readonly id: string; readonly email: string };
  /** Values of tokens that somebody else's authorizations stand behind: they hold whatever becomes of the person above. */
  readonly bystanders: readonly string[];
}

type Table = keyof Database;

/** The person with the most authorizations; the demo's password signs in. */
export const manyEmail = 'many@acme.test';
/** Somebody else's tokens are `bystander-0` and so on, this many where there are as many authorizations. */
export const mostBystanders = 200;
const daySeconds = 86_400;
const days = 400;
const capabilities = ['api', 'apps:view', 'flows:edit', 'mcp', 'endpoints:access', 'secrets:edit'];
const people = ['Ada', 'Grace', 'Edsger', 'Barbara', 'Donald', 'Radia', 'Leslie', 'Frances', 'Ken', 'Hedy'];
const families = [
  'Lovelace',
  'Hopper',
  'Dijkstra',
  'Liskov',
  'Knuth',
  'Perlman',
  'Lamport',
  'Allen',
  'Lamarr',
];
const work = ['billing', 'search', 'mobile', 'data', 'support', 'payments', 'catalog', 'reports', 'partners'];

/** Adds the organization. @param now integer seconds; what is made was made in the 400 days before */
export async function seedLargeOrganization(
  store: Store,
  size: OrganizationSize,
  now: number,
): Promise<SeededOrganization> {
  const at = (index: number, of: number) =>
    now - days * daySeconds + Math.floor((index * days * daySeconds) / of);
  const stamps = (index: number, of: number) => ({
    version: 1,
    created_at: at(index, of),
    updated_at: at(index, of),
  });
  const roles = new Map(
    (await store.db.selectFrom('roles').select(['slug', 'id']).execute()).map(({ slug, id }) => [slug, id]),
  );
  const role = (slug: string) => roles.get(slug) ?? '';
  const person = await store.db
    .selectFrom('users')
    .select(['id', 'password_hash'])
    .where('email_key', '=', 'editor@acme.test')
    .executeTakeFirstOrThrow();

  const projects = series(size.projects, (i) => ({
    id: idAt('prj', at(i, size.projects), i),
    slug: `${pick(work, i)}-${padded(i)}`,
    name: `${pick(work, i)} ${padded(i)}`,
    ...stamps(i, size.projects),
  }));
  const servers = series(size.mcpServers, (i) => ({
    id: idAt('mcp', at(i, size.mcpServers), i),
    name: `${pick(work, i * 7)}-tools-${padded(i)}`,
    project_id: pick(projects, i * 3).id,
    resource: `https://mcp.acme.test/${padded(i)}`,
    enabled: 1 as const,
    ...stamps(i, size.mcpServers),
  }));
  const users: Insertable<UsersTable>[] = series(size.users, (i) => ({
    id: idAt('usr', at(i, size.users), i),
    kind: i % 20 === 19 ? ('service_account' as const) : ('person' as const),
    email: `${pick(people, i)}.${padded(i)}@acme.test`,
    email_key: `${pick(people, i).toLowerCase()}.${padded(i)}@acme.test`,
    name: `${pick(people, i)} ${pick(families, i * 3)}`,
    status: i % 50 === 49 ? ('suspended' as const) : ('active' as const),
    password_hash: null,
    ...stamps(i, size.users),
  }));
  const manyOwner = { id: idAt('usr', now, 0), email: manyEmail };
  users.push({
    ...manyOwner,
    kind: 'person',
    email_key: manyOwner.email,
    name: 'Many Tools',
    status: 'active',
    password_hash: person.password_hash,
    ...stamps(1, 1),
  });
  const clients = series(size.clients, (i) => ({
    id: `tool-${padded(i)}`,
    kind: 'registered' as const,
    metadata: JSON.stringify({
      client_id: `tool-${padded(i)}`,
      client_name: `${pick(work, i)} tool ${padded(i)}`,
      redirect_uris: [`https://tool-${padded(i)}.acme.test/callback`],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'web',
    }),
    secret_hash: null,
    verified: 1 as const,
    disabled: 0 as const,
    service_account_id: null,
    ...stamps(i, size.clients),
  }));
  // Everybody is a member; one in five works on some projects, one in a hundred on forty.
  const assignments = users.flatMap(({ id }, i) => {
    const places = id === manyOwner.id ? 200 : i % 100 === 0 ? 40 : i % 5 === 0 ? 3 : 0;
    const given = (slug: string, project_id: string | null) => ({
      user_id: id,
      role_id: role(slug),
      project_id,
      created_at: now,
    });
    return [
      given('member', null),
      ...series(Math.min(places, projects.length), (n) =>
        given(n % 3 === 0 ? 'viewer' : 'editor', pick(projects, i + n).id),
      ),
    ];
  });

  const every = Math.max(1, Math.floor(size.authorizations / Math.max(1, size.ofOne)));
  const isOfMany = (i: number) => i % every === 0 && i / every < size.ofOne;
  const authorization = (i: number): Insertable<AuthorizationsTable> => {
    const made = at(i, size.authorizations);
    const ofMany = isOfMany(i);
    const kind = i % 3 === 2 ? 'api_key' : 'oauth2';
    const status =
      ofMany || i % 7 > 1 ? 'active' : i % 7 === 1 ? 'revoked' : i % 4 === 0 ? 'suspended' : 'active';
    return {
      id: idAt('az', made, i),
      kind,
      user_id: ofMany ? manyOwner.id : pick(users, i * 13).id,
      client_id: kind === 'oauth2' ? pick(clients, i).id : null,
      resource: kind === 'oauth2' ? demo.api : null,
      install: null,
      name: kind === 'api_key' ? `${pick(work, i)} key ${padded(i)}` : null,
      status,
      follows_owner: 0,
      capabilities: JSON.stringify(capabilities.slice(0, 1 + (i % capabilities.length))),
      roles: '[]',
      projects: JSON.stringify(
        series(i % 4, (n) => ({ id: pick(projects, i + n).id, roles: [role('editor')] })),
      ),
      mcp_servers: JSON.stringify(series(i % 2, (n) => pick(servers, i + n).id)),
      asked: '[]',
      version: 1,
      expires_at: !ofMany && i % 11 === 0 ? made + 90 * daySeconds : null,
      created_by: ofMany ? manyOwner.id : pick(users, i * 13).id,
      created_at: made,
      updated_at: made,
      revoked_at: status === 'revoked' ? made + daySeconds : null,
      replayed_at: null,
      replayed_from: null,
      renewed_at: made,
      additions: '[]',
      last_used_at: i % 3 === 0 ? null : now - ((i * 7_919) % (120 * daySeconds)),
      last_used_by: i % 3 === 0 ? null : 'acme-api',
      last_used_from: i % 3 === 0 ? null : '192.0.2.1',
    };
  };
  const numbers = series(size.authorizations, (i) => i);
  const bystanders: string[] = [];
  const active = new Set(
    users.filter(({ id, status }) => status === 'active' && id !== manyOwner.id).map(({ id }) => id),
  );
  const artifacts = (i: number) => {
    const { id, kind, user_id: userId, status, expires_at, client_id: clientId } = authorization(i);
    const issued = { authorizationId: id, clientId: clientId ?? '', audience: demo.api, issuedAt: now };
    if (kind === 'api_key') return [];
    if (isOfMany(i)) {
      const tokens = series(size.tokensEach, (n) =>
        tokenRow(`many-${i}-${n}`, { ...issued, lifetimeSeconds: daySeconds }),
      );
      return [...tokens, ...tokens.slice(0, 1).map((row) => ({ ...row, model: 'Grant' }))];
    }
    const holds = status === 'active' && expires_at === null && active.has(userId);
    if (!holds || bystanders.length === mostBystanders) return [];
    const value = `bystander-${bystanders.length}`;
    bystanders.push(value);
    return [tokenRow(value, { ...issued, lifetimeSeconds: daySeconds })];
  };

  await store.transact(async (trx) => {
    await insertAll(trx, 'projects', projects);
    await insertAll(trx, 'mcp_servers', servers);
    await insertAll(trx, 'users', users);
    await insertAll(trx, 'role_assignments', assignments);
    await insertAll(trx, 'clients', clients);
  });
  await inSteps(store, numbers, (trx, some) => insertAll(trx, 'authorizations', some.map(authorization)));
  await inSteps(store, numbers, (trx, some) => insertAll(trx, 'oidc_artifacts', some.flatMap(artifacts)));
  await inSteps(store, numbers, (trx, some) =>
    insertAll(
      trx,
      'api_key_secrets',
      some.map(authorization).flatMap(({ id, kind, created_by, created_at }, n) =>
        kind === 'oauth2'
          ? []
          : [
              {
                id: id.replace('az_', 'key_'),
                authorization_id: id,
                secret_hash: `seeded-${id}`,
                last_four: String(n % 10_000).padStart(4, '0'),
                created_by,
                created_at: Number(created_at),
              },
            ],
      ),
    ),
  );

  const { n: last } = await store.db.selectFrom('change_counter').select('n').executeTakeFirstOrThrow();
  await inSteps(
    store,
    series(size.changes, (i) => i),
    (trx, some) =>
      insertAll(
        trx,
        'changes',
        some.map((i) => {
          const made = at(i, size.changes);
          const which = Math.floor((i * size.authorizations) / size.changes);
          const ofUser = i % 20 === 0;
          return {
            seq: last + 1 + i,
            at: made,
            subject: ofUser ? 'user' : 'authorization',
            subject_id: ofUser ? pick(users, i).id : idAt('az', at(which, size.authorizations), which),
            action: ofUser ? 'role_assigned' : i % 2 === 0 ? 'created' : 'changed',
            actor: i % 9 === 0 ? `client:tool-${padded(i % size.clients)}` : pick(users, i * 13).id,
            origin: '192.0.2.1',
            before: null,
            after: JSON.stringify({ capabilities: ['api', 'flows:edit'], projects: [] }),
          };
        }),
      ),
  );
  await store.db
    .updateTable('change_counter')
    .set({ n: last + size.changes })
    .where('id', '=', 1)
    .execute();
  return { manyOwner, bystanders };
}

/** Rows of one statement: SQLite takes 32,766 parameters, an authorization has 28. */
const rowsAtOnce = 500;
/** Of one transaction. */
const rowsOfStep = 10_000;

async function insertAll<T extends Table>(
  trx: Transaction<Database>,
  table: T,
  rows: readonly Insertable<Database[T]>[],
): Promise<void> {
  for (let start = 0; start < rows.length; start += rowsAtOnce) {
    await trx
      .insertInto(table)
      .values(rows.slice(start, start + rowsAtOnce))
      .execute();
  }
}

async function inSteps<T>(
  { transact }: Store,
  all: readonly T[],
  step: (trx: Transaction<Database>, some: readonly T[]) => Promise<void>,
): Promise<void> {
  for (let start = 0; start < all.length; start += rowsOfStep) {
    await transact((trx) => step(trx, all.slice(start, start + rowsOfStep)));
  }
}

const series = <T>(length: number, make: (index: number) => T): T[] =>
  Array.from({ length }, (_, index) => make(index));
const padded = (index: number) => String(index).padStart(5, '0');

function pick<T>(from: readonly T[], index: number): T {
  const found = from[index % from.length];
  if (found === undefined) throw new Error('nothing to pick from');
  return found;
}

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/** An id as `newId` makes them, of a moment and a number instead of chance. */
function idAt(prefix: IdPrefix, seconds: number, index: number): string {
  let rest = (BigInt(seconds * 1_000) << 80n) | BigInt(index);
  let text = '';
  for (let n = 0; n < 26; n++) {
    text = alphabet[Number(rest & 31n)] + text;
    rest >>= 5n;
  }
  return `${prefix}_${text}`;
}
