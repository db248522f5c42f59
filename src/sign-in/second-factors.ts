/**
 * Authenticator apps (RFC 6238) and the codes that stand in for a lost one. Owns their secrets, encrypted, and that each code is
 * taken once; does not own when a code is asked for.
 */
import { randomInt } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import type { Store } from '../../db/open.ts';
import type { Actor, ChangeLog } from '../changes/change-log.ts';
import type { Clock } from '../clock.ts';
import type { Secrets } from '../secrets.ts';

/** A person's second factor as the page shows it. */
export interface SecondFactor {
  readonly enabled: boolean;
  readonly since: number | undefined;
  readonly recoveryCodesLeft: number;
}

/** What an app is told, once. */
export interface Enrolment {
  /** `otpauth://totp/…` */
  readonly uri: string;
  /** Base32, to be typed. */
  readonly secret: string;
}

export interface SecondFactors {
  of(userId: string): Promise<SecondFactor>;
  /** Tells whether a code is asked for after the password. */
  required(userId: string): Promise<boolean>;
  /** Begins anew with a secret that counts once its first code is confirmed. @returns undefined when one is enabled already */
  begin(user: { id: string; email: string }): Promise<Enrolment | undefined>;
  /** The secret that awaits its first code; undefined when none does. */
  begun(user: { id: string; email: string }): Promise<Enrolment | undefined>;
  /** @returns recovery codes to be shown once; undefined when the code is wrong or nothing was begun */
  confirm(actor: Actor, userId: string, code: string): Promise<string[] | undefined>;
  /** Takes a code of the app or a recovery code. Each is taken once, also when two try at the same time. */
  take(userId: string, code: string): Promise<'app' | 'recovery' | undefined>;
  /** Puts new recovery codes in place of the old. @returns undefined when nothing is enabled */
  renewRecoveryCodes(actor: Actor, userId: string): Promise<string[] | undefined>;
  /** @returns whether one was enabled */
  remove(actor: Actor, userId: string): Promise<boolean>;
}

const periodSeconds = 30;
const recoveryCodes = 10;
const longestTyped = 40;
/** Without what looks alike. */
const letters = '23456789abcdefghjkmnpqrstuvwxyz';

export function createSecondFactors(deps: {
  store: Store;
  clock: Clock;
  secrets: Secrets;
  changes: ChangeLog;
}): SecondFactors {
  const { store, clock, secrets, changes } = deps;
  const recoveryHashes = (userId: string, code: string) =>
    secrets.keyedHashes('recovery-code', `${userId} ${code}`);
  const readRow = (userId: string) =>
    store.db
      // Primary key.
      .selectFrom('authenticators')
      .selectAll()
      .where('user_id', '=', userId)
      .executeTakeFirst();

  const placeOf = (userId: string) => ({ of: 'authenticators.sealed_secret', id: userId });
  /** The sealed text names its owner too: an earlier version bound nothing else to a row. */
  const unsealed = (userId: string, sealed: string): Secret => {
    const [owner, base32 = ''] = secrets.unseal(sealed, placeOf(userId)).split(' ');
    if (owner !== userId) throw new Error('an authenticator secret stands at another account');
    return Secret.fromBase32(base32);
  };
  const appOf = (secret: Secret, label: string) =>
    new TOTP({ issuer: 'Mandate', label, secret, algorithm: 'SHA1', digits: 6, period: periodSeconds });
  const enrolment = (user: { email: string }, secret: Secret): Enrolment => ({
    uri: appOf(secret, user.email).toString(),
    secret: secret.base32,
  });

  /** Finds the time step that a code is of: now, or one before or after (RFC 6238 section 5.2). */
  const stepOf = (userId: string, sealed: string, code: string): number | undefined => {
    if (!isAppCode(code)) return undefined;
    // One look at the clock: between two of them a step may end, and a code that was used would be taken for the next one's.
    const now = clock.now();
    const timestamp = now * 1_000;
    const delta = appOf(unsealed(userId, sealed), '').validate({ token: code, timestamp, window: 1 });
    return delta === null ? undefined : Math.floor(now / periodSeconds) + delta;
  };

  async function putRecoveryCodes(
    trx: Parameters<ChangeLog['record']>[0],
    userId: string,
  ): Promise<string[]> {
    const codes = Array.from({ length: recoveryCodes }, newRecoveryCode);
    await trx.deleteFrom('recovery_codes').where('user_id', '=', userId).execute();
    await trx
      .insertInto('recovery_codes')
      .values(
        codes.map((code) => ({
          code_hash: recoveryHashes(userId, plainCode(code))[0],
          user_id: userId,
          used_at: null,
        })),
      )
      .execute();
    return codes;
  }

  return {
    async of(userId) {
      const row = await readRow(userId);
      if (row?.confirmed_at == null) return { enabled: false, since: undefined, recoveryCodesLeft: 0 };
      const { left } = await store.db
        // recovery_codes_by_user
        .selectFrom('recovery_codes')
        .select((eb) => eb.fn.countAll<number | string | bigint>().as('left'))
        .where('user_id', '=', userId)
        .where('used_at', 'is', null)
        .executeTakeFirstOrThrow();
      return { enabled: true, since: row.confirmed_at, recoveryCodesLeft: Number(left) };
    },

    async required(userId) {
      return (await readRow(userId))?.confirmed_at != null;
    },

    async begin(user) {
      const secret = new Secret({ size: 20 });
      const values = {
        sealed_secret: secrets.seal(`${user.id} ${secret.base32}`, placeOf(user.id)),
        confirmed_at: null,
        last_step: 0,
        created_at: clock.now(),
      };
      const { numInsertedOrUpdatedRows } = await store.db
        // Primary key.
        .insertInto('authenticators')
        .values({ user_id: user.id, ...values })
        .onConflict((conflict) =>
          conflict.column('user_id').doUpdateSet(values).where('authenticators.confirmed_at', 'is', null),
        )
        .executeTakeFirstOrThrow();
      return numInsertedOrUpdatedRows === 0n ? undefined : enrolment(user, secret);
    },

    async begun(user) {
      const row = await readRow(user.id);
      if (!row || row.confirmed_at !== null) return undefined;
      return enrolment(user, unsealed(user.id, row.sealed_secret));
    },

    async confirm(actor, userId, code) {
      const row = await readRow(userId);
      const step = row && row.confirmed_at === null ? stepOf(userId, row.sealed_secret, code) : undefined;
      if (!row || step === undefined) return undefined;
      return await store.transact(async (trx) => {
        const { numUpdatedRows } = await trx
          // Primary key.
          .updateTable('authenticators')
          .set({ confirmed_at: clock.now(), last_step: step })
          .where('user_id', '=', userId)
          .where('sealed_secret', '=', row.sealed_secret)
          .where('confirmed_at', 'is', null)
          .executeTakeFirstOrThrow();
        if (numUpdatedRows === 0n) return undefined;
        await changes.record(trx, actor, { subject: 'user', id: userId, action: 'second_factor_added' });
        return putRecoveryCodes(trx, userId);
      });
    },

    async take(userId, given) {
      const code = plainCode(given);
      const row = await readRow(userId);
      if (row?.confirmed_at == null) return undefined;
      const step = stepOf(userId, row.sealed_secret, code);
      if (step !== undefined) {
        const { numUpdatedRows } = await store.db
          // Primary key.
          .updateTable('authenticators')
          .set({ last_step: step })
          .where('user_id', '=', userId)
          // A code that was seen once is worth nothing (RFC 6238 section 5.2).
          .where('last_step', '<', step)
          .executeTakeFirstOrThrow();
        return numUpdatedRows > 0n ? 'app' : undefined;
      }
      return await store.transact(async (trx) => {
        const { numUpdatedRows } = await trx
          // Primary key.
          .updateTable('recovery_codes')
          .set({ used_at: clock.now() })
          .where('code_hash', 'in', recoveryHashes(userId, code))
          .where('user_id', '=', userId)
          .where('used_at', 'is', null)
          .executeTakeFirstOrThrow();
        if (numUpdatedRows === 0n) return undefined;
        const actor = { id: userId };
        await changes.record(trx, actor, { subject: 'user', id: userId, action: 'recovery_code_used' });
        return 'recovery';
      });
    },

    renewRecoveryCodes: (actor, userId) =>
      store.transact(async (trx) => {
        const row = await trx
          // Primary key.
          .selectFrom('authenticators')
          .select('confirmed_at')
          .where('user_id', '=', userId)
          .executeTakeFirst();
        if (row?.confirmed_at == null) return undefined;
        await changes.record(trx, actor, { subject: 'user', id: userId, action: 'recovery_codes_renewed' });
        return putRecoveryCodes(trx, userId);
      }),

    remove: (actor, userId) =>
      store.transact(async (trx) => {
        await trx.deleteFrom('recovery_codes').where('user_id', '=', userId).execute();
        const removed = await trx
          // Primary key.
          .deleteFrom('authenticators')
          .where('user_id', '=', userId)
          .returning('confirmed_at')
          .executeTakeFirst();
        if (removed?.confirmed_at == null) return false;
        await changes.record(trx, actor, { subject: 'user', id: userId, action: 'second_factor_removed' });
        return true;
      }),
  };
}

/** Ten letters of 31: 49 bits. */
function newRecoveryCode(): string {
  const half = () => Array.from({ length: 5 }, () => letters[randomInt(letters.length)]).join('');
  return `${half()}-${half()}`;
}

/**
 * A code as people type it: dashes, blanks and capitals do not matter. Pure. Whoever counts guesses and whoever judges them read it by
 * this alone: what one took for a code of the app and the other did not would be a guess that nobody counts.
 * @returns an empty text, which is no code, for what nobody types
 */
export function plainCode(typed: string): string {
  return typed.length > longestTyped ? '' : typed.toLowerCase().replaceAll(/[\s-]/g, '');
}

/** Tells whether it can be a code of an app, which is counted for the day as well. Pure. @param code as `plainCode` gives it */
export const isAppCode = (code: string): boolean => /^\d{6}$/.test(code);
