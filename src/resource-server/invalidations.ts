/**
 * What the change stream has said, kept for asking "did anything happen to this since?". Whoever asks Mandate notes the position
 * before it asks; the answer holds for as long as nothing was said of its authorization after that, so an answer that a change
 * overtook on its way is found out by the same question.
 */
export interface Invalidations {
  /** Moves with everything that is said. */
  readonly position: number;
  /** Tells whether nothing was said of an authorization after a position. What is not remembered counts as said. */
  unchangedSince(position: number, authorizationId: string): boolean;
  note(authorizationId: string): void;
  /** Counts everything as changed. */
  forget(): void;
}

/** @param most authorizations that it remembers */
export function createInvalidations(most: number): Invalidations {
  let position = 0;
  let oldest = 0;
  /** The oldest first. */
  const last = new Map<string, number>();
  return {
    get position() {
      return position;
    },
    unchangedSince: (since, id) => since >= oldest && (last.get(id) ?? 0) <= since,
    note(id) {
      position += 1;
      last.delete(id);
      last.set(id, position);
      if (last.size <= most) return;
      const [first, at] = last.entries().next().value as [string, number];
      last.delete(first);
      oldest = at;
    },
    forget() {
      position += 1;
      oldest = position;
      last.clear();
    },
  };
}
