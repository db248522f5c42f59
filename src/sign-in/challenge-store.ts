/**
 * Questions that are answered once: a passkey's challenge, and the code that is awaited after a right password. Owns their rows;
 * one of a kind is open for a browser at a time, and taking it is what makes it single-use, whatever the answer.
 */
import type { Kysely } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { Database } from '../../db/schema.ts';
import type { Clock } from '../clock.ts';
import type { Secrets } from '../secrets.ts';

/** What is asked. */
export type ChallengeKind = 'passkey_sign_in' | 'passkey_new' | 'passkey_confirm' | 'second_step';

export interface OpenChallenge {
  /** Whom it is about, where that is known. */
  readonly userId: string | undefined;
  /** Tells whether this is what was asked. */
  matches(answer: string): boolean;
}

export interface ChallengeStore {
  /**
   * Opens a challenge in place of the last one of its kind.
   * @param browser what binds it to the browser that is asked: a session's or an interaction's own secret
   * @param db where to write; at once, or in the caller's transaction
   */
  open(
    kind: ChallengeKind,
    browser: string,
    asked: { value: string; userId?: string },
    db?: Kysely<Database>,
  ): Promise<void>;
  /** Reads the open one without using it up. */
  find(kind: ChallengeKind, browser: string): Promise<OpenChallenge | undefined>;
  /** Takes the open one: of two that try at once, one gets it. */
  take(kind: ChallengeKind, browser: string): Promise<OpenChallenge | undefined>;
}

/** WebAuthn level 3 section 15.1 wants at least five minutes for whoever needs time. */
const secondsOpen = 600;

export function createChallengeStore({
  store,
  clock,
  secrets,
}: {
  store: Store;
  clock: Clock;
  secrets: Secrets;
}): ChallengeStore {
  const keyOf = (kind: ChallengeKind, browser: string) => secrets.keyedHash(`challenge-${kind}`, browser);
  const opened = (row: { user_id: string | null; answer_hash: string } | undefined) =>
    row && {
      userId: row.user_id ?? undefined,
      matches: (answer: string) => secrets.matches('challenge', answer, row.answer_hash),
    };
  return {
    async open(kind, browser, { value, userId }, db = store.db) {
      const asked = {
        user_id: userId ?? null,
        answer_hash: secrets.keyedHash('challenge', value),
        expires_at: clock.now() + secondsOpen,
      };
      await db
        // Primary key.
        .insertInto('challenges')
        .values({ key: keyOf(kind, browser), ...asked })
        .onConflict((conflict) => conflict.column('key').doUpdateSet(asked))
        .execute();
    },
    async find(kind, browser) {
      const row = await store.db
        // Primary key.
        .selectFrom('challenges')
        .select(['user_id', 'answer_hash'])
        .where('key', '=', keyOf(kind, browser))
        .where('expires_at', '>', clock.now())
        .executeTakeFirst();
      return opened(row);
    },
    async take(kind, browser) {
      const row = await store.db
        // Primary key.
        .deleteFrom('challenges')
        .where('key', '=', keyOf(kind, browser))
        .where('expires_at', '>', clock.now())
        .returning(['user_id', 'answer_hash'])
        .executeTakeFirst();
      return opened(row);
    },
  };
}
