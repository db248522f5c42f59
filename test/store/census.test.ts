import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { countAuthorizations, endingKeys } from '../../src/authorizations/census.ts';
import { engines } from '../support/databases.ts';
import { makeUser, openStores, type Stores } from './open-stores.ts';

const rows = 100_000;
const day = 86_400;

describe.each(engines)('with 100,000 authorizations on %s', (engine) => {
  let stores: Stores;
  let now: number;

  beforeAll(async () => {
    stores = await openStores(engine);
    now = stores.clock.now();
    const owner = await makeUser(stores, 'owner@acme.test');
    const filler = JSON.stringify([{ id: 'prj_'.padEnd(30, 'x'), roles: ['rol_'.padEnd(30, 'y')] }]);
    // Every third is a key; the status goes by tens, the end and the last use by hundreds.
    // In parts: no statement on PostgreSQL may take longer than a request may.
    for (let first = 0; first < rows; first += rows / 50) {
      await sql`
      insert into authorizations (id, kind, user_id, name, status, follows_owner, capabilities, roles, projects, mcp_servers,
        asked, version, expires_at, created_by, created_at, updated_at, last_used_at)
      with recursive numbers (i) as (select cast(${sql.lit(first)} as integer) union all select i + 1 from numbers where i + 1 < ${sql.lit(first + rows / 50)})
      select 'az_' || i, case when i % 3 = 0 then 'api_key' else 'oauth2' end, ${owner}, 'key ' || i,
        case when i % 10 < 7 then 'active' when i % 10 < 9 then 'suspended' else 'revoked' end, 0, '["api"]', '[]',
        ${filler}, '[]', '[]', 1,
        case when i % 100 < 20 then ${sql.lit(now)} - 1 when i % 100 < 21 then ${sql.lit(now + day)} + i else null end,
        'test', 0, 0,
        case when i % 1000 < 100 then null else ${sql.lit(now)} - (i % 1000) * ${sql.lit(day / 10)} end
      from numbers`.execute(stores.store.db);
    }
    if (engine === 'postgres') await sql`analyze authorizations`.execute(stores.store.db);
  }, 60_000);
  afterAll(() => stores.close());

  test('each is counted once, under what it is now and when it was last used', async () => {
    const census = await countAuthorizations(stores.store.db, now);
    expect(census.reduce((all, { count }) => all + count, 0)).toBe(rows);
    const of = (status: string) =>
      census.filter((one) => one.status === status).reduce((all, { count }) => all + count, 0);
    // Of each hundred, twenty are past their end, two of which are revoked.
    expect([of('active'), of('suspended'), of('expired'), of('revoked')]).toEqual([
      56_000, 16_000, 18_000, 10_000,
    ]);
    for (const { count, lastUsed } of census) {
      expect(Object.values(lastUsed).reduce((all, n) => all + n, 0)).toBe(count);
    }
    const aged = (age: '1_day' | '30_days' | '90_days' | 'longer' | 'never') =>
      census.reduce((all, { lastUsed }) => all + lastUsed[age], 0);
    // From 10 to 99.9 days ago, in steps of a tenth.
    expect([aged('1_day'), aged('30_days'), aged('90_days'), aged('longer'), aged('never')]).toEqual([
      0, 20_100, 60_000, 9_900, 10_000,
    ]);
  });

  test('the keys that end soon are listed, the next one first', async () => {
    const keys = await endingKeys(stores.store.db, { now, before: now + 14 * day, limit: 5 });
    expect(keys.map(({ id }) => id)).toEqual(['az_120', 'az_420', 'az_720', 'az_1020', 'az_1320']);
    expect(keys[0]).toMatchObject({
      name: 'key 120',
      email: 'owner@acme.test',
      expiresAt: now + day + 120,
    });
  });
});
