import { suspendedByRestore } from '../restoration.ts';
import { type Answer, done, refused, usage } from './answer.ts';
import { table } from './table.ts';
import type { Workspace } from './workspace.ts';

/** `authorizations resume`: gives one back, or everything that a restore suspended. */
export async function resumeAuthorizations(
  workspace: Workspace,
  id: string | undefined,
  { restored = false, dryRun = false }: { restored?: boolean; dryRun?: boolean },
): Promise<Answer> {
  if ((id === undefined) !== restored) return usage('name one authorization, or give --restored');
  const { authorizations, actor } = workspace;
  const ids = id === undefined ? await suspendedByRestore(workspace) : [id];
  if (dryRun) return show(workspace, ids);
  const resumed: string[] = [];
  for (const one of ids) {
    const result = await authorizations.resume(actor, one);
    if (result.outcome === 'done') resumed.push(one);
    else if (id !== undefined) return refused(`${one} is revoked, or was never there`);
  }
  return done({ resumed }, resumed.length === 0 ? 'nothing to do' : `resumed ${resumed.join(', ')}`);
}

async function show({ authorizations, users }: Workspace, ids: readonly string[]): Promise<Answer> {
  const rows: string[][] = [];
  for (const id of ids) {
    const one = await authorizations.find(id);
    if (!one) continue;
    const owner = await users.findById(one.userId);
    rows.push([id, one.kind, owner?.email ?? one.userId, one.name ?? one.clientId ?? '-']);
  }
  return done({ suspended: ids }, table([['ID', 'KIND', 'USER', 'NAME'], ...rows]));
}
