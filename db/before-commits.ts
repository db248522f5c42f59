/**
 * What is done before the thread waits for the disk: a COMMIT keeps everybody for as long as the sync takes, also those whose answers need
 * nothing but the turn of the event loop to end.
 */
export interface BeforeCommits {
  /** Adds work; it must neither throw nor write. */
  add(work: () => void): void;
  /** To be called by whoever is about to commit. */
  run(): void;
}

export function createBeforeCommits(): BeforeCommits {
  const all: (() => void)[] = [];
  return {
    add: (work) => void all.push(work),
    run() {
      for (const work of all) work();
    },
  };
}
