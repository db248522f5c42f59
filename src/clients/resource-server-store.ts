/**
 * The APIs and MCP gateways that introspect tokens. Owns their credentials and the audiences that are theirs; does not own
 * MCP servers (`directory`), which it only recognises among the audiences.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Kysely, Transaction } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { Database, ResourceServersTable } from '../../db/schema.ts';
import type { Actor } from '../changes/change-log.ts';
import { newId } from '../ids.ts';
import { type ClientDeps, matchSecret } from './client-store.ts';
import { alikeAmong } from './resource-spelling.ts';

export interface ResourceServer {
  readonly id: string;
  /** The client id with which it introspects. */
  readonly name: string;
  /** Null when it authenticates by assertion only. */
  readonly secretHash: string | null;
  /** JSON Web Key Set for private_key_jwt (RFC 7523), or null. */
  readonly jwks: unknown;
  readonly disabled: boolean;
  readonly version: number;
}

/** What a resource server answers for. */
export interface GuardedResources {
  readonly audiences: readonly string[];
  /** The audiences that are an MCP server's resource. */
  readonly mcpServers: readonly { readonly id: string; readonly resource: string }[];
  /** All others: APIs. */
  readonly apiAudiences: readonly string[];
}

export interface ResourceServerContent {
  readonly name: string;
  readonly audiences: readonly string[];
  /** In plain; absent keeps what there is, null takes it away. */
  readonly secret?: string | null;
  /** Absent keeps what there is, null takes it away. */
  readonly jwks?: unknown;
}

export type SaveResourceServerOutcome =
  | { outcome: 'done'; changed: boolean; server: ResourceServer }
  /** Another resource server owns it, or one that tools spell alike: an audience has one owner. */
  | { outcome: 'audience_taken'; audience: string };
export type SwitchResourceServerOutcome = { outcome: 'done'; changed: boolean } | { outcome: 'not_found' };

export interface ResourceServerMethods {
  /** Finds by the name with which it introspects. */
  find(name: string): Promise<ResourceServer | undefined>;
  findById(id: string): Promise<ResourceServer | undefined>;
  findByAudience(audience: string): Promise<ResourceServer | undefined>;
  /** Tells what it guards, in one statement. */
  guardedBy(id: string): Promise<GuardedResources>;
  /** Lists every resource server by name. */
  list(): Promise<ResourceServer[]>;
  /** Lists every audience that a token can be made for. */
  audiences(): Promise<string[]>;
  /** Makes or changes the one with this name; its audiences become exactly those given. */
  save(actor: Actor, server: ResourceServerContent): Promise<SaveResourceServerOutcome>;
  enable(actor: Actor, id: string): Promise<SwitchResourceServerOutcome>;
  /** Refuses its questions until `enable`. */
  disable(actor: Actor, id: string): Promise<SwitchResourceServerOutcome>;
}

export interface ResourceServerStore extends ResourceServerMethods {
  /** Tells in constant time whether a secret is the server's; false for one without. */
  matchesSecret(server: Pick<ResourceServer, 'secretHash'>, secret: string): boolean;
  /** The same methods inside a transaction that the caller commits. */
  within(trx: Transaction<Database>): ResourceServerMethods;
}

const secretPurpose = 'resource-server-secret';

/** Creates the store of resource servers. */
export function createResourceServerStore(deps: ClientDeps): ResourceServerStore {
  return {
    ...methods(deps, deps.store.db, deps.store.transact),
    within: (trx) => methods(deps, trx, (work) => work(trx)),
    matchesSecret: matchSecret(deps, 'resource_servers', secretPurpose),
  };
}

function methods(
  { clock, changes, secrets }: ClientDeps,
  db: Kysely<Database>,
  transact: Store['transact'],
): ResourceServerMethods {
  return {
    // resource_servers by its unique name
    find: (name) => findBy(db, 'name', name),
    // resource_servers by primary key
    findById: (id) => findBy(db, 'id', id),
    async findByAudience(audience) {
      // resource_server_audiences by primary key, resource_servers by primary key
      const row = await db
        .selectFrom('resource_server_audiences as a')
        .innerJoin('resource_servers as r', 'r.id', 'a.resource_server_id')
        .selectAll('r')
        .where('a.audience', '=', audience)
        .executeTakeFirst();
      return row && toServer(row);
    },
    async guardedBy(id) {
      // resource_server_audiences_by_server, mcp_servers by its unique resource
      const rows = await db
        .selectFrom('resource_server_audiences as a')
        .leftJoin('mcp_servers as s', 's.resource', 'a.audience')
        .select(['a.audience', 's.id'])
        .where('a.resource_server_id', '=', id)
        .orderBy('a.audience')
        .execute();
      return {
        audiences: rows.map(({ audience }) => audience),
        mcpServers: rows.flatMap((row) => (row.id === null ? [] : [{ id: row.id, resource: row.audience }])),
        apiAudiences: rows.filter((row) => row.id === null).map(({ audience }) => audience),
      };
    },
    async list() {
      // the whole table: resource servers are few
      return (await db.selectFrom('resource_servers').selectAll().orderBy('name').execute()).map(toServer);
    },
    async audiences() {
      // the whole table: audiences are few
      const rows = await db
        .selectFrom('resource_server_audiences')
        .select('audience')
        .orderBy('audience')
        .execute();
      return rows.map(({ audience }) => audience);
    },
    save: (actor, content) =>
      transact(async (trx) => {
        const owner = await someoneElses(trx, content);
        if (owner) return { outcome: 'audience_taken', audience: owner };
        const old = await findBy(trx, 'name', content.name);
        const server = old ?? (await insert(trx, content.name));
        const audiences = [...new Set(content.audiences)].sort();
        const before = await audiencesOf(trx, server.id);
        const secretHash =
          content.secret === undefined
            ? server.secretHash
            : content.secret && secrets.keyedHash(secretPurpose, content.secret);
        const jwks = content.jwks === undefined ? server.jwks : content.jwks;
        const sameSecret = secretHash === server.secretHash;
        const same =
          sameSecret &&
          isDeepStrictEqual(jwks, server.jwks) &&
          JSON.stringify(audiences) === JSON.stringify(before);
        if (old && same) return { outcome: 'done', changed: false, server: old };
        await setAudiences(trx, server.id, before, audiences);
        // resource_servers by primary key
        const updated = await trx
          .updateTable('resource_servers')
          .set((row) => ({
            secret_hash: secretHash,
            ...(sameSecret ? {} : { hashed_under: secretHash && secrets.id }),
            jwks: jwks === null ? null : JSON.stringify(jwks),
            version: row('version', '+', old ? 1 : 0),
            updated_at: clock.now(),
          }))
          .where('id', '=', server.id)
          .returningAll()
          .executeTakeFirstOrThrow();
        await changes.record(trx, actor, {
          subject: 'resource_server',
          id: server.id,
          action: !old ? 'created' : sameSecret ? 'updated' : 'secret_changed',
          ...(old ? { before: { audiences: before } } : {}),
          after: { name: content.name, audiences },
        });
        return { outcome: 'done', changed: true, server: toServer(updated) };
      }),
    enable: (actor, id) => transact((trx) => setDisabled(trx, actor, id, 0)),
    disable: (actor, id) => transact((trx) => setDisabled(trx, actor, id, 1)),
  };

  async function insert(trx: Transaction<Database>, name: string): Promise<ResourceServer> {
    const now = clock.now();
    const row = await trx
      .insertInto('resource_servers')
      .values({
        id: newId('rs'),
        name,
        secret_hash: null,
        jwks: null,
        disabled: 0,
        version: 1,
        created_at: now,
        updated_at: now,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    return toServer(row);
  }

  async function setDisabled(
    trx: Transaction<Database>,
    actor: Actor,
    id: string,
    disabled: 0 | 1,
  ): Promise<SwitchResourceServerOutcome> {
    // resource_servers by primary key
    const { numUpdatedRows } = await trx
      .updateTable('resource_servers')
      .set((row) => ({ disabled, version: row('version', '+', 1), updated_at: clock.now() }))
      .where('id', '=', id)
      .where('disabled', '<>', disabled)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) {
      return (await findBy(trx, 'id', id)) ? { outcome: 'done', changed: false } : { outcome: 'not_found' };
    }
    await changes.record(trx, actor, {
      subject: 'resource_server',
      id,
      action: disabled === 1 ? 'disabled' : 'enabled',
    });
    return { outcome: 'done', changed: true };
  }
}

/** @returns an audience of another resource server that one of these is, or that a new one of them would be taken for */
async function someoneElses(db: Kysely<Database>, { name, audiences }: ResourceServerContent) {
  if (audiences.length === 0) return undefined;
  // the whole tables: audiences are few
  const rows = await db
    .selectFrom('resource_server_audiences as a')
    .innerJoin('resource_servers as r', 'r.id', 'a.resource_server_id')
    .select(['a.audience', 'r.name'])
    .execute();
  const own = rows.filter((row) => row.name === name).map(({ audience }) => audience);
  const others = rows.filter((row) => row.name !== name).map(({ audience }) => audience);
  for (const audience of audiences) {
    if (others.includes(audience)) return audience;
    // What it has already stays its own, whoever came after.
    const taken = own.includes(audience) ? undefined : alikeAmong(others, audience)[0];
    if (taken !== undefined) return taken;
  }
  return undefined;
}

async function audiencesOf(db: Kysely<Database>, id: string): Promise<string[]> {
  // resource_server_audiences_by_server
  const rows = await db
    .selectFrom('resource_server_audiences')
    .select('audience')
    .where('resource_server_id', '=', id)
    .execute();
  return rows.map(({ audience }) => audience).sort();
}

async function setAudiences(
  trx: Transaction<Database>,
  id: string,
  before: readonly string[],
  after: readonly string[],
): Promise<void> {
  const gone = before.filter((audience) => !after.includes(audience));
  const added = after.filter((audience) => !before.includes(audience));
  if (gone.length > 0) {
    // resource_server_audiences by primary key
    await trx.deleteFrom('resource_server_audiences').where('audience', 'in', gone).execute();
  }
  if (added.length > 0) {
    await trx
      .insertInto('resource_server_audiences')
      .values(added.map((audience) => ({ audience, resource_server_id: id })))
      .execute();
  }
}

async function findBy(db: Kysely<Database>, column: 'id' | 'name', value: string) {
  const row = await db
    .selectFrom('resource_servers')
    .selectAll()
    .where(column, '=', value)
    .executeTakeFirst();
  return row && toServer(row);
}

function toServer(row: ResourceServersTable): ResourceServer {
  return {
    id: row.id,
    name: row.name,
    secretHash: row.secret_hash,
    jwks: row.jwks === null ? null : (JSON.parse(row.jwks) as unknown),
    disabled: row.disabled === 1,
    version: row.version,
  };
}
