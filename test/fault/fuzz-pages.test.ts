/** R17: bent requests to every page and every form that an administrator finds, with the page's own token for the most part. */
import { expect, test } from '@jest/globals';
import { signIn } from '../support/account.ts';
import { sendBent } from '../support/bent-requests.ts';
import { engines, freshDatabaseUrl } from '../support/databases.ts';
import { engineName, isLongRun, record, sized, tries } from '../support/fault-figures.ts';
import { describeHolds, longestRun, watchedLoop } from '../support/loop-holds.ts';
import { pageRequests } from '../support/page-requests.ts';
import { seeded } from '../support/request-mutations.ts';
import { startServerProcess } from '../support/server-process.ts';

const perForm = Number(process.env.FUZZ_REQUESTS ?? tries(4, 100_000));
const seed = Number(process.env.FUZZ_SEED ?? 1);

test.each(engines)(
  `${perForm} bent requests to each page and form, on %s`,
  async (engine) => {
    const database = await freshDatabaseUrl(engine);
    const loop = watchedLoop();
    const node = await startServerProcess({
      databaseUrl: database.url,
      environment: { TRUSTED_PROXY_HOPS: '1', ...loop.environment },
    });
    try {
      const owner = await signIn(node.issuer, 'owner@acme.test');
      const from = [
        '/account/authorizations',
        '/account/api-keys/new',
        '/account/security',
        '/admin',
        '/device',
      ];
      const requests = await pageRequests(owner, node.issuer, from);
      loop.forget();
      const { done, busy, wrong, unhandled, statuses } = await sendBent(
        node,
        requests,
        perForm,
        seeded(seed),
      );
      const holds = loop.holds();
      const forms = requests.filter(({ method }) => method === 'POST').length;
      record({
        id: 'R17',
        scenario: 'bent requests to every page and form of an administrator, eight at once',
        target: '0 5xx, 0 unanswered, 0 unhandled rejections, loop not held for 200 ms',
        measured: `${done} requests to ${requests.length - forms} pages and ${forms} forms, seed ${seed}: ${wrong.length} wrong, ${unhandled} unhandled, ${busy} asked again after 503; ${describeHolds(holds)}`,
        engine: engineName(engine),
      });
      expect(wrong.slice(0, 40)).toEqual([]);
      expect(unhandled).toBe(0);
      expect(forms).toBeGreaterThan(20);
      expect(statuses.get(200)).toBeGreaterThan(done / 10);
      if (isLongRun) expect(longestRun(holds)).toBeLessThan(200);
    } finally {
      await node.kill();
      loop.remove();
      await database.drop();
    }
  },
  sized(90_000, 7_200_000),
);
