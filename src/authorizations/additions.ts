/** How the log of changes keeps what was added to authorizations for a while. That it ended by itself is nobody's doing, and not in it. */
import type { Transaction } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { Actor, ChangeLog } from '../changes/change-log.ts';
import type { Addition } from '../policy/additions.ts';

/** Records that something was added for a while. @returns the number of the change */
export function recordAdded(
  changes: ChangeLog,
  trx: Transaction<Database>,
  actor: Actor,
  id: string,
  addition: Addition,
): Promise<number> {
  return changes.record(trx, actor, {
    subject: 'authorization',
    id,
    action: 'added_for_a_while',
    after: sayOf(addition),
  });
}

/** Records that additions were ended before their time, each by itself. */
export async function recordEnded(
  changes: ChangeLog,
  trx: Transaction<Database>,
  actor: Actor,
  id: string,
  additions: readonly Addition[],
): Promise<void> {
  for (const addition of additions) {
    await changes.record(trx, actor, {
      subject: 'authorization',
      id,
      action: 'addition_ended',
      before: sayOf(addition),
    });
  }
}

const sayOf = ({ id, capabilities, projects, mcpServers, until }: Addition) => ({
  addition: id,
  capabilities,
  projects,
  mcpServers,
  until,
});
