/**
 * Tells what was asked before, lately and about: enough to decide whether something is worth remembering once there is no room for
 * everything. Answers that are asked for once would only drive out others, and leave V8 with a garbage of several times their size.
 */
import { wordOf } from './question-bits.ts';

export interface AskedBefore {
  /** Notes a question. @returns whether it was noted before; now and then true of one that was not */
  note(question: string): boolean;
}

/** Bits of a question that make its place. */
const placeBits = 24;
const places = 2 ** placeBits;

/**
 * @param lately questions after which it begins anew; a hundredth of the places at most, so that few are taken for others
 */
export function createAskedBefore(lately = places / 100): AskedBefore {
  let bits: Uint8Array | undefined;
  let noted = 0;
  return {
    note(question) {
      // Two megabytes that a server with room for everything never needs.
      bits ??= new Uint8Array(places / 8);
      const place = wordOf(question, 0) >>> (32 - placeBits);
      const byte = place >> 3;
      const bit = 1 << (place & 7);
      const known = bits[byte] ?? 0;
      if ((known & bit) !== 0) return true;
      if (++noted > lately) {
        bits.fill(0);
        noted = 1;
      }
      bits[byte] = (bits[byte] ?? 0) | bit;
      return false;
    },
  };
}
