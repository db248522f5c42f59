import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { countAuthorizations } from '../../src/authorizations/census.ts';
import { searchAuthorizations } from '../../src/authorizations/everyones.ts';
import { countStanding, listStanding } from '../../src/authorizations/standing.ts';
import { searchChanges } from '../../src/changes/change-search.ts';
import { parseOrganization } from '../../src/organization/organization-file.ts';
import { shippedFiles } from '../../src/shipped-files.ts';
import { engines } from '../support/databases.ts';
import { seedLargeOrganization } from '../support/large-organization.ts';
import { actor, openStores, type Stores } from './open-stores.ts';

const size = {
  users: 300,
  projects: 60,
  mcpServers: 15,
  clients: 20,
  authorizations: 3_000,
  ofOne: 600,
  tokensEach: 2,
  changes: 3_000,
};

describe.each(engines)('a large organization on %s', (engine) => {
  let stores: Stores;
  let many: string;
  beforeAll(async () => {
    stores = await openStores(engine);
    const planned = await stores.imports.plan(parseOrganization(readFileSync(shippedFiles().demo, 'utf8')));
    if (planned.outcome === 'refused') throw new Error(planned.problem);
    await stores.imports.apply({ id: 'system' }, planned.plan);
    many = (await seedLargeOrganization(stores.store, size, stores.clock.now())).manyOwner.id;
  }, 60_000);
  afterAll(() => stores.close());

  const page = { kinds: ['oauth2', 'api_key'] as const, own: 'usr_nobody', limit: 21 };

  if (engine === 'sqlite') {
    test('no list sorts or walks through whole tables', async () => {
      const { db } = stores.store;
      const list = stores.authorizationList;
      const asked: Record<string, () => Promise<unknown>> = {
        everything: () => searchAuthorizations(db, page),
        'grants alone': () => searchAuthorizations(db, { ...page, kinds: ['oauth2'] }),
        'one kind': () => searchAuthorizations(db, { ...page, kind: 'api_key' }),
        'of one user': () => searchAuthorizations(db, { ...page, userId: many }),
        'own grants': () => list.grants(many, { limit: 21, before: 'az_1' }),
        'own keys': () => list.keys({ kind: 'own', userId: many }, { limit: 21 }),
        "everybody's keys": () => list.keys({ kind: 'everyone' }, { limit: 21 }),
        standing: () => listStanding(db, many, { kind: 'api_key', now: 1, limit: 21 }),
        'count of what stands': () => countStanding(db, many, 1),
        changes: () => searchChanges(stores.store, { limit: 21 }),
        'changes of one thing': () =>
          searchChanges(stores.store, { subjectId: many, subject: 'user', limit: 21 }),
        'changes of one sort': () =>
          searchChanges(stores.store, { subject: 'user', action: 'removed', limit: 21 }),
        history: () => stores.history.of('user', many, 5),
      };
      for (const [name, ask] of Object.entries(asked)) {
        const plans = await plansOf(stores, ask);
        // What was asked before would not be prepared again: this test comes first.
        expect(plans).not.toEqual([]);
        for (const plan of plans) {
          expect(`${name}: ${plan}`).not.toMatch(/TEMP B-TREE|SCAN (users|u|authorizations|a|changes)$/m);
        }
      }
      const [census] = await plansOf(stores, () => countAuthorizations(db, 1));
      expect(census).toContain('COVERING INDEX authorizations_census');
    });
  }

  test('pages of everything, of one owner and of one kind have no gap and nothing twice', async () => {
    const { db } = stores.store;
    for (const narrowed of [{}, { userId: many }, { kind: 'api_key' as const }, { search: 'acme' }]) {
      const ids: string[] = [];
      for (;;) {
        const after = ids.at(-1);
        const rows = await searchAuthorizations(db, {
          ...page,
          ...narrowed,
          limit: 500,
          ...(after !== undefined && { after }),
        });
        ids.push(...rows.map(({ id }) => id));
        if (rows.length < 500) break;
      }
      expect(ids).toEqual([...new Set(ids)].sort().reverse());
      const expected = { userId: 600, kind: 1_000 }[Object.keys(narrowed)[0] ?? ''] ?? size.authorizations;
      // Among so many owners somebody else draws the last one too.
      expect(ids.length).toBeGreaterThanOrEqual(expected);
    }
  });

  test('what stands of one person is counted, and listed a part at a time', async () => {
    const { db } = stores.store;
    const now = stores.clock.now();
    const total = await countStanding(db, many, now);
    const listed = async (kind: 'oauth2' | 'api_key') =>
      await listStanding(db, many, { kind, now, limit: 10_000 });
    const [grants, keys] = [await listed('oauth2'), await listed('api_key')];
    expect(grants.length + keys.length).toBe(total);
    expect((await listStanding(db, many, { kind: 'oauth2', now, limit: 7 })).map(({ id }) => id)).toEqual(
      grants.slice(0, 7).map(({ id }) => id),
    );
  });

  test('audit filters by time and kind find what a walk through everything finds', async () => {
    const everything = await searchChanges(stores.store, { limit: 10_000 });
    const middle = everything[1_500]?.at ?? 0;
    const wanted = { subject: 'user', action: 'role_assigned', since: middle, until: middle + 40 * 86_400 };
    const found = await searchChanges(stores.store, { ...wanted, limit: 10_000 });
    expect(found).toEqual(
      everything.filter(
        ({ subject, action, at }) =>
          subject === wanted.subject && action === wanted.action && at >= wanted.since && at < wanted.until,
      ),
    );
    expect(found.length).toBeGreaterThan(5);
    expect(await searchChanges(stores.store, { since: 1, until: 1_000, limit: 5 })).toEqual([]);
  });

  test('revoking everything of one person ends it in steps, and leaves that of others', async () => {
    const { db } = stores.store;
    const standing = async () => await countStanding(db, many, stores.clock.now());
    const before = await standing();
    expect(before).toBeGreaterThanOrEqual(size.ofOne);
    const others = async () =>
      (
        await db
          .selectFrom('authorizations')
          .select('id')
          .where('user_id', '<>', many)
          .where('status', '=', 'active')
          .execute()
      ).length;
    const left = await others();
    expect(await stores.authorizations.revokeAll(actor, { userId: many })).toBeGreaterThanOrEqual(before);
    expect(await standing()).toBe(0);
    expect(await others()).toBe(left);
  });
});

/** What SQLite says of how it goes about each statement that a question takes. Walking back over a primary key is no scan of it all. */
async function plansOf({ store }: Stores, ask: () => Promise<unknown>): Promise<string[]> {
  const { sqlite } = store;
  if (!sqlite) throw new Error('not on SQLite');
  const { reader } = sqlite;
  const asked: string[] = [];
  const prepare = reader.prepare.bind(reader);
  // Each plan is asked for once more with what the statement says: the dialect keeps what it has prepared.
  reader.prepare = ((sql: string) => {
    asked.push(sql);
    return prepare(sql);
  }) as typeof reader.prepare;
  try {
    await ask();
  } finally {
    reader.prepare = prepare;
  }
  return asked.map((sql) => {
    const holes = sql.match(/\?/g)?.length ?? 0;
    const rows = prepare(`explain query plan ${sql}`).all(...Array.from({ length: holes }, () => 1)) as {
      detail: string;
    }[];
    return rows
      .map(({ detail }) => detail)
      .filter(
        (detail) =>
          !(detail === 'SCAN changes' && / order by "seq" desc limit /.test(sql) && !/ where /.test(sql)),
      )
      .join('\n');
  });
}
