/**
 * Keeps what oidc-provider issues: sessions, interactions, grants, codes, tokens. Owns their rows; clients are elsewhere
 * (`client-adapter.ts`). Identifiers are stored only as keyed hashes, and wherever an artifact repeats its own identifier in its
 * payload, a mark stands in its place. Single use is a conditional UPDATE, refresh tokens have a window of grace.
 */
import type { Transaction } from 'kysely';
import type { Adapter, AdapterPayload } from 'oidc-provider';
import type { Store } from '../../db/open.ts';
import type { Database, OidcArtifactsTable } from '../../db/schema.ts';
import type { Clock } from '../clock.ts';
import { addSession, forgetSession, prolongSession, renameSession } from '../directory/session-store.ts';
import type { Secrets } from '../secrets.ts';
import { readAlias, writeAlias } from './artifact-alias.ts';
import { createArtifactStatements } from './artifact-statements.ts';
import { AlreadyUsedError, type UnitsOfWork, type Write } from './unit-of-work.ts';
import { keepUsedGrant } from './used-grant.ts';

/** Stands for the artifact's own identifier in stored JSON; JSON text cannot hold this character otherwise. */
const selfMark = '\u0001';
/** An artifact that is expired is still found for this long: the library tells "expired" from "unknown". */
export const keptAfterExpirySeconds = 120;
/** A proof is taken from a clock that is ahead of ours by as much as from one behind (RFC 9449 section 11.1): it is good for longer by this. */
const proofsAheadSeconds = 300;
/** A registration access token is good for as long as its client is there, and goes with it (RFC 7592 section 5). */
const withoutEndSeconds = 100 * 365 * 86_400;

export interface ArtifactAdapterDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly secrets: Secrets;
  readonly units: UnitsOfWork;
  /** For how many seconds a rotated refresh token of a client may come back and get the same successor. */
  readonly refreshGraceOf: (clientId: string, trx?: Transaction<Database>) => Promise<number>;
  /** Told, in the request's own transaction, that a code or a rotated refresh token of this grant came back. */
  readonly onReplay: (grantId: string) => Write;
  /** Begins to tell, in the request's own transaction, that a token was ended while its authorization stands. */
  readonly onTokenRevoked: () => (trx: Transaction<Database>, authorizationId: string) => Promise<void>;
}

/** What a resource server may have been told of: its end is a change (`changes`), wherever it is deleted before it expires. */
const introspectedModels = new Set(['AccessToken', 'ClientCredentials']);
const destroyedOnce = new Set(['Interaction', 'RegistrationAccessToken']);

/**
 * Creates the adapter of one model.
 * @see https://github.com/panva/node-oidc-provider/blob/main/example/my_adapter.js the contract
 */
export function createArtifactAdapter(model: string, deps: ArtifactAdapterDependencies): Adapter {
  const { store, clock, secrets, units } = deps;
  const statements = createArtifactStatements(store, model);

  /** Tells whether a use that lies back is still as good as none: nobody else's but a refresh token's. */
  const isInGrace = async (
    { consumed_at: at, client_id: clientId }: Pick<OidcArtifactsTable, 'consumed_at' | 'client_id'>,
    trx?: Transaction<Database>,
  ): Promise<boolean> => {
    if (at === null || model !== 'RefreshToken' || clientId === null) return false;
    return at + (await deps.refreshGraceOf(clientId, trx)) > clock.now();
  };

  /**
   * Under which keys an artifact may be kept, the first one being where it is put. A grant's id is our authorization's id and no
   * secret; an alias names an artifact whose identifier nobody here knows.
   */
  const keysOf = (id: string): readonly [string, ...string[]] => {
    if (model === 'Grant') return [id];
    const alias = readAlias(id, secrets);
    return alias === undefined ? secrets.keyedHashes(model, id) : [alias];
  };

  const decode = async (row: OidcArtifactsTable, id: string): Promise<AdapterPayload> => {
    const payload = JSON.parse(
      row.payload.replaceAll(selfMark, () => JSON.stringify(id).slice(1, -1)),
    ) as AdapterPayload;
    payload.jti = id;
    if (row.consumed_at !== null && !(await isInGrace(row))) payload.consumed = row.consumed_at;
    else delete payload.consumed;
    // The library reads the machine's time; what our clock says has expired is expired for it as well.
    if (row.expires_at <= clock.now()) payload.exp = 0;
    else if (model === 'Grant') {
      payload.exp = Math.max(payload.exp ?? 0, keepUsedGrant(units.current(), row, clock.now()));
    }
    return payload;
  };

  const findRow = async (column: 'key' | 'uid' | 'user_code', values: readonly string[]) => {
    const [value = ''] = values;
    const rows =
      column === 'key' && values.length === 1
        ? await statements.find(value)
        : await store.db
            // oidc_artifacts_by_uid, oidc_artifacts_by_user_code, or the primary key.
            .selectFrom('oidc_artifacts')
            .selectAll()
            .where('model', '=', model)
            .where(column, 'in', values)
            .execute();
    // Nodes that differ in their present secret may each have kept a successor: it is used when one of its rows is.
    const row = rows.find(({ consumed_at }) => consumed_at !== null) ?? rows[0];
    if (row) {
      const unit = units.current();
      unit.found.add(`${model} ${row.key}`);
      if (column === 'key') unit.found.add(`${model} ${values[0]}`);
      if (row.uid) unit.found.add(underUid(row.uid));
      if (row.account_id) unit.found.add(signedIn(row.uid, row.account_id));
    }
    return row;
  };

  return {
    async upsert(id, payload, expiresIn) {
      const unit = units.current();
      const keys = keysOf(id);
      const [key] = keys;
      const userCode = payload.userCode;
      const uids = model === 'Session' && payload.uid ? secrets.keyedHashes('session-uid', payload.uid) : [];
      const kept = withoutSecrets(model, payload, secrets);
      const json = JSON.stringify(kept).replaceAll(
        JSON.stringify(id).slice(1, -1),
        model === 'Grant' ? id : selfMark,
      );
      // Ends with its authorization or by itself, never with an account or a client: two indexes less to write for each.
      const byGrantAlone = model === 'AccessToken' && payload.grantId !== undefined;
      const row: OidcArtifactsTable = {
        model,
        key,
        grant_id: model === 'Grant' ? id : (payload.grantId ?? null),
        account_id: byGrantAlone ? null : (payload.accountId ?? null),
        client_id: byGrantAlone ? null : (payload.clientId ?? null),
        uid: uids[0] ?? null,
        user_code: userCode ? secrets.keyedHash('user-code', userCode) : null,
        payload: json,
        consumed_at: null,
        // An assertion may end between two seconds, and what is kept of it stays until then (RFC 7519 section 2).
        expires_at: clock.now() + Math.ceil(expiresIn ?? withoutEndSeconds),
      };
      unit.artifacts.set(`${model} ${key}`, { payload: { ...payload }, consumed: false });
      if (model === 'ReplayDetection') {
        // Whatever is answered: a proof that was shown to a refused request has been shown.
        unit.always(async (trx) => {
          const { numInsertedOrUpdatedRows } = await trx
            .insertInto('oidc_artifacts')
            .values({ ...row, expires_at: row.expires_at + proofsAheadSeconds })
            .onConflict((conflict) => conflict.columns(['model', 'key']).doNothing())
            .executeTakeFirstOrThrow();
          if (numInsertedOrUpdatedRows === 0n) throw new AlreadyUsedError('the proof was used before');
        });
        return;
      }
      const found = unit.found.has(`${model} ${key}`);
      const known =
        model === 'RefreshToken'
          ? // The successor of a refresh token is derived from it: whoever refreshes second meets the same row.
            statements.insertNew
          : !found && row.user_code === null && row.uid === null
            ? statements.save
            : undefined;
      if (known) {
        const query = known(row);
        unit.onSuccess(
          async (trx) => void (await trx.executeQuery(query)),
          () => ({ query, mustChange: false }),
        );
      } else {
        unit.onSuccess((trx) => saveRow(trx, row, found ? keys : undefined));
      }
      if (!row.uid || !row.account_id) return;
      const before = uids.find((uid) => unit.found.has(underUid(uid)));
      const goesOn = before !== undefined && unit.found.has(signedIn(before, row.account_id));
      unit.found.add(goingOn(row.uid));
      const session = {
        uid: row.uid,
        userId: row.account_id,
        signedInAt: payload.loginTs ?? clock.now(),
        methods: payload.amr ?? [],
        now: clock.now(),
        expiresAt: row.expires_at,
        visitor: unit.visitor,
      };
      unit.onSuccess(async (trx) => {
        if (!goesOn) return addSession(trx, session);
        if (before !== session.uid) await renameSession(trx, before, session.uid);
        // Ended from elsewhere while this request ran: a new id does not bring it back.
        if (!(await prolongSession(trx, session))) throw new AlreadyUsedError('the session was ended');
      });
    },

    async find(id) {
      const keys = keysOf(id);
      const own = units.current().artifacts.get(`${model} ${keys[0]}`);
      if (own === null) return undefined;
      if (own) return { ...own.payload, jti: id } as AdapterPayload;
      const row = await findRow('key', keys);
      return row && decode(row, id);
    },

    async findByUid(uid) {
      const row = await findRow('uid', secrets.keyedHashes('session-uid', uid));
      return row && decode(row, writeAlias(row.key, secrets));
    },

    async findByUserCode(userCode) {
      const row = await findRow('user_code', secrets.keyedHashes('user-code', userCode));
      return row && { ...(await decode(row, writeAlias(row.key, secrets))), userCode };
    },

    async consume(id) {
      const unit = units.current();
      const keys = keysOf(id);
      const own = unit.artifacts.get(`${model} ${keys[0]}`);
      if (own) own.consumed = true;
      const [key] = keys;
      const use = async (trx: Transaction<Database>) => {
        const now = clock.now();
        await joinFamily(trx, store.engine, { model, keys });
        const { numAffectedRows = 0n } = await trx.executeQuery(
          keys.length === 1
            ? statements.consume({ key, now })
            : trx
                // Primary key.
                .updateTable('oidc_artifacts')
                .set({ consumed_at: now })
                .where('model', '=', model)
                .where('key', 'in', keys)
                .where('consumed_at', 'is', null)
                .compile(),
        );
        if (numAffectedRows > 0n) return;
        const row = await trx
          .selectFrom('oidc_artifacts')
          .select(['consumed_at', 'client_id'])
          .where('model', '=', model)
          .where('key', 'in', keys)
          .executeTakeFirst();
        if (!row || !(await isInGrace(row, trx)))
          throw new AlreadyUsedError(`${model} was used by another request`);
      };
      // The common case on SQLite, which has no family to join: nobody else has used it.
      const first = () => ({ query: statements.consume({ key, now: clock.now() }), mustChange: true });
      unit.onSuccess(use, keys.length === 1 ? first : undefined);
    },

    async destroy(id) {
      const unit = units.current();
      const keys = keysOf(id);
      unit.artifacts.set(`${model} ${keys[0]}`, null);
      const told = introspectedModels.has(model) ? deps.onTokenRevoked() : undefined;
      unit.always(async (trx) => {
        const deleted = await trx
          // Primary key.
          .deleteFrom('oidc_artifacts')
          .where('model', '=', model)
          .where('key', 'in', keys)
          .returning(['grant_id', 'payload', 'uid'])
          .executeTakeFirst();
        // An interaction is resumed once: two answers to one consent would make two codes. A registration token is replaced once.
        if (destroyedOnce.has(model) && !deleted) {
          throw new AlreadyUsedError(`${model} was answered by another request`);
        }
        if (model === 'Session' && deleted?.uid && !unit.found.has(goingOn(deleted.uid))) {
          await forgetSession(trx, deleted.uid);
        }
        const authorizationId = told && deleted && authorizationOf(deleted);
        if (authorizationId) await told(trx, authorizationId);
      });
    },

    async revokeByGrantId(grantId) {
      const unit = units.current();
      if (unit.reach === 'nothing') return;
      // The library revokes model by model; access tokens are the one that it never leaves out.
      if (unit.reach === 'tokens' && model === 'AccessToken') {
        unit.always((trx) => closeFamily(trx, store.engine, grantId));
        unit.always(deps.onReplay(grantId));
      }
      unit.always(async (trx) => {
        await trx
          // oidc_artifacts_by_grant
          .deleteFrom('oidc_artifacts')
          .where('grant_id', '=', grantId)
          .where('model', '=', model)
          .execute();
      });
    },
  };
}

/**
 * Makes a use of a family's code or refresh token, and the end of that family, wait for each other on PostgreSQL: without it, a
 * statement that deletes the family does not see what a use inserts at the same moment. SQLite has one writer at a time.
 */
async function joinFamily(
  trx: Transaction<Database>,
  engine: Store['engine'],
  artifact: { model: string; keys: readonly string[] },
): Promise<void> {
  if (engine === 'sqlite') return;
  await trx
    // Primary key, twice.
    .selectFrom('oidc_artifacts')
    .select('key')
    .where('model', '=', 'Grant')
    .where('key', 'in', ({ selectFrom }) =>
      selectFrom('oidc_artifacts as used')
        .select((row) => row.ref('used.grant_id').$notNull().as('grant_id'))
        .where('used.model', '=', artifact.model)
        .where('used.key', 'in', artifact.keys),
    )
    .forShare()
    .execute();
}

/** The other side of `joinFamily`: waits for the uses under way and holds off the next ones. */
async function closeFamily(
  trx: Transaction<Database>,
  engine: Store['engine'],
  grantId: string,
): Promise<void> {
  if (engine === 'sqlite') return;
  await trx
    // Primary key.
    .selectFrom('oidc_artifacts')
    .select('key')
    .where('model', '=', 'Grant')
    .where('key', '=', grantId)
    .forUpdate()
    .execute();
}

/** Names a session by the hash under which it was found. */
const underUid = (uid: string) => `uid ${uid}`;
/** Names a session that somebody is signed in with, whatever its id is at the moment. */
const signedIn = (uid: string | null, accountId: string) => `signed in ${uid} ${accountId}`;
/** Names a session that this request saves: under a new id, it goes on. */
const goingOn = (uid: string) => `going on ${uid}`;

/** Saves a row that may be there. @param kept the keys that it was found under by this request, which then makes none anew */
async function saveRow(
  trx: Transaction<Database>,
  row: OidcArtifactsTable,
  kept: readonly string[] | undefined,
): Promise<void> {
  const { model, consumed_at: _consumed, user_code, uid, ...changed } = row;
  // A device code that is saved again by its alias does not know its user code: the column keeps it.
  const values = { ...changed, ...(user_code ? { user_code } : {}), ...(uid ? { uid } : {}) };
  if (!kept) {
    await trx
      .insertInto('oidc_artifacts')
      .values(row)
      .onConflict((conflict) => conflict.columns(['model', 'key']).doUpdateSet(values))
      .execute();
    return;
  }
  const { numUpdatedRows } = await trx
    // Primary key.
    .updateTable('oidc_artifacts')
    .set(values)
    .where('model', '=', model)
    .where('key', 'in', kept)
    .executeTakeFirstOrThrow();
  // It was there when the request began: whoever ended it meanwhile is not overruled.
  if (numUpdatedRows === 0n) throw new AlreadyUsedError(`${model} was ended by another request`);
}

/** The authorization behind a token: its grant's id, or what a service account's token remembers. */
function authorizationOf(row: Pick<OidcArtifactsTable, 'grant_id' | 'payload'>): string | undefined {
  const { extra } = JSON.parse(row.payload) as { extra?: { authorization_id?: string } };
  return row.grant_id ?? extra?.authorization_id;
}

/** The key under which an artifact's row is kept. Deterministic; introspection computes the same one. */
export function artifactKey(secrets: Secrets, model: string, id: string): string {
  return secrets.keyedHash(model, id);
}

/** Drops from a payload what must not be found in the database, beyond the artifact's own identifier. */
function withoutSecrets(model: string, payload: AdapterPayload, secrets: Secrets): AdapterPayload {
  const { jti: _jti, userCode: _userCode, consumed: _consumed, ...kept } = payload;
  if (model !== 'Interaction') return kept;
  const session = kept.session && { ...kept.session };
  if (session) delete (session as { cookie?: string }).cookie;
  const parJti = kept.parJti;
  return {
    ...kept,
    ...(session ? { session } : {}),
    ...(typeof parJti === 'string' && !parJti.startsWith('~')
      ? { parJti: writeAlias(artifactKey(secrets, 'PushedAuthorizationRequest', parJti), secrets) }
      : {}),
    ...(typeof kept.deviceCode === 'string' && !kept.deviceCode.startsWith('~')
      ? { deviceCode: writeAlias(artifactKey(secrets, 'DeviceCode', kept.deviceCode), secrets) }
      : {}),
  };
}
