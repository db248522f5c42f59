/**
 * R16: random changes, codes, refreshes and questions, compared with a reference that fits on a page. Changes are made through another
 * node's stores; tools and resource servers ask a server that is killed now and then, also under a request. A run that fails is shrunk
 * to the shortest one that does, as far as there is time.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { engines } from '../support/databases.ts';
import { engineName, record, sized, tries } from '../support/fault-figures.ts';
import { compare, modelCommands, opening } from '../support/model-commands.ts';
import { emptyModel, leavesOf, type Model } from '../support/model-reference.ts';
import { openWorld, type World } from '../support/model-world.ts';

const runs = tries(3, 1_000);
const commandsEach = 100;
/** After this no run is begun, on however slow a machine; the figures say what was done. */
const enoughMilliseconds = sized(30_000, 3_000_000);

describe.each(engines)('on %s', (engine) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(engine, { most: sized(1, 100), every: 100 });
  }, 90_000);
  afterAll(() => world?.close());

  /** After a run: every token once more, and of each family the one refresh token that was not used. */
  const compareAll = async (model: Model) => {
    for (const token of model.tokens) await compare('in the end', model, world, [token]);
    if (model.handed.length === 0) return;
    const leaves = leavesOf(model);
    expect(new Set(leaves.map(({ family }) => family)).size).toBe(leaves.length);
    expect(await world.leaves(model.handed.map(({ id }) => id))).toEqual(
      leaves.map(({ value }) => world.keyOf(value)).sort(),
    );
  };

  test(
    `answers as the reference does, in ${runs} runs of up to ${commandsEach} changes`,
    async () => {
      const { count } = world;
      const begun = performance.now();
      const run = fc.asyncProperty(
        // As long as may be: what is worth finding takes many steps.
        fc.noBias(fc.commands(modelCommands(world), { maxCommands: commandsEach, size: 'max' })),
        async (plan) => {
          if (!world.isUp() || performance.now() - begun > enoughMilliseconds) return;
          await world.reset();
          const model = emptyModel();
          await fc.asyncModelRun(() => ({ model, real: world }), [...opening, ...plan]);
          await compareAll(model);
        },
      );
      await fc.assert(run, { numRuns: runs });
      record({
        id: 'R16',
        scenario:
          'random changes through one node; redemptions, refreshes and questions to another that is killed now and then, also under a request; compared with a reference',
        target: '0 answers that differ, one live leaf a family',
        measured: `0 of ${count.answers} answers differ, over ${count.changes} changes, ${count.redeemed} redemptions, ${count.refreshed} refreshes, ${count.replayed} replays and ${count.crashes} crashes (${count.lost} answers lost)`,
        engine: `${engineName(engine)}, two nodes`,
      });
      expect(count.answers).toBeGreaterThan(runs);
    },
    sized(120_000, 3_600_000),
  );
});
