/** Deletes what has expired, in batches small enough that nothing else waits for them. */
import type { Store } from '../../db/open.ts';
import type { Clock } from '../clock.ts';
import { keptAfterExpirySeconds } from './artifact-adapter.ts';

/** Rows a statement. */
const batchRows = 500;
/** Counters are kept past their end for those that grow with repetition, such as poll intervals. */
const countersKeptSeconds = 3_600;

export interface GarbageCollector {
  /** Deletes everything that is due. @returns how many rows went */
  collect(): Promise<number>;
}

export function createGarbageCollector({ store, clock }: { store: Store; clock: Clock }): GarbageCollector {
  return {
    async collect() {
      let deleted = 0;
      for (;;) {
        const batch =
          (await collectArtifacts()) +
          (await collectCounters()) +
          (await collectSessions()) +
          (await collectChallenges()) +
          (await collectUpstreamRequests());
        deleted += batch;
        if (batch < batchRows) return deleted;
        await new Promise((resume) => setImmediate(resume));
      }
    },
  };

  async function collectArtifacts(): Promise<number> {
    const due = clock.now() - keptAfterExpirySeconds;
    const { numDeletedRows } = await store.db
      .deleteFrom('oidc_artifacts')
      .where(({ eb, refTuple, selectFrom }) =>
        eb(
          refTuple('model', 'key'),
          'in',
          // oidc_artifacts_by_expiry
          selectFrom('oidc_artifacts')
            .select(['model', 'key'])
            .where('expires_at', '<', due)
            .limit(batchRows)
            .$asTuple('model', 'key'),
        ),
      )
      .executeTakeFirstOrThrow();
    return Number(numDeletedRows);
  }

  async function collectSessions(): Promise<number> {
    const { numDeletedRows } = await store.db
      .deleteFrom('sessions')
      .where('id', 'in', ({ selectFrom }) =>
        // sessions_by_expiry
        selectFrom('sessions').select('id').where('expires_at', '<', clock.now()).limit(batchRows),
      )
      .executeTakeFirstOrThrow();
    return Number(numDeletedRows);
  }

  async function collectChallenges(): Promise<number> {
    const { numDeletedRows } = await store.db
      .deleteFrom('challenges')
      .where('key', 'in', ({ selectFrom }) =>
        // challenges_by_expiry
        selectFrom('challenges').select('key').where('expires_at', '<', clock.now()).limit(batchRows),
      )
      .executeTakeFirstOrThrow();
    return Number(numDeletedRows);
  }

  async function collectUpstreamRequests(): Promise<number> {
    const { numDeletedRows } = await store.db
      .deleteFrom('upstream_requests')
      .where('key', 'in', ({ selectFrom }) =>
        // upstream_requests_by_expiry
        selectFrom('upstream_requests').select('key').where('expires_at', '<', clock.now()).limit(batchRows),
      )
      .executeTakeFirstOrThrow();
    return Number(numDeletedRows);
  }

  async function collectCounters(): Promise<number> {
    const due = clock.now() - countersKeptSeconds;
    const { numDeletedRows } = await store.db
      .deleteFrom('counters')
      .where('key', 'in', ({ selectFrom }) =>
        // counters_by_expiry
        selectFrom('counters').select('key').where('expires_at', '<', due).limit(batchRows),
      )
      .executeTakeFirstOrThrow();
    return Number(numDeletedRows);
  }
}
