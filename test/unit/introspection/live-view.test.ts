/**
 * What a node remembers against a plain reading, under changes by two nodes: the same answer at every quiet moment, and while one
 * change is under way, the answer from before it or from after it, never a mixture.
 * `LIVE_VIEW_STEPS` sets how many steps each engine takes, `LIVE_VIEW_SEED` which.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { movableClock } from '../../support/clock.ts';
import { engines, freshDatabaseUrl } from '../../support/databases.ts';
import { loadDemo, type Node, openNode } from './nodes.ts';
import { openField, type Question, seededRandom } from './random-changes.ts';

const { LIVE_VIEW_STEPS, LIVE_VIEW_SEED } = process.env;
const stepsOn = { sqlite: Number(LIVE_VIEW_STEPS ?? 20_000), postgres: Number(LIVE_VIEW_STEPS ?? 2_000) };
const seed = Number(LIVE_VIEW_SEED ?? Math.floor(Math.random() * 2 ** 31));

describe.each(engines)('two nodes on %s', (engine) => {
  test(`answer as a plain reading does, seed ${seed}`, async () => {
    const random = seededRandom(seed);
    const fresh = await freshDatabaseUrl(engine);
    const clock = movableClock();
    // One remembers everything, the other hardly anything.
    const nodes = [await openNode(fresh.url, clock), await openNode(fresh.url, clock, 60_000)] as const;
    try {
      await loadDemo(nodes[0]);
      const field = await openField(nodes[0], clock, random);
      const node = (): Node => field.pick(nodes);
      const differences: unknown[] = [];
      let active = 0;
      let last = 'nothing';
      const compare = async (at: Node, { caller, token }: Question) => {
        const live = await at.live(caller, token);
        const plain = await nodes[0].plain(caller, token);
        if (plain.includes('"active":true')) active += 1;
        if (live !== plain) differences.push({ last, live, plain });
      };
      const someTurns = async () => {
        for (let turns = Math.floor(random() * 5); turns > 0; turns--) await turn();
      };
      const steps = stepsOn[engine];
      for (let step = 0; step < steps; step++) {
        const { caller, token } = field.ask();
        const kind = random();
        if (kind < 0.65) {
          await compare(node(), { caller, token });
        } else if (kind < 0.75) {
          last = await field.change(node());
        } else if (kind < 0.85) {
          // Readings that changes and later proofs overtake: whatever they leave in memory is compared afterwards.
          const at = node();
          const questions = Array.from({ length: 3 }, () => field.ask());
          const asked = Array.from({ length: 9 }, async () => {
            await someTurns();
            const { caller, token } = field.pick(questions);
            await at.live(caller, token);
          });
          await someTurns();
          last = await field.change(node());
          await Promise.all(asked);
          for (const { caller, token } of questions) await compare(at, { caller, token });
        } else {
          const before = await nodes[0].plain(caller, token);
          const now = clock.now();
          const changed = field.change(node());
          const during = await node().live(caller, token);
          last = await changed;
          const after = await nodes[0].plain(caller, token);
          // Time that was moved is no transaction: it may be seen by half.
          if (clock.now() === now && during !== before && during !== after) {
            differences.push({ last, before, during, after });
          }
        }
        if (differences.length > 3) break;
      }
      expect(differences).toEqual([]);
      // The comparison would mean little if everything were inactive.
      expect(active).toBeGreaterThan(steps / 20);
    } finally {
      await Promise.all(nodes.map((one) => one.close()));
      await fresh.drop();
    }
  }, 2_400_000);
});
