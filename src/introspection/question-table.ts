/**
 * Which answer each remembered question has, in 28 bytes for each: outside of V8's heap, where millions of small objects would be
 * gone through in every large collection. Owns the places of questions; does not own what is answered (`answer-memory.ts`).
 *
 * A question is known by 128 bits of a hash that nobody outside can compute. Each has sixteen places that it may take, next to each
 * other. When they are taken the table grows, a small part of it at a time so that nobody waits for it; when it may not grow any more,
 * what has ended among them makes room, or what was not asked for lately.
 */
import { wordOf } from './question-bits.ts';

/** What is remembered of a question; the table has one that it fills anew each time. */
export interface Remembered {
  /** Number of the answer's wording. */
  wording: number;
  /** Of the token, in seconds. */
  issuedAt: number;
  /** Of the token, in seconds; may be infinite. */
  expiresAt: number;
}

export interface QuestionTable {
  /** Finds a question. The result is good until the next call. @param question base64 of a hash */
  find(question: string): Remembered | undefined;
  /** Lets go of the question that was found last. */
  forgetFound(): void;
  /**
   * Remembers a question; one whose times are no whole seconds of 32 bits is left out.
   * @param mayDriveOut asked when there is room only in another's place
   */
  set(question: string, remembered: Readonly<Remembered>, mayDriveOut: () => boolean): void;
  /** Bytes that are taken. */
  readonly bytes: number;
}

/** Places that a question may take. Their first words are next to each other: one line of a processor's cache tells where to look. */
const ways = 16;
/** Words of a place besides its first: three more of the hash, the wording with the mark of having been asked for, two instants. */
const wordsOfPlace = 6;
const wordsOfBucket = ways * (1 + wordsOfPlace);
const parts = 64;
/** Wordings have numbers from 1 to this. */
export const mostWordings = 0x7fff_ffff;
const asked = 0x8000_0000 | 0;
const never = 0xffff_ffff;

/** One of the parts, each of which grows on its own. */
interface Part {
  words: Int32Array;
  /** Where the next place is looked for that makes room. */
  hand: number;
}

/**
 * @param mostBytes beyond which it does not grow
 * @param isAlive tells whether a wording is still there and a token has not expired; other questions go when their part is made anew, or
 *   when another one needs their place
 */
export function createQuestionTable(
  mostBytes: number,
  isAlive: (wording: number, expiresAt: number) => boolean,
): QuestionTable {
  const table: Part[] = Array.from({ length: parts }, () => ({ words: new Int32Array(0), hand: 0 }));
  const found: Remembered = { wording: 0, issuedAt: 0, expiresAt: 0 };
  /** Of the question at hand, its 128 bits. */
  const key = new Int32Array(4);
  let foundIn: Int32Array = new Int32Array(0);
  let foundAt = 0;
  let bytes = 0;

  /** Reads the key, and finds where it belongs. */
  const partOf = (question: string): Part => {
    for (let word = 0; word < 4; word++) key[word] = wordOf(question, word);
    return table[(key[3] as number) & (parts - 1)] as Part;
  };

  /** Makes a part anew, larger unless enough of it was dead. @returns false when it may not grow */
  const rebuild = (part: Part): boolean => {
    const { words } = part;
    const doubled = Math.max(wordsOfBucket, 2 * words.length);
    // Where it may not grow it is not gone through either: with each question that finds its places taken, that would be all of it.
    if (bytes + (doubled - words.length) * words.BYTES_PER_ELEMENT > mostBytes) return false;
    const living: number[] = [];
    let dead = 0;
    forEachPlace(words, (at) => {
      if (isAlive(wordingAt(words, at), endAt(words, at))) living.push(at);
      else dead += 1;
    });
    const length = dead > living.length / 3 ? words.length : doubled;
    bytes += (length - words.length) * words.BYTES_PER_ELEMENT;
    part.words = new Int32Array(length);
    for (const at of living) move(words, at, part.words);
    return true;
  };

  /** @returns -1 when all of them are of some use yet */
  const deadPlaceOf = (words: Int32Array, bucket: number): number => {
    for (let at = bucket + ways; at < bucket + wordsOfBucket; at += wordsOfPlace) {
      if (!isAlive(wordingAt(words, at), endAt(words, at))) return at;
    }
    return -1;
  };

  /** Finds whose place is taken: the first that was not asked for since the hand last came by. */
  const giveWay = (part: Part, bucket: number): number => {
    for (;;) {
      const at = bucket + ways + (part.hand % ways) * wordsOfPlace;
      part.hand = (part.hand + 1) % ways;
      const marked = part.words[at + 3] as number;
      if ((marked & asked) === 0) return at;
      part.words[at + 3] = marked & ~asked;
    }
  };

  return {
    find(question) {
      const { words } = partOf(question);
      const at = placeOf(words, bucketOf(words, key[2] as number), key);
      if (at < 0) return undefined;
      words[at + 3] = (words[at + 3] as number) | asked;
      foundIn = words;
      foundAt = at;
      found.wording = wordingAt(words, at);
      found.issuedAt = (words[at + 4] as number) >>> 0;
      found.expiresAt = endAt(words, at);
      return found;
    },
    forgetFound() {
      foundIn[foundAt + 3] = 0;
    },
    set(question, { wording, issuedAt, expiresAt }, mayDriveOut) {
      const end = expiresAt === Number.POSITIVE_INFINITY ? never : expiresAt;
      if (!isWord(issuedAt) || !isWord(end) || (end === never && expiresAt === never)) return;
      const part = partOf(question);
      for (;;) {
        const { words } = part;
        const bucket = bucketOf(words, key[2] as number);
        let at = placeOf(words, bucket, key);
        if (at < 0) at = freePlaceOf(words, bucket);
        if (at < 0) {
          if (rebuild(part)) continue;
          if (words.length === 0) return;
          at = deadPlaceOf(words, bucket);
        }
        if (at < 0) {
          if (!mayDriveOut()) return;
          at = giveWay(part, bucket);
        }
        words[bucket + (at - bucket - ways) / wordsOfPlace] = key[0] as number;
        for (let word = 1; word < 4; word++) words[at + word - 1] = key[word] as number;
        words[at + 3] = wording;
        words[at + 4] = issuedAt;
        words[at + 5] = end;
        return;
      }
    },
    get bytes() {
      return bytes;
    },
  };
}

const isWord = (n: number) => n >>> 0 === n;

const bucketOf = (words: Int32Array, third: number) =>
  (third & (words.length / wordsOfBucket - 1)) * wordsOfBucket;

const endAt = (words: Int32Array, at: number) => {
  const end = (words[at + 5] as number) >>> 0;
  return end === never ? Number.POSITIVE_INFINITY : end;
};

const wordingAt = (words: Int32Array, at: number) => (words[at + 3] as number) & mostWordings;

/** Finds where a question is. @returns -1 when it is not there */
function placeOf(words: Int32Array, bucket: number, key: Int32Array): number {
  const first = key[0];
  for (let way = 0; way < ways; way++) {
    if (words[bucket + way] !== first) continue;
    const at = bucket + ways + way * wordsOfPlace;
    if (words[at + 3] !== 0 && words[at] === key[1] && words[at + 1] === key[2] && words[at + 2] === key[3]) {
      return at;
    }
  }
  return -1;
}

/** @returns -1 when there is none, as in a part that holds nothing yet */
function freePlaceOf(words: Int32Array, bucket: number): number {
  for (let way = 0; way < ways; way++) {
    const at = bucket + ways + way * wordsOfPlace;
    if (words[at + 3] === 0) return at;
  }
  return -1;
}

function forEachPlace(words: Int32Array, visit: (at: number) => void): void {
  for (let bucket = 0; bucket < words.length; bucket += wordsOfBucket) {
    for (let at = bucket + ways; at < bucket + wordsOfBucket; at += wordsOfPlace) {
      if (words[at + 3] !== 0) visit(at);
    }
  }
}

/** Moves a place to where it is in a part made anew, which has room for it: what shares a bucket there shared one here. */
function move(from: Int32Array, at: number, to: Int32Array): void {
  const bucketThere = bucketOf(to, from[at + 1] as number);
  const there = freePlaceOf(to, bucketThere);
  const bucketHere = at - (at % wordsOfBucket);
  const way = (at - bucketHere - ways) / wordsOfPlace;
  to[bucketThere + (there - bucketThere - ways) / wordsOfPlace] = from[bucketHere + way] as number;
  for (let word = 0; word < wordsOfPlace; word++) to[there + word] = from[at + word] as number;
}
