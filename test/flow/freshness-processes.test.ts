/**
 * The same as `freshness.test.ts` with a server in a process of its own: what another process has committed, and told nobody of, is in its
 * next answer. `FRESHNESS_TRIALS` sets how often each is tried.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { engineName, record } from '../support/fault-figures.ts';
import { lastingChanges, prepareTrials, recalledBy, tryFreshness } from '../support/freshness-trials.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

const times = Number(process.env.FRESHNESS_TRIALS ?? 20);
describe.each(engines)('on %s, one process changes and another one answers', (engine) => {
  let writer: TestMandate;
  let server: ServerProcess;
  let trials: Awaited<ReturnType<typeof prepareTrials>>;

  beforeAll(async () => {
    writer = await startMandate({ engine });
    server = await startServerProcess({ databaseUrl: writer.databaseUrl });
    trials = await prepareTrials(writer);
  }, 90_000);
  afterAll(async () => {
    await server?.stop();
    await writer?.stop();
  });

  test.each(lastingChanges)(
    `IN-05: ${times} times: %s`,
    async (kind) => {
      const trial = trials[kind];
      if (!trial) throw new Error(`no trial for ${kind}`);
      const { store, stores, clock } = writer;
      const before = await recalledBy(server);
      const stale = await tryFreshness(
        [{ store, stores, clock, issuer: server.issuer }],
        [kind, trial],
        times,
      );
      expect((await recalledBy(server)) - before).toBeGreaterThanOrEqual(times);
      record({
        id: kind === 'revoke' ? 'R3' : 'R4',
        scenario: `the next question after: ${kind}`,
        target: '0 stale answers',
        measured: `${stale.length} stale of ${times}`,
        engine: `${engineName(engine)}, two processes`,
      });
      expect(stale).toEqual([]);
    },
    20_000 + times * 1_000,
  );
});
