/**
 * A map that stays within a number of bytes by letting go of what was not asked for lately. A hand goes round the entries: what
 * was asked for since it last came by stays for another round, the first that was not makes room. So a hit costs one look-up and one
 * mark and moves nothing, and all of the room holds what is asked for.
 */
export interface ByteBoundedCache<Value> {
  get(key: string): Value | undefined;
  /** @param bytes about how much memory the entry takes, its key included */
  set(key: string, value: Value, bytes: number): void;
  delete(key: string): void;
  /** Tells whether an entry would drive out no other. */
  hasRoomFor(bytes: number): boolean;
  /** Bytes that are taken, as told. */
  readonly bytes: number;
}

interface Entry<Value> {
  readonly value: Value;
  readonly bytes: number;
  asked: boolean;
}

/** @param mostBytes what all entries may take together */
export function createByteBoundedCache<Value>(mostBytes: number): ByteBoundedCache<Value> {
  const entries = new Map<string, Entry<Value>>();
  /** Goes on where it was, past entries that came and went meanwhile. */
  let hand = entries.entries();
  let bytes = 0;

  const remove = (key: string) => {
    const entry = entries.get(key);
    if (!entry) return;
    entries.delete(key);
    bytes -= entry.bytes;
  };
  /** Ends: each step removes an entry, clears a mark, or begins a round over those that are left. */
  const makeRoom = () => {
    while (bytes > mostBytes) {
      const { value: next } = hand.next();
      if (!next) {
        hand = entries.entries();
        continue;
      }
      const [key, entry] = next;
      if (entry.asked) entry.asked = false;
      else remove(key);
    }
  };

  return {
    get(key) {
      const entry = entries.get(key);
      if (!entry) return undefined;
      entry.asked = true;
      return entry.value;
    },
    set(key, value, size) {
      remove(key);
      // One that would drive everything else out is not kept at all.
      if (size > mostBytes / 2) return;
      entries.set(key, { value, bytes: size, asked: false });
      bytes += size;
      makeRoom();
    },
    delete: remove,
    hasRoomFor: (size) => bytes + size <= mostBytes,
    get bytes() {
      return bytes;
    },
  };
}
