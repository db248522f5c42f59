/**
 * Changes that people make to an authorization on purpose, each against the version that they looked at. What was revoked, has
 * expired or was changed meanwhile is left as it is.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Transaction } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { Database } from '../../db/schema.ts';
import type { Actor, ChangeLog } from '../changes/change-log.ts';
import type { Clock } from '../clock.ts';
import type { PickedProject } from '../policy/vocabulary.ts';
import { type Authorization, toAuthorization } from './authorization.ts';

/** All of what an authorization says after an edit. */
export interface EditedContent {
  readonly name: string | null;
  readonly capabilities: readonly string[];
  readonly roles: readonly string[];
  readonly projects: readonly PickedProject[];
  readonly mcpServers: readonly string[];
  readonly expiresAt: number | null;
}

export type EditOutcome =
  /** `change`: number of the change on record; undefined when it said so already. */
  | { readonly outcome: 'done'; readonly change: number | undefined; readonly authorization: Authorization }
  | { readonly outcome: 'changed_meanwhile' }
  /** Revoked, expired, or never there: nothing brings it back. */
  | { readonly outcome: 'gone' };

export interface AuthorizationEditor {
  /**
   * Replaces what an authorization says.
   * @param version the one that the editor looked at
   * @param inside does and records what belongs to it in the same transaction; it makes another version by itself
   */
  edit(
    actor: Actor,
    id: string,
    version: number,
    content: EditedContent,
    inside?: (trx: Transaction<Database>) => Promise<void>,
  ): Promise<EditOutcome>;
  /** Gives an API key another owner, and the content that this owner bounds. */
  move(
    actor: Actor,
    id: string,
    version: number,
    userId: string,
    content: EditedContent,
    inside?: (trx: Transaction<Database>) => Promise<void>,
  ): Promise<EditOutcome>;
  /** Ends a pause, unless it is another pause than the one that was looked at. */
  resume(actor: Actor, id: string, version: number): Promise<EditOutcome>;
}

export function createAuthorizationEditor(deps: {
  store: Store;
  clock: Clock;
  changes: ChangeLog;
}): AuthorizationEditor {
  const { store, clock, changes } = deps;
  return {
    edit: (actor, id, version, content, inside) =>
      store.transact(async (trx) => {
        const found = await open(trx, id, version);
        if (found.outcome !== 'open') return found;
        const { before } = found;
        const old = contentOf(before);
        const same = isDeepStrictEqual(old, content);
        if (same && !inside) return { outcome: 'done', change: undefined, authorization: before };
        // Whoever chooses another end says how long from now: its age counts from here.
        const renewed = content.expiresAt === before.expiresAt ? {} : { renewed_at: clock.now() };
        const row = await bump(trx, id, version, { ...columnsOf(content), ...renewed });
        if (!row) return { outcome: 'changed_meanwhile' };
        await inside?.(trx);
        if (same) return { outcome: 'done', change: undefined, authorization: toAuthorization(row) };
        const change = await changes.record(trx, actor, {
          subject: 'authorization',
          id,
          action: 'changed',
          before: old,
          after: content,
        });
        return { outcome: 'done', change, authorization: toAuthorization(row) };
      }),
    move: (actor, id, version, userId, content, inside) =>
      store.transact(async (trx) => {
        const found = await open(trx, id, version);
        if (found.outcome !== 'open') return found;
        const { before } = found;
        if (before.kind !== 'api_key') return { outcome: 'gone' };
        const row = await bump(trx, id, version, { ...columnsOf(content), user_id: userId });
        if (!row) return { outcome: 'changed_meanwhile' };
        await inside?.(trx);
        const change = await changes.record(trx, actor, {
          subject: 'authorization',
          id,
          action: 'moved',
          before: { user: before.userId, ...contentOf(before) },
          after: { user: userId, ...content },
        });
        return { outcome: 'done', change, authorization: toAuthorization(row) };
      }),
    resume: (actor, id, version) =>
      store.transact(async (trx) => {
        const found = await open(trx, id, version);
        if (found.outcome !== 'open') return found;
        const { before } = found;
        if (before.status === 'active') return { outcome: 'done', change: undefined, authorization: before };
        const row = await bump(trx, id, version, { status: 'active' });
        if (!row) return { outcome: 'changed_meanwhile' };
        const change = await changes.record(trx, actor, { subject: 'authorization', id, action: 'resumed' });
        return { outcome: 'done', change, authorization: toAuthorization(row) };
      }),
  };

  /** Finds what may be changed at this version, or says why nothing may. */
  async function open(
    trx: Transaction<Database>,
    id: string,
    version: number,
  ): Promise<{ outcome: 'open'; before: Authorization } | Exclude<EditOutcome, { outcome: 'done' }>> {
    // authorizations by primary key
    const row = await trx.selectFrom('authorizations').selectAll().where('id', '=', id).executeTakeFirst();
    if (!row || row.status === 'revoked') return { outcome: 'gone' };
    if (row.expires_at !== null && row.expires_at <= clock.now()) return { outcome: 'gone' };
    return row.version === version
      ? { outcome: 'open', before: toAuthorization(row) }
      : { outcome: 'changed_meanwhile' };
  }

  /** Writes only over the version that was looked at: of two edits at once, one wins and the other learns of it. */
  async function bump(trx: Transaction<Database>, id: string, version: number, columns: object) {
    // authorizations by primary key
    return trx
      .updateTable('authorizations')
      .set({ ...columns, version: version + 1, updated_at: clock.now() })
      .where('id', '=', id)
      .where('version', '=', version)
      .where('status', '<>', 'revoked')
      .returningAll()
      .executeTakeFirst();
  }
}

function columnsOf({ name, capabilities, roles, projects, mcpServers, expiresAt }: EditedContent) {
  return {
    name,
    capabilities: JSON.stringify(capabilities),
    roles: JSON.stringify(roles),
    projects: JSON.stringify(projects),
    mcp_servers: JSON.stringify(mcpServers),
    expires_at: expiresAt,
  };
}

/** What an edit can change of an authorization, as the log of changes keeps it. Pure. */
export function contentOf(authorization: Authorization): EditedContent {
  const { name, capabilities, roles, projects, mcpServers, expiresAt } = authorization;
  return { name, capabilities, roles, projects, mcpServers, expiresAt };
}
