/**
 * Reads what changed since a number, as listeners want to know it. Owns what a change means to somebody who remembers answers;
 * does not own who is told (`concern.ts`) nor how (`change-stream.ts`).
 *
 * A change of an authorization names it, and whatever was handed on from it. One of a user or a client names the authorizations that
 * depend on it, while they are few.
 * Everything else, and whatever cannot be told cheaply, is a flush, which says nothing but that anything may have changed.
 */
import { sql } from 'kysely';
import type { Store } from '../../db/open.ts';
import { mostParents } from '../policy/handed-on.ts';
import type { Reach } from './concern.ts';
import { type ReachRow, reachColumns, reachOf } from './reach.ts';

/** An authorization whose answers may have changed. */
export interface ChangedAuthorization {
  /** As it is now; null when that is not known. */
  readonly version: number | null;
  /** The number of its last change in the batch. */
  readonly seq: number;
  /** What it reached before each change, and what it reaches now. */
  readonly reaches: readonly Reach[];
}

/** Everything between two numbers. */
export interface ChangeBatch {
  /** The number up to which it tells. */
  readonly to: number;
  readonly flush: boolean;
  /** When `flush`: not all of them. */
  readonly authorizations: ReadonlyMap<string, ChangedAuthorization>;
  /** Whether what resource servers guard may have changed. */
  readonly guardsChanged: boolean;
  /** Ids of the resource servers that changed themselves; undefined when that is not known. */
  readonly resourceServers: ReadonlySet<string> | undefined;
}

export interface ChangeFeed {
  /** Reads the number of the last change that is committed. */
  latest(): Promise<number>;
  /** Reads what changed after a number that `latest` has gone past. */
  since(seq: number): Promise<ChangeBatch>;
}

/** More changes, dependents of one subject, or subjects with dependents than these are a flush. */
const mostChanges = 1_000;
const mostDependents = 200;
const mostSubjects = 20;

/** What came into being: nothing remembered can depend on it, since only active answers are. */
const harmlessWhenCreated = new Set(['authorization', 'user', 'client', 'role']);

/** A change, and the authorization that it is of as it is now: all null where there is none. */
interface Row extends ReachRow {
  readonly seq: number;
  readonly subject: string;
  readonly subject_id: string;
  readonly action: string;
  readonly before: string | null;
  readonly version: number | null;
}
export function createChangeFeed({ store }: { store: Store }): ChangeFeed {
  const { db } = store;
  const unknown = (to: number): ChangeBatch => ({
    to,
    flush: true,
    authorizations: new Map(),
    guardsChanged: true,
    resourceServers: undefined,
  });

  async function latest(): Promise<number> {
    // change_counter by primary key
    const { n } = await db
      .selectFrom('change_counter')
      .select('n')
      .where('id', '=', 1)
      .executeTakeFirstOrThrow();
    return n;
  }

  /** Reads changes and the authorizations that they are of in one statement, so that both are of one moment. */
  async function read(seq: number): Promise<Row[]> {
    // changes by primary key, authorizations by primary key
    const found = await sql<Row>`
      select c.seq, c.subject, c.subject_id, c.action, c.before,
             a.version, ${sql.join(reachColumns.map((column) => sql.ref(`a.${column}`)))}
        from changes c left join authorizations a on c.subject = 'authorization' and a.id = c.subject_id
       where c.seq > ${seq} order by c.seq limit ${mostChanges + 1}`.execute(db);
    return found.rows;
  }

  /** @returns undefined when there are more than can be named */
  async function dependentsOf(column: 'user_id' | 'client_id', id: string) {
    // authorizations_by_user, or authorizations_by_client by its first column
    const rows = await db
      .selectFrom('authorizations')
      .select(['id', 'version', ...reachColumns])
      .where(column, '=', id)
      .where('status', '=', 'active')
      .limit(mostDependents + 1)
      .execute();
    return rows.length > mostDependents ? undefined : rows;
  }

  /** What was handed on from some authorizations, and from that in turn: it changes with them. @returns undefined when it is too much */
  async function handedOnFrom(ids: readonly string[]) {
    const found: (ReachRow & { id: string; parent_id: string | null })[] = [];
    for (let depth = 0, above = ids; depth < mostParents && above.length > 0; depth++) {
      // authorizations_handed_on
      const rows = await db
        .selectFrom('authorizations')
        .select(['id', 'parent_id', ...reachColumns])
        .where('parent_id', 'in', above)
        .limit(mostChanges + 1)
        .execute();
      found.push(...rows);
      if (found.length > mostChanges) return undefined;
      above = rows.map(({ id }) => id);
    }
    return found;
  }

  return {
    latest,
    async since(seq) {
      const rows = await read(seq);
      const last = rows.at(-1)?.seq ?? seq;
      if (rows.length > mostChanges) return unknown(await latest());
      // A number without its row, because rows were cleared away or a backup was put back: what happened is not known.
      if (rows.length === 0 || last - seq !== rows.length) return unknown(Math.max(last, await latest()));

      const authorizations = new Map<string, { version: number | null; seq: number; reaches: Reach[] }>();
      const note = (id: string, version: number | null, at: number, reaches: Reach[]) => {
        const noted = authorizations.get(id);
        authorizations.set(id, { version, seq: at, reaches: [...(noted?.reaches ?? []), ...reaches] });
      };
      const resourceServers = new Set<string>();
      const dependents = new Map<string, Row>();
      let flush = false;
      let guardsChanged = false;
      for (const row of rows) {
        if (row.action === 'created' && harmlessWhenCreated.has(row.subject)) continue;
        // It signs ID tokens, which nobody asks introspection about.
        if (row.subject === 'signing_key') continue;
        switch (row.subject) {
          case 'authorization':
            if (row.version === null) flush = true;
            else note(row.subject_id, versionOf(row), row.seq, [...reachBefore(row), reachOf(row)]);
            break;
          case 'user':
          case 'client':
            dependents.set(`${row.subject}:${row.subject_id}`, row);
            break;
          case 'resource_server':
            resourceServers.add(row.subject_id);
            break;
          case 'mcp_server':
            guardsChanged = true;
            flush = true;
            break;
          default:
            flush = true;
        }
      }
      if (dependents.size > mostSubjects) flush = true;
      for (const row of flush ? [] : dependents.values()) {
        const found = await dependentsOf(row.subject === 'user' ? 'user_id' : 'client_id', row.subject_id);
        if (found === undefined) flush = true;
        for (const one of found ?? []) note(one.id, versionOf(one), row.seq, [reachOf(one)]);
      }
      // Dependents were read after the changes: one that was ended, moved or narrowed in between is not found as it was.
      const later = flush || dependents.size === 0 ? [] : await read(last);
      if (later.length > mostChanges) flush = true;
      for (const row of later) {
        if (row.subject !== 'authorization' || row.action === 'created') continue;
        if (row.version === null) flush = true;
        else note(row.subject_id, versionOf(row), last, [...reachBefore(row), reachOf(row)]);
      }
      const below = flush ? [] : await handedOnFrom([...authorizations.keys()]);
      if (below === undefined) flush = true;
      for (const one of below ?? []) {
        const parent = authorizations.get(one.parent_id ?? '');
        const own = authorizations.get(one.id);
        note(one.id, null, Math.max(parent?.seq ?? last, own?.seq ?? 0), [reachOf(one)]);
      }
      return { to: last, flush, authorizations, guardsChanged, resourceServers };
    },
  };
}

/** That of what was handed on counts those of its parents in, which are not read here. */
const versionOf = ({ handed_on, version }: Pick<Row, 'handed_on' | 'version'>) =>
  handed_on === null ? version : null;

/** What an authorization reached before a change of its choice; nothing for any other change, which leaves that alone. */
function reachBefore({ before }: Row): Reach[] {
  const was: unknown = before === null ? undefined : JSON.parse(before);
  return typeof was === 'object' && was !== null ? [was as Reach] : [];
}
