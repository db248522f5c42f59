/**
 * What was ended in the database that a backup replaces is ended in the backup too. Only ends are taken over: if the replaced database
 * was tampered with, nobody gains anything by it.
 */
import type { Store } from '../db/open.ts';

/** How many of each were ended. */
export interface EndsCarried {
  readonly users: number;
  readonly authorizations: number;
  readonly clients: number;
  readonly resourceServers: number;
  readonly apiKeySecrets: number;
}

/** Whether the replaced database went through the backup's last change: what is missing from another one was not ended there. */
const sameHistory = `select 1 from changes m join replaced.changes r
    on r.seq = m.seq and r.at = m.at and r.subject_id = m.subject_id and r.action = m.action
    where m.seq = (select max(seq) from changes)`;

/** In each, `main` is the backup and `replaced` the database that it replaces. */
const ends = {
  users: `update users set status = 'suspended', version = version + 1 where status = 'active'
    and coalesce((select r.status from replaced.users r where r.id = users.id), 'gone') <> 'active'`,
  authorizations: `update authorizations set status = 'revoked', version = version + 1,
    revoked_at = coalesce((select r.revoked_at from replaced.authorizations r where r.id = authorizations.id), updated_at)
    where status <> 'revoked'
    and coalesce((select r.status from replaced.authorizations r where r.id = authorizations.id), 'revoked') = 'revoked'`,
  clients: `update clients set disabled = 1, version = version + 1 where disabled = 0
    and coalesce((select r.disabled from replaced.clients r where r.id = clients.id), 1) = 1`,
  resourceServers: `update resource_servers set disabled = 1, version = version + 1 where disabled = 0
    and coalesce((select r.disabled from replaced.resource_servers r where r.id = resource_servers.id), 1) = 1`,
  apiKeySecrets: `update api_key_secrets set end_reason = coalesce(end_reason, 'revoked'),
    revoked_at = coalesce((select r.revoked_at from replaced.api_key_secrets r where r.id = api_key_secrets.id), created_at)
    where revoked_at is null
    and not exists (select 1 from replaced.api_key_secrets r where r.id = api_key_secrets.id and r.revoked_at is null)`,
} as const;

/**
 * Takes over the ends of an SQLite database.
 * @param path the database that is replaced; closed, or it could not be
 * @returns undefined when it cannot be read, is of another version, or has another history
 */
export function carryEnds({ sqlite }: Store, path: string): EndsCarried | undefined {
  if (!sqlite) return undefined;
  const { writer } = sqlite;
  try {
    writer.prepare('attach database ? as replaced').run(path);
  } catch {
    return undefined;
  }
  try {
    const continues = writer.prepare(sameHistory);
    return writer.transaction(() => {
      if (!continues.get()) return undefined;
      const run = (name: keyof typeof ends) => writer.prepare(ends[name]).run().changes;
      return {
        users: run('users'),
        authorizations: run('authorizations'),
        clients: run('clients'),
        resourceServers: run('resourceServers'),
        apiKeySecrets: run('apiKeySecrets'),
      };
    })();
  } catch {
    return undefined;
  } finally {
    writer.prepare('detach database replaced').run();
  }
}
