/**
 * API keys: authorizations behind one live secret, or two while it is being rotated. Owns the secrets, of which only keyed
 * hashes are kept; the rights are the authorization's.
 */
import { randomBytes } from 'node:crypto';
import type { Transaction } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { ApiKeySecretsTable, Database } from '../../db/schema.ts';
import type { Actor, ChangeLog } from '../changes/change-log.ts';
import type { Clock } from '../clock.ts';
import { newId } from '../ids.ts';
import type { PickedProject } from '../policy/vocabulary.ts';
import type { Secrets } from '../secrets.ts';
import { isApiKey, writeApiKey } from './api-key-format.ts';
import type { Authorization } from './authorization.ts';
import type { AuthorizationStore } from './authorization-store.ts';
import { createEndedSecrets } from './ended-secrets.ts';

export interface NewApiKey {
  readonly userId: string;
  readonly name: string;
  readonly capabilities: readonly string[];
  /** Role ids, by reference. */
  readonly roles: readonly string[];
  readonly projects: readonly PickedProject[];
  readonly mcpServers: readonly string[];
  readonly expiresAt: number | null;
}

/** A secret as its owner may know it. */
export interface ApiKeySecret {
  readonly id: string;
  readonly lastFour: string;
  readonly createdAt: number;
  /** When its successor is the only one left. */
  readonly expiresAt: number | null;
}

export type RotateOutcome =
  /** `secret`: the new one, in plain, for this once. */
  | { readonly outcome: 'done'; readonly secret: string }
  /** Revoked, expired, or never there. */
  | { readonly outcome: 'gone' };

export interface ApiKeyStore {
  /**
   * Makes a key.
   * @param inside does what belongs to it in the same transaction
   * @returns its secret in plain, which nobody can ask for again
   */
  create(
    actor: Actor,
    key: NewApiKey,
    inside?: (trx: Transaction<Database>, authorizationId: string) => Promise<void>,
  ): Promise<{ authorization: Authorization; secret: string }>;
  /** Gives a key a new secret. @param overlapSeconds how long the old one still works; 0 ends it at once */
  rotate(actor: Actor, id: string, overlapSeconds: number): Promise<RotateOutcome>;
  /** Finds what a presented secret belongs to; one that was ended, or has no checksum, belongs to nothing. */
  findLive(
    secret: string,
  ): Promise<{ authorizationId: string; createdAt: number; expiresAt: number | null } | undefined>;
  /** Lists the live secrets of a key, newest first. */
  liveSecrets(authorizationId: string): Promise<ApiKeySecret[]>;
  /** Tells how the newest secret of each key ends, e.g. `mk_…x9Qa`. */
  newestEndings(authorizationIds: readonly string[]): Promise<Map<string, string>>;
  /**
   * Takes a secret that somebody found out of use for good and pauses its key until its owner has looked.
   * @returns whether it was a live one
   */
  disableLeaked(actor: Actor, secret: string): Promise<boolean>;
  /** Puts on record what time has ended: secrets that were rotated out, keys that have expired. @returns how many */
  recordEnds(): Promise<number>;
}

const purpose = 'api-key';
const endsAtOnce = 200;

/** Creates the store of API keys. */
export function createApiKeyStore(deps: {
  store: Store;
  clock: Clock;
  changes: ChangeLog;
  secrets: Secrets;
  authorizations: Pick<AuthorizationStore, 'insert'>;
}): ApiKeyStore {
  const { store, clock, changes, secrets, authorizations } = deps;
  const { db, transact } = store;
  const endedSecrets = createEndedSecrets(db);

  return {
    create: (actor, { userId, name, expiresAt, ...slice }, inside) =>
      transact(async (trx) => {
        const authorization = await authorizations.insert(trx, actor, {
          kind: 'api_key',
          userId,
          clientId: null,
          name,
          expiresAt,
          asked: [],
          ...slice,
        });
        await inside?.(trx, authorization.id);
        return { authorization, secret: await insertSecret(trx, actor, authorization.id) };
      }),

    rotate: (actor, id, overlapSeconds) =>
      transact(async (trx) => {
        const now = clock.now();
        // authorizations by primary key; it holds the row, so that rotations of one key take turns
        const { numUpdatedRows } = await trx
          .updateTable('authorizations')
          .set((row) => ({ version: row('version', '+', 1), updated_at: now }))
          .where('id', '=', id)
          .where('kind', '=', 'api_key')
          .where('status', '<>', 'revoked')
          .where((is) => is.or([is('expires_at', 'is', null), is('expires_at', '>', now)]))
          .executeTakeFirst();
        if (numUpdatedRows === 0n) return { outcome: 'gone' };
        // Whatever is still in an earlier overlap goes now: never three.
        for (const secret of await live(trx, id)) {
          if (secret.expires_at === null && overlapSeconds > 0) {
            await trx
              .updateTable('api_key_secrets')
              .set({ expires_at: now + overlapSeconds })
              .where('id', '=', secret.id)
              .execute();
          } else {
            await end(trx, actor, secret, 'rotated_out');
          }
        }
        const secret = await insertSecret(trx, actor, id);
        await changes.record(trx, actor, {
          subject: 'authorization',
          id,
          action: 'rotated',
          after: { lastFour: secret.slice(-4), overlapSeconds },
        });
        return { outcome: 'done', secret };
      }),

    async findLive(secret) {
      if (!isApiKey(secret)) return undefined;
      const row = await db
        // api_key_secrets by its unique secret_hash
        .selectFrom('api_key_secrets')
        .select(['authorization_id', 'created_at', 'expires_at', 'revoked_at', 'secret_hash'])
        .where('secret_hash', 'in', secrets.keyedHashes(purpose, secret))
        .executeTakeFirst();
      if (!row || row.revoked_at !== null) return undefined;
      if (row.expires_at !== null && row.expires_at <= clock.now()) return undefined;
      rehash(row.secret_hash, secrets.keyedHash(purpose, secret));
      return {
        authorizationId: row.authorization_id,
        createdAt: row.created_at,
        expiresAt: row.expires_at,
      };
    },

    async liveSecrets(authorizationId) {
      return (await live(db, authorizationId)).map((row) => ({
        id: row.id,
        lastFour: row.last_four,
        createdAt: row.created_at,
        expiresAt: row.expires_at,
      }));
    },

    async newestEndings(authorizationIds) {
      if (authorizationIds.length === 0) return new Map();
      // api_key_secrets_by_authorization
      const rows = await db
        .selectFrom('api_key_secrets')
        .select(['authorization_id', 'last_four'])
        .where('authorization_id', 'in', [...authorizationIds])
        .orderBy('id')
        .execute();
      return new Map(rows.map((row) => [row.authorization_id, `mk_…${row.last_four}`]));
    },

    disableLeaked: (actor, secret) =>
      isApiKey(secret)
        ? transact(async (trx) => {
            // api_key_secrets by its unique secret_hash
            const row = await trx
              .selectFrom('api_key_secrets')
              .selectAll()
              .where('secret_hash', 'in', secrets.keyedHashes(purpose, secret))
              .executeTakeFirst();
            if (!row) return false;
            // authorizations by primary key; it holds the row before the secret's, as a rotation does: two never wait for each other
            await trx
              .updateTable('authorizations')
              .set((old) => ({ version: old.ref('version') }))
              .where('id', '=', row.authorization_id)
              .execute();
            if (!(await end(trx, actor, row, 'leaked'))) return false;
            // authorizations by primary key
            await trx
              .updateTable('authorizations')
              .set((old) => ({
                status: 'suspended',
                version: old('version', '+', 1),
                updated_at: clock.now(),
              }))
              .where('id', '=', row.authorization_id)
              .where('status', '=', 'active')
              .execute();
            return true;
          })
        : Promise.resolve(false),

    async recordEnds() {
      const now = clock.now();
      const due = await endedSecrets(now, endsAtOnce);
      // Most of the time nothing is due, and nothing is begun.
      if (due.length === 0) return 0;
      return transact(async (trx) => {
        const by: Actor = { id: 'system' };
        // api_key_secrets by primary key; both are looked at once more, since they may have changed meanwhile
        const rotatedOut = await trx
          .selectFrom('api_key_secrets')
          .selectAll()
          .where('id', 'in', due)
          .where('revoked_at', 'is', null)
          .where('expires_at', '<=', now)
          .execute();
        const expired = await trx
          .selectFrom('authorizations as a')
          .innerJoin('api_key_secrets as s', 's.authorization_id', 'a.id')
          .selectAll('s')
          .where('s.id', 'in', due)
          .where('a.expires_at', '<=', now)
          .where('s.revoked_at', 'is', null)
          .execute();
        for (const secret of rotatedOut) await end(trx, by, secret, 'rotated_out');
        for (const secret of expired) await end(trx, by, secret, 'expired');
        return rotatedOut.length + expired.length;
      });
    },
  };

  /**
   * Keeps a secret that was hashed under an earlier MANDATE_SECRET under the present one. Nobody waits for it: what fails is done
   * when the key is used the next time.
   */
  function rehash(before: string, now: string): void {
    if (before === now) return;
    // api_key_secrets by its unique secret_hash
    db.updateTable('api_key_secrets')
      .set({ secret_hash: now, hashed_under: secrets.id })
      .where('secret_hash', '=', before)
      .execute()
      .catch(() => {});
  }

  async function insertSecret(trx: Transaction<Database>, actor: Actor, id: string): Promise<string> {
    const secret = writeApiKey(randomBytes(32));
    await trx
      .insertInto('api_key_secrets')
      .values({
        id: newId('key'),
        authorization_id: id,
        secret_hash: secrets.keyedHash(purpose, secret),
        hashed_under: secrets.id,
        last_four: secret.slice(-4),
        created_by: actor.id,
        created_at: clock.now(),
      })
      .execute();
    return secret;
  }

  function live(from: Pick<Transaction<Database>, 'selectFrom'>, authorizationId: string) {
    // api_key_secrets_by_authorization
    return from
      .selectFrom('api_key_secrets')
      .selectAll()
      .where('authorization_id', '=', authorizationId)
      .where('revoked_at', 'is', null)
      .where((is) => is.or([is('expires_at', 'is', null), is('expires_at', '>', clock.now())]))
      .orderBy('id', 'desc')
      .execute();
  }

  /** Ends a secret for good. @returns false when it had been ended before */
  async function end(
    trx: Transaction<Database>,
    actor: Actor,
    { id, authorization_id, last_four }: ApiKeySecretsTable,
    reason: NonNullable<ApiKeySecretsTable['end_reason']>,
  ): Promise<boolean> {
    // api_key_secrets by primary key
    const { numUpdatedRows } = await trx
      .updateTable('api_key_secrets')
      .set({ revoked_at: clock.now(), end_reason: reason })
      .where('id', '=', id)
      .where('revoked_at', 'is', null)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) return false;
    await changes.record(trx, actor, {
      subject: 'authorization',
      id: authorization_id,
      action: reason,
      after: { lastFour: last_four },
    });
    return true;
  }
}
