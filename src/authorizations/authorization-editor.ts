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
import { newId } from '../ids.ts';
import { type Addition, mostAdditions, runningAdditions } from '../policy/additions.ts';
import type { PickedProject } from '../policy/vocabulary.ts';
import { recordAdded, recordEnded } from './additions.ts';
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

export type EndAdditionOutcome =
  | { readonly outcome: 'done' }
  /** It has ended, or never was there. */
  | { readonly outcome: 'not_found' };

/** What is added for a while. */
export type NewAddition = Pick<Addition, 'capabilities' | 'projects' | 'mcpServers' | 'until'>;

export type EditOutcome =
  | ChangeOutcome
  /** Nothing more is added for a while before something of it ends. */
  | { readonly outcome: 'too_many_additions' };

export type ChangeOutcome =
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
   * @param addition what it holds beside that for a while; what was added before goes on
   */
  edit(
    actor: Actor,
    id: string,
    version: number,
    content: EditedContent,
    inside?: (trx: Transaction<Database>) => Promise<void>,
    addition?: NewAddition,
  ): Promise<EditOutcome>;
  /**
   * Ends something that was added for a while before its time; whatever else happened to the authorization meanwhile, this is over.
   * @param inside is told what the authorization is after it, in the same transaction
   */
  endAddition(
    actor: Actor,
    id: string,
    additionId: string,
    inside?: (trx: Transaction<Database>, authorization: Authorization) => Promise<void>,
  ): Promise<EndAdditionOutcome>;
  /** Gives an API key another owner, and the content that this owner bounds; what was added for a while is over. */
  move(
    actor: Actor,
    id: string,
    version: number,
    userId: string,
    content: EditedContent,
    inside?: (trx: Transaction<Database>) => Promise<void>,
  ): Promise<ChangeOutcome>;
  /** Ends a pause, unless it is another pause than the one that was looked at. */
  resume(actor: Actor, id: string, version: number): Promise<ChangeOutcome>;
}

export function createAuthorizationEditor(deps: {
  store: Store;
  clock: Clock;
  changes: ChangeLog;
}): AuthorizationEditor {
  const { store, clock, changes } = deps;
  return {
    edit: (actor, id, version, content, inside, added) =>
      store.transact(async (trx) => {
        const found = await open(trx, id, version);
        if (found.outcome !== 'open') return found;
        const { before } = found;
        const old = contentOf(before);
        const same = isDeepStrictEqual(old, content);
        const at = clock.now();
        const running = runningAdditions(before.additions, at);
        if (added && running.length >= mostAdditions) return { outcome: 'too_many_additions' };
        const addition = added && { ...added, id: newId('add'), at, by: actor.id };
        if (same && !inside && !addition)
          return { outcome: 'done', change: undefined, authorization: before };
        // Whoever chooses another end says how long from now: its age counts from here.
        const renewed = content.expiresAt === before.expiresAt ? {} : { renewed_at: at };
        // What has ended is kept until something is added: nothing has to be written at its end.
        const additions = addition ? { additions: JSON.stringify([...running, addition]) } : {};
        const row = await bump(trx, id, version, { ...columnsOf(content), ...renewed, ...additions });
        if (!row) return { outcome: 'changed_meanwhile' };
        await inside?.(trx);
        let change = same
          ? undefined
          : await changes.record(trx, actor, {
              subject: 'authorization',
              id,
              action: 'changed',
              before: old,
              after: content,
            });
        if (addition) change = await recordAdded(changes, trx, actor, id, addition);
        return { outcome: 'done', change, authorization: toAuthorization(row) };
      }),
    endAddition: (actor, id, additionId, inside) =>
      store.transact(async (trx) => {
        // authorizations by primary key; it holds the row, so that what is added at the same time is not lost
        const held = await trx
          .updateTable('authorizations')
          .set((row) => ({ version: row.ref('version') }))
          .where('id', '=', id)
          .where('status', '<>', 'revoked')
          .returningAll()
          .executeTakeFirst();
        const before = held && toAuthorization(held);
        const running = before ? runningAdditions(before.additions, clock.now()) : [];
        const ended = running.filter((addition) => addition.id === additionId);
        if (!before || ended.length === 0) return { outcome: 'not_found' };
        const additions = JSON.stringify(running.filter((addition) => addition.id !== additionId));
        const row = await bump(trx, id, before.version, { additions });
        if (!row) throw new Error('an authorization changed while its row was held');
        await inside?.(trx, toAuthorization(row));
        await recordEnded(changes, trx, actor, id, ended);
        return { outcome: 'done' };
      }),
    move: (actor, id, version, userId, content, inside) =>
      store.transact(async (trx) => {
        const found = await open(trx, id, version);
        if (found.outcome !== 'open') return found;
        const { before } = found;
        if (before.kind !== 'api_key') return { outcome: 'gone' };
        const row = await bump(trx, id, version, {
          ...columnsOf(content),
          user_id: userId,
          additions: '[]',
        });
        if (!row) return { outcome: 'changed_meanwhile' };
        await inside?.(trx);
        await recordEnded(changes, trx, actor, id, runningAdditions(before.additions, clock.now()));
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
  ): Promise<{ outcome: 'open'; before: Authorization } | Exclude<ChangeOutcome, { outcome: 'done' }>> {
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
