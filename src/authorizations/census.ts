/** How many authorizations there are, and which API keys end soon: figures for whoever operates the server. */
import { type Kysely, sql } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { Authorization } from './authorization.ts';

/** How long ago an authorization was last used; days are whole. */
export const ages = ['1_day', '7_days', '30_days', '90_days', 'longer', 'never'] as const;
export type Age = (typeof ages)[number];

export interface Census {
  readonly kind: Authorization['kind'];
  /** As the list shows it: what is past its end has expired, whatever else it is but revoked. */
  readonly status: 'active' | 'suspended' | 'expired' | 'revoked';
  readonly count: number;
  /** Of these. */
  readonly lastUsed: Readonly<Record<Age, number>>;
}

const kinds = ['oauth2', 'api_key'] as const;
const daySeconds = 86_400;

/**
 * Counts every authorization by kind, status and age of last use.
 * One question a kind: what else waits for the thread of SQLite gets its turn in between.
 */
export async function countAuthorizations(db: Kysely<Database>, now: number): Promise<Census[]> {
  const found: Census[] = [];
  for (const kind of kinds) {
    found.push(...(await countKind(db, kind, now)));
    await new Promise((resume) => setImmediate(resume));
  }
  return found;
}

async function countKind(db: Kysely<Database>, kind: Authorization['kind'], now: number): Promise<Census[]> {
  const usedSince = (days: number) =>
    sql<number>`sum(case when last_used_at >= ${sql.lit(now - days * daySeconds)} then 1 else 0 end)`;
  // authorizations_census on SQLite; PostgreSQL reads the table
  const rows = await db
    .selectFrom('authorizations')
    .select([
      'status',
      sql<number>`case when expires_at <= ${sql.lit(now)} then 1 else 0 end`.as('over'),
      sql<number>`count(*)`.as('n'),
      sql<number>`sum(case when last_used_at is null then 1 else 0 end)`.as('never'),
      usedSince(1).as('day'),
      usedSince(7).as('week'),
      usedSince(30).as('month'),
      usedSince(90).as('quarter'),
    ])
    .where(sql<boolean>`kind || '' = ${kind}`)
    .groupBy(['status', sql`2`])
    .execute();
  const counted = new Map<Census['status'], Census>();
  for (const row of rows) {
    const status = row.status !== 'revoked' && Number(row.over) === 1 ? 'expired' : row.status;
    const [n, never, day, week, month, quarter] = [
      row.n,
      row.never,
      row.day,
      row.week,
      row.month,
      row.quarter,
    ].map(Number) as [number, number, number, number, number, number];
    const lastUsed = {
      '1_day': day,
      '7_days': week - day,
      '30_days': month - week,
      '90_days': quarter - month,
      longer: n - never - quarter,
      never,
    };
    const before = counted.get(status);
    counted.set(status, before ? sum(before, n, lastUsed) : { kind, status, count: n, lastUsed });
  }
  return [...counted.values()];
}

function sum(one: Census, count: number, lastUsed: Census['lastUsed']): Census {
  const added = ages.map((age) => [age, one.lastUsed[age] + lastUsed[age]] as const);
  return { ...one, count: one.count + count, lastUsed: Object.fromEntries(added) as Record<Age, number> };
}

/** An API key that comes to its end. */
export interface EndingKey {
  readonly id: string;
  readonly name: string | null;
  readonly userId: string;
  readonly email: string;
  readonly expiresAt: number;
}

/** Lists the keys that work now and end before an instant, the next one to end first. */
export async function endingKeys(
  db: Kysely<Database>,
  { now, before, limit }: { now: number; before: number; limit: number },
): Promise<EndingKey[]> {
  // authorizations_keys_by_end, which a bound parameter would not match; users by primary key
  const rows = await db
    .selectFrom('authorizations as a')
    .innerJoin('users as u', 'u.id', 'a.user_id')
    .select(['a.id', 'a.name', 'a.user_id', 'u.email', 'a.expires_at'])
    .where(sql<boolean>`a.kind = 'api_key' and a.expires_at is not null`)
    .where('a.expires_at', '>', now)
    .where('a.expires_at', '<=', before)
    .where('a.status', '<>', 'revoked')
    .orderBy('a.expires_at')
    .limit(limit)
    .execute();
  return rows.map(({ id, name, user_id: userId, email, expires_at: expiresAt }) => ({
    id,
    name,
    userId,
    email,
    expiresAt: expiresAt ?? 0,
  }));
}
