/**
 * Requests for an administrator's approval: one row for each capability of an authorization that needs one. Owns how they stand; does
 * not own which capabilities need it (the policy), nor what is withheld meanwhile (`policy/limits.ts`).
 *
 * An approval is for this authorization and this capability: who, which tool, what. The projects stay the owner's to choose, within
 * the owner's own rights: whoever approves says that this tool may do this kind of thing for this person, and where that person may do
 * it is decided by whoever gives them roles. Asked for again with every project, one capability would be withheld everywhere for the sake
 * of the newest place. A capability that is taken out of the authorization takes its approval along, and so does the end of an addition:
 * what was agreed to for a while is asked for again (`key-desk.ts`).
 */
import type { Kysely, Transaction } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { ApprovalsTable, Database } from '../../db/schema.ts';
import type { Actor, ChangeLog } from '../changes/change-log.ts';
import type { Clock } from '../clock.ts';
import { newId } from '../ids.ts';
import type { ApprovalStatus } from '../policy/limits.ts';

export interface Approval {
  readonly id: string;
  readonly authorizationId: string;
  readonly capability: string;
  readonly status: ApprovalStatus;
  /** In the words of whoever asked; plain text. */
  readonly justification: string;
  readonly requestedBy: string;
  /** Integer seconds. */
  readonly requestedAt: number;
  readonly decidedBy: string | null;
  readonly decidedAt: number | null;
  /** In the words of whoever decided; plain text. */
  readonly note: string | null;
  readonly version: number;
}

/** What is asked for along with a choice. */
export interface ApprovalRequest {
  /** Every capability that is granted now, by name or through a role. */
  readonly granted: readonly string[];
  /** Those of them for which approval is asked now. */
  readonly asked: readonly string[];
  readonly justification: string;
}

export type DecideOutcome =
  | { readonly outcome: 'done'; readonly approval: Approval }
  /** Another request, or another state of the authorization, than the one that was looked at, or decided meanwhile. */
  | { readonly outcome: 'changed_meanwhile' }
  | { readonly outcome: 'not_found' };

export interface ApprovalStore {
  /** Reads every request of some authorizations. */
  of(authorizationIds: readonly string[], db?: Kysely<Database>): Promise<Approval[]>;
  find(id: string): Promise<Approval | undefined>;
  /** Lists requests, newest first. @param query.before id of the last one of the page before */
  list(query: { status?: ApprovalStatus; limit: number; before?: string }): Promise<Approval[]>;
  /** Counts what waits for a decision. */
  countPending(): Promise<number>;
  /**
   * Brings the requests in line with what is granted, in the transaction that grants it: what is not granted any more is asked for no
   * more, what is asked for anew waits again.
   */
  follow(
    trx: Transaction<Database>,
    actor: Actor,
    authorizationId: string,
    request: ApprovalRequest,
  ): Promise<void>;
  /**
   * Decides what waits.
   * @param decision.version of the request that was looked at
   * @param decision.authorizationVersion of the authorization that was looked at with it; left out where nobody looked
   */
  decide(
    trx: Transaction<Database>,
    actor: Actor,
    decision: {
      id: string;
      version: number;
      authorizationVersion?: number | undefined;
      status: 'approved' | 'declined';
      note: string | null;
    },
  ): Promise<DecideOutcome>;
}

/** Creates the store of approvals. */
export function createApprovalStore({
  store: { db },
  clock,
  changes,
}: {
  store: Pick<Store, 'db'>;
  clock: Clock;
  changes: ChangeLog;
}): ApprovalStore {
  const find = async (id: string, from: Kysely<Database> = db) => {
    // approvals by primary key
    const row = await from.selectFrom('approvals').selectAll().where('id', '=', id).executeTakeFirst();
    return row && toApproval(row);
  };
  const of: ApprovalStore['of'] = async (authorizationIds, from = db) => {
    if (authorizationIds.length === 0) return [];
    // approvals_of_authorization
    const rows = await from
      .selectFrom('approvals')
      .selectAll()
      .where('authorization_id', 'in', [...authorizationIds])
      .orderBy('capability')
      .execute();
    return rows.map(toApproval);
  };

  return {
    of,
    find: (id) => find(id),
    async list({ status, limit, before }) {
      // approvals by primary key, backwards; or approvals_by_status
      let query = db.selectFrom('approvals').selectAll().orderBy('id', 'desc').limit(limit);
      if (status !== undefined) query = query.where('status', '=', status);
      if (before !== undefined) query = query.where('id', '<', before);
      return (await query.execute()).map(toApproval);
    },
    async countPending() {
      // approvals_by_status
      const { waiting } = await db
        .selectFrom('approvals')
        .select((count) => count.fn.countAll<number | string>().as('waiting'))
        .where('status', '=', 'pending')
        .executeTakeFirstOrThrow();
      return Number(waiting);
    },

    async follow(trx, actor, authorizationId, { granted, asked, justification }) {
      const known = await of([authorizationId], trx);
      const withdrawn = known.filter(({ capability }) => !granted.includes(capability));
      const renewed = known.filter(({ capability }) => asked.includes(capability));
      const gone = [...withdrawn, ...renewed].map(({ id }) => id);
      // approvals by primary key; a request that is made again is a new one, so that nobody decides on the words of the old one
      if (gone.length > 0) await trx.deleteFrom('approvals').where('id', 'in', gone).execute();
      if (withdrawn.length > 0) {
        await changes.record(trx, actor, {
          subject: 'authorization',
          id: authorizationId,
          action: 'approval_withdrawn',
          before: { capabilities: withdrawn.map(({ capability }) => capability) },
        });
      }
      if (asked.length === 0) return;
      await trx
        .insertInto('approvals')
        .values(
          asked.map((capability) => ({
            id: newId('apr'),
            authorization_id: authorizationId,
            capability,
            status: 'pending' as const,
            justification,
            requested_by: actor.id,
            requested_at: clock.now(),
            version: 1,
          })),
        )
        .execute();
      await changes.record(trx, actor, {
        subject: 'authorization',
        id: authorizationId,
        action: 'approval_requested',
        after: { capabilities: asked, justification },
      });
    },

    async decide(trx, actor, { id, version, authorizationVersion, status, note }) {
      const found = await find(id, trx);
      if (!found) return { outcome: 'not_found' };
      // authorizations by primary key; it holds the row before that of the request, as an edit does
      const held = await trx
        .updateTable('authorizations')
        .set((row) => ({ version: row.ref('version') }))
        .where('id', '=', found.authorizationId)
        .returning('version')
        .executeTakeFirst();
      if (authorizationVersion !== undefined && held?.version !== authorizationVersion) {
        return { outcome: 'changed_meanwhile' };
      }
      // approvals by primary key
      const row = await trx
        .updateTable('approvals')
        .set({ status, note, decided_by: actor.id, decided_at: clock.now(), version: version + 1 })
        .where('id', '=', id)
        .where('version', '=', version)
        .where('status', '=', 'pending')
        .returningAll()
        .executeTakeFirst();
      if (!row) return { outcome: 'changed_meanwhile' };
      // authorizations by primary key: whoever remembers answers of it learns that it is another version
      await trx
        .updateTable('authorizations')
        .set((old) => ({ version: old('version', '+', 1), updated_at: clock.now() }))
        .where('id', '=', found.authorizationId)
        .execute();
      const { capability, justification } = found;
      await changes.record(trx, actor, {
        subject: 'authorization',
        id: found.authorizationId,
        action: status === 'approved' ? 'approval_given' : 'approval_declined',
        before: { capability, justification, requested_by: found.requestedBy },
        after: { capability, status, note },
      });
      return { outcome: 'done', approval: toApproval(row) };
    },
  };
}

function toApproval(row: ApprovalsTable): Approval {
  return {
    id: row.id,
    authorizationId: row.authorization_id,
    capability: row.capability,
    status: row.status,
    justification: row.justification,
    requestedBy: row.requested_by,
    requestedAt: row.requested_at,
    decidedBy: row.decided_by,
    decidedAt: row.decided_at,
    note: row.note,
    version: row.version,
  };
}
