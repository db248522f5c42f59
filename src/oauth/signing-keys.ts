/**
 * The keys that sign ID tokens. Owns their generation, their encryption at rest and their life; which of them this node uses is
 * `key-ring.ts`'s.
 *
 * A key is published when it is made, signs from an instant that is set then, and goes some time after the next one has taken
 * over. Nothing has to happen at any of these instants: every node reads the same rows and looks at its clock.
 */
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import type { Transaction } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { Database, SigningKeysTable } from '../../db/schema.ts';
import type { Actor, ChangeLog } from '../changes/change-log.ts';
import type { Clock } from '../clock.ts';
import type { Secrets } from '../secrets.ts';
import { idTokenSeconds, signedInSessionSeconds } from './lifetimes.ts';

/** ES256 by default; RS256 because some clients know no other (OpenID Connect Core section 15.1). */
const algorithms = ['ES256', 'RS256'] as const;

/** The least time between publishing and signing: every node has read the key by then, with clocks some seconds apart. */
export const leastLeadSeconds = 30;
/** What is usual: clients that remember a key set for some minutes have asked again by then. */
export const usualLeadSeconds = 3_600;
/**
 * How long a key verifies after the next one has taken over: an ID token may be shown as a hint for as long as the session that it
 * was issued in can be (OpenID Connect RP-Initiated Logout section 2), which is longer than it is valid.
 */
export const keptSeconds = Math.max(idTokenSeconds, signedInSessionSeconds) + 60;

/** `published` verifies and will sign, `signing` signs, `retiring` only verifies. */
export type KeyState = 'published' | 'signing' | 'retiring';

/** A key without its secret part. */
export interface KeyLife {
  readonly kid: string;
  readonly algorithm: string;
  readonly state: KeyState;
  readonly publishedAt: number;
  readonly signsFrom: number;
  /** When it is deleted; null while no other one is to take over. */
  readonly retiresAt: number | null;
}

/** A key as it signs. */
export interface SigningKey extends KeyLife {
  /** With its private part: never to be shown. */
  readonly jwk: JWK;
}

export type RotateOutcome =
  | { readonly outcome: 'done'; readonly published: readonly string[]; readonly signsFrom: number }
  /** The next keys are there already. */
  | { readonly outcome: 'waiting'; readonly signsFrom: number };

export type PromoteOutcome =
  | { readonly outcome: 'done'; readonly promoted: readonly string[]; readonly signsFrom: number }
  | { readonly outcome: 'nothing_published' };

export type RevokeKeyOutcome =
  | { readonly outcome: 'done' }
  | { readonly outcome: 'not_found' }
  /** Nothing could sign in its place. */
  | { readonly outcome: 'only_one' };

export interface SigningKeys {
  /** Lists every key, those that sign first. */
  list(): Promise<KeyLife[]>;
  /** Reads every key, those that sign first, making the first ones when there are none. @throws Error under another secret */
  load(): Promise<SigningKey[]>;
  /** Proves that what is made under this secret is what the servers of this database understand. @throws Error under another secret */
  check(): Promise<void>;
  /** Publishes a new key of each algorithm. @param leadSeconds until it signs; @throws Error under another secret */
  rotate(actor: Actor, leadSeconds: number): Promise<RotateOutcome>;
  /** Lets published keys sign as soon as every node can have read them. */
  promote(actor: Actor): Promise<PromoteOutcome>;
  /** Takes a key away at once, as after a theft: what it signed is not believed any more. */
  revoke(actor: Actor, kid: string): Promise<RevokeKeyOutcome>;
  /**
   * Deletes keys that nothing shown can have been signed with, and publishes the next ones in time.
   * @param days how long keys sign; 0 leaves it to `rotate`
   * @returns how many were deleted
   */
  keepUp(days: number): Promise<number>;
}

export function createSigningKeys(deps: {
  store: Store;
  secrets: Secrets;
  clock: Clock;
  changes: ChangeLog;
}): SigningKeys {
  const { store, secrets, clock, changes } = deps;
  const system: Actor = { id: 'system' };

  const list = async () => livesOf(await readRows(store.db), clock.now());

  const rotate = async (
    actor: Actor,
    leadSeconds: number,
    still: (lives: readonly KeyLife[]) => boolean = () => true,
  ): Promise<RotateOutcome> => {
    // Before the transaction: an RSA key takes its time.
    const made = await Promise.all(algorithms.map(makeKey));
    return store.transact(async (trx) => {
      await takeTurn(trx);
      const rows = await readRows(trx);
      // Beside keys of another secret, new ones would be what no server can read.
      checkRows(rows);
      const lives = livesOf(rows, clock.now());
      const waiting = lives.find(({ state }) => state === 'published');
      if (waiting || !still(lives)) return { outcome: 'waiting', signsFrom: waiting?.signsFrom ?? 0 };
      // The first keys of all have nobody to wait for.
      const signsFrom = clock.now() + (lives.length === 0 ? 0 : Math.max(leadSeconds, leastLeadSeconds));
      for (const key of made) await insert(trx, actor, key, signsFrom);
      return { outcome: 'done', published: made.map(({ kid }) => kid), signsFrom };
    });
  };

  return {
    list,

    async load() {
      let rows = await readRows(store.db);
      if (rows.length === 0) {
        // Two nodes that start at once on an empty database: the second finds the first one's keys.
        await rotate(system, 0, (lives) => lives.length === 0);
        rows = await readRows(store.db);
      }
      const sealed = new Map(rows.map((row) => [row.kid, row.encrypted_jwk]));
      return livesOf(rows, clock.now()).map((life) => ({
        ...life,
        jwk: open(life.kid, sealed.get(life.kid) ?? ''),
      }));
    },

    async check() {
      checkRows(await readRows(store.db));
    },

    rotate: (actor, leadSeconds) => rotate(actor, leadSeconds),

    promote: (actor) =>
      store.transact(async (trx) => {
        await takeTurn(trx);
        const now = clock.now();
        const waiting = livesOf(await readRows(trx), now).filter(({ state }) => state === 'published');
        if (waiting.length === 0) return { outcome: 'nothing_published' };
        let latest = now;
        for (const { kid, publishedAt, signsFrom: planned } of waiting) {
          const signsFrom = Math.min(planned, Math.max(now, publishedAt + leastLeadSeconds));
          latest = Math.max(latest, signsFrom);
          await setStart(trx, kid, signsFrom);
          await changes.record(trx, actor, {
            subject: 'signing_key',
            id: kid,
            action: 'promoted',
            after: { signsFrom },
          });
        }
        return { outcome: 'done', promoted: waiting.map(({ kid }) => kid), signsFrom: latest };
      }),

    revoke: (actor, kid) =>
      store.transact(async (trx) => {
        await takeTurn(trx);
        const lives = livesOf(await readRows(trx), clock.now());
        const leaked = lives.find((life) => life.kid === kid);
        if (!leaked) return { outcome: 'not_found' };
        if (leaked.state === 'signing') {
          const next = lives.find(
            ({ algorithm, state }) => algorithm === leaked.algorithm && state === 'published',
          );
          if (!next) return { outcome: 'only_one' };
          await setStart(trx, next.kid, clock.now());
        }
        await remove(trx, actor, kid, 'revoked');
        return { outcome: 'done' };
      }),

    async keepUp(days) {
      const old = (lives: readonly KeyLife[]) =>
        lives.some(({ state, signsFrom }) => state === 'signing' && signsFrom + days * 86_400 <= clock.now());
      const due = (lives: readonly KeyLife[]) =>
        lives.filter(({ retiresAt }) => retiresAt !== null && retiresAt <= clock.now());
      const seen = await list();
      if (days > 0 && old(seen) && seen.every(({ state }) => state !== 'published')) {
        await rotate(system, usualLeadSeconds, old);
      }
      if (due(seen).length === 0) return 0;
      return store.transact(async (trx) => {
        await takeTurn(trx);
        const gone = due(livesOf(await readRows(trx), clock.now()));
        for (const { kid } of gone) await remove(trx, system, kid, 'retired');
        return gone.length;
      });
    },
  };

  async function insert(trx: Transaction<Database>, actor: Actor, key: MadeKey, signsFrom: number) {
    await trx
      .insertInto('signing_keys')
      .values({
        kid: key.kid,
        algorithm: key.algorithm,
        encrypted_jwk: secrets.seal(JSON.stringify(key.jwk), placeOf(key.kid)),
        created_at: clock.now(),
        signs_from: signsFrom,
      })
      .execute();
    await changes.record(trx, actor, {
      subject: 'signing_key',
      id: key.kid,
      action: 'published',
      after: { algorithm: key.algorithm, signsFrom },
    });
  }

  async function remove(trx: Transaction<Database>, actor: Actor, kid: string, action: string) {
    // signing_keys by primary key
    await trx.deleteFrom('signing_keys').where('kid', '=', kid).execute();
    await changes.record(trx, actor, { subject: 'signing_key', id: kid, action });
  }

  function checkRows(rows: readonly SigningKeysTable[]): void {
    for (const { kid, encrypted_jwk: sealed } of rows) open(kid, sealed);
  }

  function open(kid: string, sealed: string): JWK {
    try {
      return JSON.parse(secrets.unseal(sealed, placeOf(kid))) as JWK;
    } catch (cause) {
      throw new Error(
        'the signing keys in the database were made under another MANDATE_SECRET: set that one, in the environment or in .env here',
        { cause },
      );
    }
  }
}

/** What a private key is bound to at rest. */
const placeOf = (kid: string) => ({ of: 'signing_keys.encrypted_jwk', id: kid });

/** Tells the life of each key at an instant, those that sign first. Pure. */
export function livesOf(rows: readonly Omit<SigningKeysTable, 'encrypted_jwk'>[], now: number): KeyLife[] {
  const order: Record<KeyState, number> = { signing: 0, published: 1, retiring: 2 };
  const kinds = [...Map.groupBy(rows, ({ algorithm }) => algorithm).values()];
  const lives = kinds.flatMap((kind) => {
    const inTurn = kind.toSorted((a, b) => a.signs_from - b.signs_from || (a.kid < b.kid ? -1 : 1));
    // A clock that is behind the one that made the first key signs with it all the same.
    const signer = Math.max(
      0,
      inTurn.findLastIndex(({ signs_from }) => signs_from <= now),
    );
    return inTurn.map((row, index): KeyLife => {
      const next = inTurn[index + 1];
      return {
        kid: row.kid,
        algorithm: row.algorithm,
        state: index === signer ? 'signing' : index < signer ? 'retiring' : 'published',
        publishedAt: row.created_at,
        signsFrom: row.signs_from,
        retiresAt: next ? next.signs_from + keptSeconds : null,
      };
    });
  });
  return lives.toSorted((a, b) => order[a.state] - order[b.state] || (a.algorithm < b.algorithm ? -1 : 1));
}

function readRows(db: Pick<Transaction<Database>, 'selectFrom'>): Promise<SigningKeysTable[]> {
  // the whole table: keys are few
  return db.selectFrom('signing_keys').selectAll().execute();
}

/** Changes of keys take turns: the counter's row is the lock. */
async function takeTurn(trx: Transaction<Database>): Promise<void> {
  await trx
    .updateTable('change_counter')
    .set((row) => ({ n: row('n', '+', 0) }))
    .where('id', '=', 1)
    .execute();
}

async function setStart(trx: Transaction<Database>, kid: string, signsFrom: number): Promise<void> {
  // signing_keys by primary key
  await trx.updateTable('signing_keys').set({ signs_from: signsFrom }).where('kid', '=', kid).execute();
}

interface MadeKey {
  readonly kid: string;
  readonly algorithm: string;
  readonly jwk: JWK;
}

async function makeKey(algorithm: (typeof algorithms)[number]): Promise<MadeKey> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true, modulusLength: 2048 });
  const jwk = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint(jwk);
  return { kid, algorithm, jwk: { ...jwk, kid, alg: algorithm, use: 'sig' } };
}
