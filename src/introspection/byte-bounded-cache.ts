/**
 * A map that stays within a number of bytes by letting go of what was not asked for lately. It has a young and an old half:
 * when the young one is full it becomes the old one, and what is found in the old one moves to the young one. So a hit costs one
 * look-up and moves nothing, unlike an order that is kept for every entry.
 */
export interface ByteBoundedCache<Value> {
  get(key: string): Value | undefined;
  /** @param bytes about how much memory the entry takes, its key included */
  set(key: string, value: Value, bytes: number): void;
  delete(key: string): void;
  /** Bytes that are taken, as told. */
  readonly bytes: number;
}

/** @param mostBytes what both halves may take together */
export function createByteBoundedCache<Value>(mostBytes: number): ByteBoundedCache<Value> {
  type Entry = { readonly value: Value; readonly bytes: number };
  let young = new Map<string, Entry>();
  let old = new Map<string, Entry>();
  let youngBytes = 0;
  let oldBytes = 0;

  const put = (key: string, entry: Entry) => {
    if (youngBytes + entry.bytes > mostBytes / 2) {
      old = young;
      oldBytes = youngBytes;
      young = new Map();
      youngBytes = 0;
    }
    young.set(key, entry);
    youngBytes += entry.bytes;
  };
  const take = (key: string) => {
    const inYoung = young.get(key);
    if (inYoung) {
      young.delete(key);
      youngBytes -= inYoung.bytes;
    }
    const inOld = old.get(key);
    if (inOld) {
      old.delete(key);
      oldBytes -= inOld.bytes;
    }
    return inYoung ?? inOld;
  };

  return {
    get(key) {
      const found = young.get(key);
      if (found) return found.value;
      if (!old.has(key)) return undefined;
      const moved = take(key);
      if (moved) put(key, moved);
      return moved?.value;
    },
    set(key, value, bytes) {
      take(key);
      // What would not fit into an empty half is not kept at all.
      if (bytes <= mostBytes / 2) put(key, { value, bytes });
    },
    delete: (key) => void take(key),
    get bytes() {
      return youngBytes + oldBytes;
    },
  };
}
