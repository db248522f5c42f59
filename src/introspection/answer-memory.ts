/**
 * The answers that a node remembers. Owns for how long each holds; does not own how it is made, nor the proof that every change is known
 * (`changes/freshness.ts`), which whoever asks has just made.
 *
 * Tokens of one authorization that differ in their times alone have one wording between them, and a few numbers each. A token that ends
 * early is a change of its authorization, as all else that ends an answer is a change of something that the wording was made of; so
 * whether an answer holds is asked of its wording.
 */
import type { ChangeLedger, SubjectKey } from '../changes/change-ledger.ts';
import type { Clock } from '../clock.ts';
import type { Counter } from '../operations/tally.ts';
import { sayAnswer, type Wording } from './answer.ts';
import { createAskedBefore } from './asked-before.ts';
import { createByteBoundedCache } from './byte-bounded-cache.ts';
import { createQuestionTable, mostWordings } from './question-table.ts';

/** An answer, as it is given. */
export interface KnownAnswer {
  readonly body: string;
  readonly authorizationId: string;
  /** The resource server's name. */
  readonly caller: string;
  /** Of answers like this one to this caller; whoever gives it adds to it. */
  readonly counter: Counter;
  /** Seconds; when its use was last told of. Whoever gives the answer tells of it when that is a while ago, and notes it here. */
  toldAt: number;
}

/** What the answers about like tokens have in common, and on what they depend. */
export interface CommonAnswer {
  /** None when it says no times. */
  readonly wording: Wording | undefined;
  /** Seconds; from here on an authorization has expired, or a time that the policy allows is over. */
  readonly until: number;
  /** Seconds; the last time of the policy's that is over already: a clock that is put back goes before it. */
  readonly since: number;
  readonly subjects: readonly (readonly SubjectKey[])[];
  /** The answer about the token that it was made for. */
  readonly first: KnownAnswer & { readonly issuedAt: number; readonly end: number };
  /** Of the ledger, at which it is known to hold. */
  position: number;
  /** By which questions name it; 0 before one does. */
  number: number;
  /** Where it is looked for on behalf of another token: what is not remembered is not kept there, or it would be memory that nobody counts. */
  readonly among: { readonly common: CommonAnswer }[];
}

/** What an answer has of its token alone. */
export interface TokenTimes {
  readonly issuedAt: number;
  /** May be infinite. */
  readonly expiresAt: number;
}

export interface AnswerMemory {
  /** Recalls an answer that holds now. Needs a proof that began after the question. @param question hash of all that was asked */
  recall(question: string): KnownAnswer | undefined;
  /** Tells whether an answer holds at the ledger's position, and notes that it does. */
  holds(common: CommonAnswer): boolean;
  /** Tells whether nothing that an answer depends on has changed since a position of the ledger. */
  heldSince(common: CommonAnswer, position: number): boolean;
  /**
   * Remembers an answer, if there is room for it or it was asked before; it leaves those `among` which it is where not, and once it is let go.
   * @param position of the ledger, from before its token was read
   */
  remember(question: string, common: CommonAnswer, times: TokenTimes, position: number): void;
  /** Says what the answer is about one token of those that have it in common. */
  say(common: CommonAnswer, times: TokenTimes): KnownAnswer;
  /** Bytes that are taken, about. */
  readonly bytes: number;
}

/** At most this much of the memory are questions: a million of them hang on ten thousand wordings or on a million. */
const questionsShare = 0.6;
/** Last uses are kept to the minute: it is enough to tell of a hot answer this often, and of all that are put together of one wording. */
export const tellEverySeconds = 5;

/** @param most after how many wordings all is forgotten, so that no number ever means two of them */
export function createAnswerMemory(
  deps: { readonly ledger: ChangeLedger; readonly clock: Clock; readonly mostBytes: number },
  most = mostWordings,
): AnswerMemory {
  const { ledger, clock, mostBytes } = deps;
  const askedBefore = createAskedBefore();
  const empty = () => {
    const common = createByteBoundedCache<CommonAnswer, number>(mostBytes, () => questions.bytes, leave);
    const questions = createQuestionTable(
      mostBytes * questionsShare,
      (number, expiresAt) => clock.now() < expiresAt && common.peek(number) !== undefined,
    );
    return { common, questions };
  };
  let memory = empty();
  let numbered = 0;

  const heldSince = ({ subjects }: CommonAnswer, position: number): boolean => {
    for (const some of subjects) if (!ledger.unchangedSince(position, some)) return false;
    return true;
  };

  const holds = (common: CommonAnswer): boolean => {
    if (common.position === ledger.position) return true;
    if (!heldSince(common, common.position)) return false;
    common.position = ledger.position;
    return true;
  };

  const say = ({ wording, first }: CommonAnswer, { issuedAt, expiresAt }: TokenTimes): KnownAnswer => {
    if (!wording) return first;
    const end = Math.min(expiresAt, wording.endsAt);
    if (issuedAt === first.issuedAt && end === first.end) return first;
    const { authorizationId, caller, counter, toldAt } = first;
    // Given at once, and told of then: the next one that is put together need not be.
    const since = clock.now() - toldAt;
    if (since < 0 || since >= tellEverySeconds) first.toldAt = clock.now();
    return { body: sayAnswer(wording, issuedAt, end), authorizationId, caller, counter, toldAt };
  };

  const isKept = (common: CommonAnswer) => common.number > 0 && memory.common.peek(common.number) === common;

  /** @returns false when there is no room for it and it is not worth another's */
  const number = (common: CommonAnswer, question: string): boolean => {
    if (isKept(common)) return true;
    const size = bytesOf(common);
    if (!memory.common.hasRoomFor(size) && !askedBefore.note(question)) return false;
    if (numbered >= most) {
      memory = empty();
      numbered = 0;
    }
    common.number = ++numbered;
    memory.common.set(common.number, common, size);
    return isKept(common);
  };

  return {
    holds,
    heldSince,
    say,
    recall(question) {
      const { common: commons, questions } = memory;
      const found = questions.find(question);
      if (!found) return undefined;
      const common = commons.get(found.wording);
      if (!common || !holds(common)) {
        questions.forgetFound();
        if (common) commons.delete(found.wording);
        return undefined;
      }
      // The slow way says what has expired; it is asked about for a short while only.
      const now = clock.now();
      return common.since <= now && now < Math.min(common.until, found.expiresAt)
        ? say(common, found)
        : undefined;
    },
    remember(question, common, { issuedAt, expiresAt }, position) {
      // A change since its token was read may be that token's own, of which the wording would not tell any more.
      if (position < common.position && !heldSince(common, position)) return;
      if (!number(common, question)) {
        leave(common);
        return;
      }
      memory.questions.set(question, { wording: common.number, issuedAt, expiresAt }, () =>
        askedBefore.note(question),
      );
      memory.common.makeRoom();
    },
    get bytes() {
      return memory.common.bytes + memory.questions.bytes;
    },
  };
}

function leave(common: CommonAnswer): void {
  const at = common.among.findIndex((one) => one.common === common);
  if (at >= 0) common.among.splice(at, 1);
}

/** About what one takes besides its questions. */
const bytesOf = ({ first, subjects }: CommonAnswer) =>
  600 + first.body.length + subjects.reduce((sum, { length }) => sum + 60 * length, 0);
