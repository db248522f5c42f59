/**
 * A map that stays within a number of bytes by letting go of what was not asked for lately. A hand goes round the entries: what
 * was asked for since it last came by stays for another round, the first that was not makes room. So a hit costs one look-up and one
 * mark and moves nothing, and all of the room holds what is asked for.
 */
export interface ByteBoundedCache<Value, Key = string> {
  get(key: Key): Value | undefined;
  /** The same without counting as asking for it. */
  peek(key: Key): Value | undefined;
  /** @param bytes about how much memory the entry takes, its key included */
  set(key: Key, value: Value, bytes: number): void;
  delete(key: Key): void;
  /** Lets go until all fits again; to be called when something else has taken more. */
  makeRoom(): void;
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

/**
 * @param mostBytes what all entries may take together
 * @param besides bytes of that which something else has taken by now
 * @param onGone told of every entry that is let go of or deleted
 */
export function createByteBoundedCache<Value, Key = string>(
  mostBytes: number,
  besides: () => number = () => 0,
  onGone: (value: Value) => void = () => {},
): ByteBoundedCache<Value, Key> {
  const entries = new Map<Key, Entry<Value>>();
  /** Goes on where it was, past entries that came and went meanwhile. */
  let hand = entries.entries();
  let bytes = 0;

  const remove = (key: Key) => {
    const entry = entries.get(key);
    if (!entry) return;
    entries.delete(key);
    bytes -= entry.bytes;
    onGone(entry.value);
  };
  /** Ends: each step removes an entry, clears a mark, or begins a round over those that are left. */
  const makeRoom = () => {
    while (bytes > 0 && bytes + besides() > mostBytes) {
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
    peek: (key) => entries.get(key)?.value,
    set(key, value, size) {
      remove(key);
      // One that would drive everything else out is not kept at all.
      if (size > mostBytes / 2) return;
      entries.set(key, { value, bytes: size, asked: false });
      bytes += size;
      makeRoom();
    },
    delete: remove,
    makeRoom,
    hasRoomFor: (size) => bytes + besides() + size <= mostBytes,
    get bytes() {
      return bytes;
    },
  };
}
