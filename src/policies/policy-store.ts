/**
 * The organization's policy: one row, replaced as a whole, each time with its change on record. Owns how it is kept; what follows from
 * it is decided in `policy/limits.ts`, and whom it would cut is asked before it is replaced (`admin/api/impact.ts`).
 */
import { isDeepStrictEqual } from 'node:util';
import type { Kysely, Transaction } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { Database } from '../../db/schema.ts';
import type { Actor, ChangeLog } from '../changes/change-log.ts';
import type { Clock } from '../clock.ts';
import type { Policy } from '../policy/policy.ts';
import { type PolicyRecord, toPolicy, toRecord } from './policy-record.ts';

/** Id of the one row, in its table and in the log of changes. */
export const policyId = 'organization';

export interface StoredPolicy {
  readonly policy: Policy;
  /** Moves with every change. */
  readonly version: number;
  /** Integer seconds; 0: nobody has set one yet. */
  readonly updatedAt: number;
}

export interface PolicyStore {
  /** @param db where to read; a transaction sees its own changes */
  read(db?: Kysely<Database>): Promise<StoredPolicy>;
  /** Replaces the policy; whoever calls has made sure of the version. @returns whether anything was different */
  replace(trx: Transaction<Database>, actor: Actor, policy: Policy): Promise<boolean>;
}

/** Creates the store of the policy. */
export function createPolicyStore({
  store,
  clock,
  changes,
}: {
  store: Pick<Store, 'db'>;
  clock: Clock;
  changes: ChangeLog;
}): PolicyStore {
  return {
    async read(db = store.db) {
      // policies by primary key
      const row = await db
        .selectFrom('policies')
        .select(['content', 'version', 'updated_at'])
        .where('id', '=', policyId)
        .executeTakeFirstOrThrow();
      const policy = toPolicy(JSON.parse(row.content) as PolicyRecord);
      return { policy, version: row.version, updatedAt: row.updated_at };
    },
    async replace(trx, actor, policy) {
      const before = toRecord((await this.read(trx)).policy);
      const after = toRecord(policy);
      if (isDeepStrictEqual(before, after)) return false;
      // policies by primary key
      await trx
        .updateTable('policies')
        .set((row) => ({
          content: JSON.stringify(after),
          version: row('version', '+', 1),
          updated_at: clock.now(),
        }))
        .where('id', '=', policyId)
        .execute();
      await changes.record(trx, actor, { subject: 'policy', id: policyId, action: 'updated', before, after });
      return true;
    },
  };
}
