/**
 * Remembers when an authorization was last asked about, off the path of the question. Collected in memory and written in
 * batches, at most once a minute for each authorization whatever the number of nodes; a crash may lose the last second.
 */
import type { Store } from '../../db/open.ts';
import type { Clock } from '../clock.ts';
import type { LastUse } from './authorization.ts';

/** An authorization's last use moves in steps of this many seconds. */
const stepSeconds = 60;
const writeEveryMilliseconds = 1_000;
const rowsAtOnce = 200;
/** More rows than these are written apart from whoever answers: each may be on a page of its own, and all of them are synced to the disk. */
const fewRows = 10;
/** Authorizations remembered as noted; more than these in one minute are written more than once a minute in vain. */
const mostRemembered = 100_000;

export interface LastUseRecorder {
  /** Notes a use; returns at once and never throws. @param by the resource server's name @param from its address */
  note(authorizationId: string, by: string, from: string): void;
  /** Writes what is noted so far. */
  flush(): Promise<void>;
}

export function createLastUseRecorder(deps: {
  store: Store;
  clock: Clock;
  /** Told when uses could not be written; they are dropped. */
  onFailure: (error: unknown) => void;
}): LastUseRecorder {
  const { store, clock, onFailure } = deps;
  const noted = new Map<string, number>();
  let pending = new Map<string, LastUse>();
  let writing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  const write = async () => {
    while (pending.size > 0) {
      const batch = [...pending].slice(0, rowsAtOnce);
      for (const [id] of batch) pending.delete(id);
      const transact = batch.length > fewRows ? store.transactApart : store.transact;
      await transact(async (trx) => {
        for (const { ids, use } of alike(batch)) {
          await trx
            // authorizations by primary key; another node may have written this minute already
            .updateTable('authorizations')
            .set({ last_used_at: use.at, last_used_by: use.by, last_used_from: use.from })
            .where('id', 'in', ids.toSorted())
            .where((is) =>
              is.or([is('last_used_at', 'is', null), is('last_used_at', '<=', use.at - stepSeconds)]),
            )
            .execute();
        }
      });
    }
  };
  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    writing ??= write()
      .catch((error: unknown) => {
        pending = new Map();
        onFailure(error);
      })
      .finally(() => {
        writing = undefined;
      });
    return writing;
  };

  return {
    note(authorizationId, by, from) {
      const now = clock.now();
      const before = noted.get(authorizationId);
      if (before !== undefined && now - before < stepSeconds && now >= before) return;
      if (noted.size >= mostRemembered) noted.clear();
      noted.set(authorizationId, now);
      pending.set(authorizationId, { at: now, by, from });
      timer ??= setTimeout(() => void flush(), writeEveryMilliseconds).unref();
    },
    flush,
  };
}

/** Puts together what was used at the same second by the same server: one statement writes it. Pure. */
function alike(batch: readonly (readonly [string, LastUse])[]): Iterable<{ ids: string[]; use: LastUse }> {
  const groups = new Map<string, { ids: string[]; use: LastUse }>();
  for (const [id, use] of batch) {
    const key = JSON.stringify([use.at, use.by, use.from]);
    const group = groups.get(key);
    if (group) group.ids.push(id);
    else groups.set(key, { ids: [id], use });
  }
  return groups.values();
}
