/**
 * OAuth clients, however they became known. Owns their metadata, secret and state; does not own the rules of
 * registration, nor what was handed to a client (`authorizations`).
 */
import { isDeepStrictEqual } from 'node:util';
import type { Expression, ExpressionBuilder, Kysely, SqlBool, Transaction } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { ClientsTable, Database } from '../../db/schema.ts';
import type { Actor, ChangeLog } from '../changes/change-log.ts';
import type { Clock } from '../clock.ts';
import type { Secrets } from '../secrets.ts';

/** `registered` by an administrator, `dynamic` by RFC 7591, `metadata_document` by its CIMD URL. */
export type ClientKind = ClientsTable['kind'];

export interface StoredClient {
  /** The client_id. */
  readonly id: string;
  readonly kind: ClientKind;
  /** Client metadata (RFC 7591 section 2), never with a secret. */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly secretHash: string | null;
  /** An administrator vouches for the name that it shows. */
  readonly verified: boolean;
  readonly disabled: boolean;
  /** The service account that client_credentials acts as (RFC 6749 section 4.4). */
  readonly serviceAccountId: string | null;
  /** For how long a rotated refresh token of it may come back; null is the usual minute. */
  readonly refreshGraceSeconds: number | null;
  /** When its metadata document was last had and could be used; null for clients that are known another way. */
  readonly documentGoodAt: number | null;
  /** What it may exchange tokens for (RFC 8693); null: nothing. */
  readonly tokenExchange: TokenExchange | null;
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Which tokens a client may exchange for which; an administrator says so, never the client. */
export interface TokenExchange {
  /** Its own. */
  readonly own: boolean;
  /** Audiences of the resource servers that it acts for: tokens that were sent to them. */
  readonly from: readonly string[];
  /** Audiences for which it may get one. */
  readonly to: readonly string[];
}

export interface ClientContent {
  readonly id: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** In plain; absent keeps what there is, null takes it away. */
  readonly secret?: string | null;
  /** Absent keeps what there is. */
  readonly serviceAccountId?: string | null;
  /** Leaves a client that is there already as it is: whoever comes second registered the same. */
  readonly onlyNew?: boolean;
}

/** `other_kind`: the id belongs to a client that became known another way; nothing was written. */
export type SaveClientOutcome =
  | { outcome: 'done'; changed: boolean; client: StoredClient }
  | { outcome: 'other_kind'; kind: ClientKind };
export type SwitchClientOutcome = { outcome: 'done'; changed: boolean } | { outcome: 'not_found' };

/** Absent keeps what there is. */
export interface ClientSettings {
  /** Null is the usual minute. */
  readonly refreshGraceSeconds?: number | null;
  /** Null: it may exchange nothing. */
  readonly tokenExchange?: TokenExchange | null;
}

export interface ClientQuery {
  readonly kind?: ClientKind;
  readonly limit: number;
  /** The id of the last client of the page before. */
  readonly after?: string;
}

/** What must be true of a client. */
export type ClientCondition = (of: ExpressionBuilder<Database, 'clients'>) => Expression<SqlBool>;

export interface ClientMethods {
  find(id: string): Promise<StoredClient | undefined>;
  /** Lists clients by id. */
  list(query: ClientQuery): Promise<StoredClient[]>;
  /** Makes or changes a client of an administrator's; it counts as verified. */
  saveRegistered(actor: Actor, client: ClientContent): Promise<SaveClientOutcome>;
  /** Keeps a dynamic registration (RFC 7591 section 3.2); one that is disabled stays so. As below, another name or key unverifies it. */
  saveDynamic(actor: Actor, client: ClientContent): Promise<SaveClientOutcome>;
  /**
   * Keeps the last good metadata document of a client; one that is disabled stays so. With another name, other redirects or other
   * keys it is verified no longer: the administrator vouched for what was there before.
   */
  saveMetadataDocument(actor: Actor, client: ClientContent): Promise<SaveClientOutcome>;
  enable(actor: Actor, id: string): Promise<SwitchClientOutcome>;
  /** Takes the client out of every answer until `enable`. */
  disable(actor: Actor, id: string): Promise<SwitchClientOutcome>;
  verify(actor: Actor, id: string): Promise<SwitchClientOutcome>;
  unverify(actor: Actor, id: string): Promise<SwitchClientOutcome>;
  /** Sets what an administrator decides for this client alone. */
  configure(actor: Actor, id: string, settings: ClientSettings): Promise<SwitchClientOutcome>;
  /**
   * Notes that a client made itself known again, or that somebody authorizes it, so that it is not cleared away as unused.
   * @returns false when it is not there: it was removed, or cleared away a moment ago
   */
  keepInUse(id: string): Promise<boolean>;
  /**
   * Removes the row alone: revoke the client's authorizations in the same transaction.
   * @param only must be true of it in the statement that removes it; when it is not, nothing was there to be removed
   */
  remove(actor: Actor, id: string, only?: ClientCondition): Promise<SwitchClientOutcome>;
}

export interface ClientStore extends ClientMethods {
  /** Tells in constant time whether a secret is the client's; false for a client without one. */
  matchesSecret(client: Pick<StoredClient, 'secretHash'>, secret: string): boolean;
  /** The same methods inside a transaction that the caller commits. */
  within(trx: Transaction<Database>): ClientMethods;
}

export interface ClientDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly changes: ChangeLog;
  readonly secrets: Pick<Secrets, 'id' | 'keyedHash' | 'matches'>;
}

const secretPurpose = 'client-secret';

/** Creates the store of clients. */
export function createClientStore(deps: ClientDeps): ClientStore {
  return {
    ...methods(deps, deps.store.db, deps.store.transact),
    within: (trx) => methods(deps, trx, (work) => work(trx)),
    matchesSecret: matchSecret(deps, 'clients', secretPurpose),
  };
}

/**
 * Compares secrets with their keyed hashes. One that was hashed under an earlier MANDATE_SECRET is kept under the present one from
 * then on; nobody waits for that, and what fails is done when it is used the next time.
 */
export function matchSecret(
  { store, secrets }: ClientDeps,
  table: 'clients' | 'resource_servers',
  purpose: string,
) {
  return ({ secretHash }: { secretHash: string | null }, secret: string): boolean => {
    if (secretHash === null || !secrets.matches(purpose, secret, secretHash)) return false;
    const now = secrets.keyedHash(purpose, secret);
    if (now !== secretHash) {
      store.db
        // The whole table, which is small; once a secret.
        .updateTable(table)
        .set({ secret_hash: now, hashed_under: secrets.id })
        .where('secret_hash', '=', secretHash)
        .execute()
        .catch(() => {});
    }
    return true;
  };
}

function methods(
  { clock, changes, secrets }: ClientDeps,
  db: Kysely<Database>,
  transact: Store['transact'],
): ClientMethods {
  return {
    find: (id) => find(db, id),
    async list({ kind, limit, after }) {
      // clients by primary key, from `after` on
      let query = db.selectFrom('clients').selectAll().orderBy('id').limit(limit);
      if (after !== undefined) query = query.where('id', '>', after);
      if (kind !== undefined) query = query.where('kind', '=', kind);
      return (await query.execute()).map(toClient);
    },
    saveRegistered: (actor, client) => transact((trx) => save(trx, actor, 'registered', client)),
    saveDynamic: (actor, client) => transact((trx) => save(trx, actor, 'dynamic', client)),
    saveMetadataDocument: (actor, client) => transact((trx) => save(trx, actor, 'metadata_document', client)),
    keepInUse: (id) => keepInUse(db, id),
    enable: (actor, id) => transact((trx) => setFlag(trx, actor, id, 'disabled', 0, 'enabled')),
    disable: (actor, id) => transact((trx) => setFlag(trx, actor, id, 'disabled', 1, 'disabled')),
    verify: (actor, id) => transact((trx) => setFlag(trx, actor, id, 'verified', 1, 'verified')),
    unverify: (actor, id) => transact((trx) => setFlag(trx, actor, id, 'verified', 0, 'unverified')),
    configure: (actor, id, settings) => transact((trx) => configure(trx, actor, id, settings)),
    remove: (actor, id, only) =>
      transact(async (trx) => {
        const one = trx.deleteFrom('clients').where('id', '=', id).returningAll();
        // clients by primary key
        const removed = await (only ? one.where(only) : one).executeTakeFirst();
        if (!removed) return { outcome: 'not_found' };
        const client = toClient(removed);
        const before = { kind: client.kind, metadata: client.metadata };
        await changes.record(trx, actor, { subject: 'client', id, action: 'removed', before });
        return { outcome: 'done', changed: true };
      }),
  };

  async function save(
    trx: Transaction<Database>,
    actor: Actor,
    kind: ClientKind,
    content: ClientContent,
  ): Promise<SaveClientOutcome> {
    const { id } = content;
    const metadata = withoutSecrets(content.metadata);
    const hash = content.secret == null ? null : secrets.keyedHash(secretPurpose, content.secret);
    const now = clock.now();
    // clients by primary key: whoever comes second inserts nothing
    const inserted = await trx
      .insertInto('clients')
      .values({
        id,
        kind,
        metadata: JSON.stringify(metadata),
        secret_hash: hash,
        hashed_under: hash && secrets.id,
        verified: kind === 'registered' ? 1 : 0,
        disabled: 0,
        service_account_id: content.serviceAccountId ?? null,
        refresh_grace_seconds: null,
        document_good_at: kind === 'metadata_document' ? now : null,
        version: 1,
        created_at: now,
        updated_at: now,
      })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .returningAll()
      .executeTakeFirst();
    if (inserted) {
      const after = { kind, metadata, serviceAccount: inserted.service_account_id };
      await changes.record(trx, actor, { subject: 'client', id, action: 'created', after });
      return { outcome: 'done', changed: true, client: toClient(inserted) };
    }
    const old = await find(trx, id);
    if (!old) throw new Error(`the client ${id} was removed while it was being saved`);
    if (old.kind !== kind) return { outcome: 'other_kind', kind: old.kind };
    const secretHash = content.secret === undefined ? old.secretHash : hash;
    const account = content.serviceAccountId === undefined ? old.serviceAccountId : content.serviceAccountId;
    const sameSecret = secretHash === old.secretHash;
    const same = sameSecret && account === old.serviceAccountId && isDeepStrictEqual(metadata, old.metadata);
    if (content.onlyNew || same) {
      if (kind !== 'registered') await keepInUse(trx, id);
      if (kind === 'metadata_document') await noteGoodDocument(trx, id);
      return { outcome: 'done', changed: false, client: old };
    }
    const lapses = kind !== 'registered' && !sameIdentity(metadata, old.metadata);
    // clients by primary key
    const updated = await trx
      .updateTable('clients')
      .set((row) => ({
        metadata: JSON.stringify(metadata),
        secret_hash: secretHash,
        ...(sameSecret ? {} : { hashed_under: secretHash && secrets.id }),
        service_account_id: account,
        ...(lapses && { verified: 0 }),
        ...(kind === 'metadata_document' && { document_good_at: now }),
        version: row('version', '+', 1),
        updated_at: now,
      }))
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
    await changes.record(trx, actor, {
      subject: 'client',
      id,
      action: kind === 'metadata_document' ? 'document_changed' : sameSecret ? 'updated' : 'secret_changed',
      before: { metadata: old.metadata, serviceAccount: old.serviceAccountId, verified: old.verified },
      after: { metadata, serviceAccount: account, verified: updated.verified === 1 },
    });
    return { outcome: 'done', changed: true, client: toClient(updated) };
  }

  async function configure(
    trx: Transaction<Database>,
    actor: Actor,
    id: string,
    settings: ClientSettings,
  ): Promise<SwitchClientOutcome> {
    const old = await find(trx, id);
    if (!old) return { outcome: 'not_found' };
    const { refreshGraceSeconds, tokenExchange } = old;
    const before = { refreshGraceSeconds, tokenExchange };
    const after = { ...before, ...settings };
    if (isDeepStrictEqual(after, before)) return { outcome: 'done', changed: false };
    await trx
      // clients by primary key
      .updateTable('clients')
      .set((row) => ({
        refresh_grace_seconds: after.refreshGraceSeconds,
        token_exchange: after.tokenExchange && JSON.stringify(after.tokenExchange),
        version: row('version', '+', 1),
        updated_at: clock.now(),
      }))
      .where('id', '=', id)
      .execute();
    await changes.record(trx, actor, { subject: 'client', id, action: 'settings_changed', before, after });
    return { outcome: 'done', changed: true };
  }

  async function keepInUse(on: Kysely<Database>, id: string): Promise<boolean> {
    const now = clock.now();
    const { numUpdatedRows } = await on
      // clients by primary key; once an hour is enough
      .updateTable('clients')
      .set({ updated_at: now })
      .where('id', '=', id)
      .where('updated_at', '<', now - 3_600)
      .executeTakeFirst();
    if (numUpdatedRows > 0n) return true;
    return (
      (await on.selectFrom('clients').select('id').where('id', '=', id).executeTakeFirst()) !== undefined
    );
  }

  async function noteGoodDocument(on: Kysely<Database>, id: string): Promise<void> {
    // clients by primary key; its answers stay as they are, so it is no change
    await on.updateTable('clients').set({ document_good_at: clock.now() }).where('id', '=', id).execute();
  }

  async function setFlag(
    trx: Transaction<Database>,
    actor: Actor,
    id: string,
    column: 'disabled' | 'verified',
    flag: 0 | 1,
    action: string,
  ): Promise<SwitchClientOutcome> {
    // clients by primary key
    const { numUpdatedRows } = await trx
      .updateTable('clients')
      .set((row) => ({ [column]: flag, version: row('version', '+', 1), updated_at: clock.now() }))
      .where('id', '=', id)
      .where(column, '<>', flag)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) {
      return (await find(trx, id)) ? { outcome: 'done', changed: false } : { outcome: 'not_found' };
    }
    await changes.record(trx, actor, { subject: 'client', id, action });
    return { outcome: 'done', changed: true };
  }
}

async function find(db: Kysely<Database>, id: string): Promise<StoredClient | undefined> {
  // clients by primary key
  const row = await db.selectFrom('clients').selectAll().where('id', '=', id).executeTakeFirst();
  return row && toClient(row);
}

/** Tells whether two registrations are of the same tool, by what a person and a token endpoint would go by. */
function sameIdentity(
  one: Readonly<Record<string, unknown>>,
  other: Readonly<Record<string, unknown>>,
): boolean {
  const identity = ['client_name', 'redirect_uris', 'token_endpoint_auth_method', 'jwks', 'jwks_uri'];
  return identity.every((name) => isDeepStrictEqual(one[name], other[name]));
}

/** Whatever a caller hands over, metadata at rest and in the change log carries no secret, and survives JSON unchanged. */
function withoutSecrets(metadata: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { client_secret: _, registration_access_token: __, ...rest } = metadata;
  return JSON.parse(JSON.stringify(rest)) as Record<string, unknown>;
}

/** Reads a row. Pure. */
export function toClient(row: ClientsTable): StoredClient {
  return {
    id: row.id,
    kind: row.kind,
    metadata: JSON.parse(row.metadata) as Record<string, unknown>,
    secretHash: row.secret_hash,
    verified: row.verified === 1,
    disabled: row.disabled === 1,
    serviceAccountId: row.service_account_id,
    refreshGraceSeconds: row.refresh_grace_seconds,
    documentGoodAt: row.document_good_at,
    tokenExchange: row.token_exchange === null ? null : (JSON.parse(row.token_exchange) as TokenExchange),
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
