/** AD-06: what changes is on record, or it does not change. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createChangeLog } from '../../src/changes/change-log.ts';
import { createProjectStore } from '../../src/directory/project-store.ts';
import { engines } from '../support/databases.ts';
import { actor, openStores, type Stores } from './open-stores.ts';

describe.each(engines)('AD-06: the log of changes, on %s', (engine) => {
  let stores: Stores;
  beforeAll(async () => {
    stores = await openStores(engine);
  });
  afterAll(() => stores.close());

  const counter = async () =>
    (await stores.store.db.selectFrom('change_counter').select('n').executeTakeFirstOrThrow()).n;

  test('a change that cannot be recorded is not made, and takes no number', async () => {
    const failing = createChangeLog({
      clock: stores.clock,
      told: async () => {
        throw new Error('the record could not be written');
      },
    });
    const projects = createProjectStore({ ...stores, changes: failing });
    const before = await counter();
    await expect(projects.create(actor, { slug: 'unrecorded', name: 'x' })).rejects.toThrow(
      'could not be written',
    );
    expect(await stores.projects.findBySlug('unrecorded')).toBeUndefined();
    expect(await counter()).toBe(before);
  });

  test('a name with line breaks is one line on record', async () => {
    const made = await stores.projects.create(actor, { slug: 'lines', name: 'a\r\n{"seq":1}\nb' });
    if (made.outcome !== 'created') throw new Error(made.outcome);
    const rows = await stores.store.db
      .selectFrom('changes')
      .select(['after'])
      .where('subject_id', '=', made.project.id)
      .execute();
    expect(rows).toHaveLength(1);
    expect(rows[0]?.after).not.toMatch(/[\r\n]/);
  });

  test('numbers are given in the order of commits, without a gap', async () => {
    const before = await counter();
    await Promise.all(
      Array.from({ length: 20 }, (_, at) => stores.projects.create(actor, { slug: `p-${at}`, name: 'p' })),
    );
    const rows = await stores.store.db
      .selectFrom('changes')
      .select('seq')
      .where('seq', '>', before)
      .orderBy('seq')
      .execute();
    expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: 20 }, (_, at) => before + 1 + at));
  });
});
