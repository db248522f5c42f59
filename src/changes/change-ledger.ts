/**
 * What this node has learned of changes, kept for asking "did anything of this change since?". Owns positions and the recent
 * changes; does not own how changes are learned (`freshness.ts`) nor what was derived from their subjects.
 *
 * Whoever derives something notes the position at which it began to read, and what it read of. It holds for as long as nothing of
 * that changed after that position, so that a reading which a change overtook is found out by the same question. Nothing is
 * evicted here and nobody has to be told: what no longer holds is read again when it is next asked for.
 */
import type { ChangeSubject } from './change-log.ts';

/** `subject:id`, or `subject:*` for anything of that kind. */
export type SubjectKey = `${ChangeSubject}:${string}`;

export interface ChangeLedger {
  /** Moves whenever a change is learned of; its numbers mean nothing outside this ledger. */
  readonly position: number;
  /** Tells whether all of these are as they were at a position. What is older than the ledger remembers counts as changed. */
  unchangedSince(position: number, subjects: readonly SubjectKey[]): boolean;
  /** Notes changes that were committed. */
  note(changes: readonly { readonly subject: string; readonly subject_id: string }[]): void;
  /** Counts everything as changed: what happened is not known. */
  forget(): void;
}

/** Subjects remembered with their last change; a hundred bytes each. */
const mostSubjects = 20_000;

/** Creates an empty ledger. @param most subjects that it remembers */
export function createChangeLedger(most = mostSubjects): ChangeLedger {
  let position = 0;
  let oldest = 0;
  /** Subject → position of its last change, the oldest change first. */
  const last = new Map<string, number>();

  const remember = (key: string) => {
    last.delete(key);
    last.set(key, position);
  };

  return {
    get position() {
      return position;
    },
    unchangedSince(since, subjects) {
      if (since < oldest) return false;
      for (const subject of subjects) {
        const changed = last.get(subject);
        if (changed !== undefined && changed > since) return false;
      }
      return true;
    },
    note(changes) {
      if (changes.length === 0) return;
      position += 1;
      for (const { subject, subject_id: id } of changes) {
        remember(`${subject}:${id}`);
        remember(`${subject}:*`);
      }
      while (last.size > most) {
        const [key, changed] = last.entries().next().value as [string, number];
        last.delete(key);
        oldest = changed;
      }
    },
    forget() {
      position += 1;
      oldest = position;
      last.clear();
    },
  };
}
