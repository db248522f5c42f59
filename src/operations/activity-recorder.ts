/**
 * Writes what this process counted to the database every few seconds, in one small transaction. What is not written yet when the
 * process is killed is lost, at most one interval of it; a stop writes it. No answer depends on these rows: the change counter stays
 * where it is, and on SQLite other connections look at it once a write, which is all that it costs them.
 */
import type { ActivityStore, Happened } from './activity-store.ts';
import type { Counter, Tally } from './tally.ts';

/** What a kill may lose. */
const writeEveryMilliseconds = 15_000;

export interface ActivityRecorder {
  /** Writes what was counted since the last time; what cannot be written is kept for the next. Never throws. */
  flush(): Promise<void>;
  /** Writes regularly from now on. @returns what ends that */
  start(): () => void;
}

export function createActivityRecorder(deps: {
  readonly tally: Tally;
  readonly activity: Pick<ActivityStore, 'add'>;
  /** Told when counts could not be written. */
  readonly onFailure: (error: unknown) => void;
}): ActivityRecorder {
  const { tally, activity, onFailure } = deps;
  const written = new WeakMap<Counter, number>();
  let writing: Promise<void> | undefined;

  const write = async () => {
    const counted = tally.all().map((one) => ({ ...one, total: one.counter.n }));
    const happened: Happened[] = counted
      .map(({ topic, outcome, party, counter, total }) => ({
        topic,
        outcome,
        party,
        n: total - (written.get(counter) ?? 0),
      }))
      .filter(({ n }) => n > 0);
    await activity.add(happened);
    for (const { counter, total } of counted) written.set(counter, total);
  };
  const flush = async (): Promise<void> => {
    // What was counted after a write began is written by another.
    await writing;
    writing ??= write()
      .catch(onFailure)
      .finally(() => {
        writing = undefined;
      });
    await writing;
  };

  return {
    flush,
    start() {
      const timer = setInterval(() => void flush(), writeEveryMilliseconds);
      timer.unref();
      return () => clearInterval(timer);
    },
  };
}
