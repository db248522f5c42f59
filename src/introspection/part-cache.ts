/**
 * Remembers what was read, for as long as nothing that it was read of has changed. Owns the sharing of reads;
 * does not own the proof (`changes/freshness.ts`): whoever asks has one that began after its question.
 */
import type { ChangeLedger, SubjectKey } from '../changes/change-ledger.ts';
import { createByteBoundedCache } from './byte-bounded-cache.ts';

/** Something read, and everything that it depends on. */
export interface Part<Value> {
  readonly value: Value;
  readonly subjects: readonly SubjectKey[];
  /** Of the ledger, at which it is known to hold. */
  position: number;
}

/** What a reading found. */
export type Reading<Value> = Pick<Part<Value>, 'value' | 'subjects'> & { readonly bytes: number };

export interface PartCache<Value> {
  /** Finds what is known and holds at the ledger's position. */
  known(key: string): Part<Value> | undefined;
  /** Finds or reads. Nothing that is absent is remembered. */
  find(key: string, read: () => Promise<Reading<Value> | undefined>): Promise<Part<Value> | undefined>;
  /** Bytes that are taken, about. */
  readonly bytes: number;
}

/** @param isTimely tells whether something read is still, and already, right at this moment; when left out, time changes nothing */
export function createPartCache<Value>(
  ledger: ChangeLedger,
  mostBytes: number,
  isTimely: (value: Value) => boolean = () => true,
): PartCache<Value> {
  const parts = createByteBoundedCache<Part<Value>>(mostBytes);
  const reading = new Map<string, Promise<Part<Value> | undefined>>();

  /** A part that still holds is known to hold from now on: its position moves along. */
  const holds = (part: Part<Value>): boolean => {
    if (!isTimely(part.value)) return false;
    if (part.position === ledger.position) return true;
    if (!ledger.unchangedSince(part.position, part.subjects)) return false;
    part.position = ledger.position;
    return true;
  };
  const known = (key: string) => {
    const part = parts.get(key);
    if (!part || holds(part)) return part;
    parts.delete(key);
    return undefined;
  };

  return {
    known,
    get bytes() {
      return parts.bytes;
    },
    async find(key, read) {
      const remembered = known(key);
      if (remembered) return remembered;
      // A reading that began before this question's proof may be shared: the ledger tells whether a change overtook it.
      const shared = reading.get(key);
      const part = shared && (await shared);
      if (part && holds(part)) return part;
      // Somebody else who waited may be reading anew. What a change overtakes may be of several moments: whoever read it looks again.
      const anew = reading.get(key);
      const newer = anew && anew !== shared ? await anew : undefined;
      if (newer && holds(newer)) return newer;
      const { position } = ledger;
      const own = read().then((found): Part<Value> | undefined => {
        if (!found) return undefined;
        const fresh = { value: found.value, subjects: found.subjects, position };
        parts.set(key, fresh, found.bytes);
        return fresh;
      });
      reading.set(key, own);
      try {
        return await own;
      } finally {
        if (reading.get(key) === own) reading.delete(key);
      }
    },
  };
}
