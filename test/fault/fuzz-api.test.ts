/** R17: bent requests to every operation of the administration API, made from its own description. */
import { expect, test } from '@jest/globals';
import { signInToApi } from '../support/administrator.ts';
import { sendBent } from '../support/bent-requests.ts';
import { engines, freshDatabaseUrl } from '../support/databases.ts';
import { describedRequests } from '../support/described-requests.ts';
import { engineName, isLongRun, record, sized, tries } from '../support/fault-figures.ts';
import { describeHolds, longestRun, watchedLoop } from '../support/loop-holds.ts';
import { seeded } from '../support/request-mutations.ts';
import { startServerProcess } from '../support/server-process.ts';

const perOperation = Number(process.env.FUZZ_REQUESTS ?? tries(8, 100_000));
const seed = Number(process.env.FUZZ_SEED ?? 1);

test.each(engines)(
  `${perOperation} bent requests to each operation, on %s`,
  async (engine) => {
    const database = await freshDatabaseUrl(engine);
    const loop = watchedLoop();
    const node = await startServerProcess({
      databaseUrl: database.url,
      environment: { TRUSTED_PROXY_HOPS: '1', ...loop.environment },
    });
    try {
      const owner = await signInToApi(node.issuer, 'owner@acme.test');
      const requests = await describedRequests(owner, {
        cookie: owner.cookie,
        'x-csrf-token': owner.csrf,
        origin: node.issuer,
        'sec-fetch-site': 'same-origin',
      });
      loop.forget();
      const { done, busy, wrong, unhandled, statuses } = await sendBent(
        node,
        requests,
        perOperation,
        seeded(seed),
      );
      const holds = loop.holds();
      const share = (kind: number) =>
        [...statuses].reduce((sum, [status, n]) => sum + (Math.floor(status / 100) === kind ? n : 0), 0);
      record({
        id: 'R17',
        scenario: 'bent requests to every operation of the administration API, eight at once',
        target: '0 5xx, 0 unanswered, 0 unhandled rejections, loop not held for 200 ms',
        measured: `${done} requests to ${requests.length} operations, seed ${seed}: ${wrong.length} wrong, ${unhandled} unhandled, ${busy} asked again after 503, ${share(2)} × 2xx, ${share(4)} × 4xx; ${describeHolds(holds)}`,
        engine: engineName(engine),
      });
      expect(wrong.slice(0, 40)).toEqual([]);
      expect(unhandled).toBe(0);
      // It would mean little if it were refused at the door.
      expect(share(2)).toBeGreaterThan(done / 20);
      if (isLongRun) expect(longestRun(holds)).toBeLessThan(200);
    } finally {
      await node.kill();
      loop.remove();
      await database.drop();
    }
  },
  sized(90_000, 7_200_000),
);
