/** R12: everything that a node remembers stops holding at once, while everybody asks. Nobody is told what was, and nobody waits long. */
import { Agent } from 'node:http';
import { expect, test } from '@jest/globals';
import type { Store } from '../../db/open.ts';
import { engines } from '../support/databases.ts';
import { engineName, quantile, record, sized, tries } from '../support/fault-figures.ts';
import { tokenRow } from '../support/issue-token.ts';
import { demo, startMandate } from '../support/mandate.ts';
import { introspect, tokenByCode } from '../support/oauth.ts';
import { basic } from '../support/race.ts';
import { sendTo } from '../support/raw-request.ts';
import { startStopwatch } from '../support/thread-time.ts';
import { watchStatements } from '../support/watched-statements.ts';

const tokens = tries(300, 10_000);
const atOnce = 50;
const changes = sized(3, 10);
/** The long run measures; the short one, beside other tests, leaves out what it waits for a processor. */
const startTimer = sized(startStopwatch, () => {
  const start = performance.now();
  return () => performance.now() - start;
});

test.each(engines)(
  `one person with ${tokens} tokens changes rights ${changes} times, on %s`,
  async (engine) => {
    const mandate = await startMandate({ engine });
    const { store, stores, clock, issuer } = mandate;
    const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
    try {
      const person = { email: 'editor@acme.test', answers: { 'flows:edit': true, atlas: true } };
      const { access_token: token = '' } = await tokenByCode(issuer, person);
      const id = String((await introspect(issuer, token)).authorization_id);
      const values = Array.from({ length: tokens }, (_, index) => `herd-${index}`);
      for (let at = 0; at < tokens; at += 500) {
        const rows = values.slice(at, at + 500).map((value) =>
          tokenRow(value, {
            authorizationId: id,
            clientId: demo.web.id,
            audience: demo.api,
            issuedAt: clock.now(),
          }),
        );
        await store.db.insertInto('oidc_artifacts').values(rows).execute();
      }
      const { host, port } = new URL(issuer);
      const times: number[] = [];
      let stale = 0;
      const loads = countLoads(store);
      let mostLoads = 0;
      /** Asks about every token, as many at once as there are connections. */
      const askAll = async (active: boolean) => {
        const before = loads();
        let next = 0;
        const one = async () => {
          while (next < tokens) {
            const value = values[next++] ?? '';
            const taken = startTimer();
            const { text } = await sendTo(port, '/introspect', {
              agent,
              headers: { host, ...basic(demo.apiServer) },
              body: new URLSearchParams({ token: value }),
            });
            times.push(taken());
            if (text.includes('"active":true') !== active) stale += 1;
          }
        };
        await Promise.all(Array.from({ length: atOnce }, one));
        mostLoads = Math.max(mostLoads, loads() - before);
      };
      await askAll(true);
      times.length = 0;
      mostLoads = 0;
      const operator = { id: 'test' };
      for (let change = 0; change < changes; change++) {
        await stores.authorizations.suspend(operator, id);
        await askAll(false);
        await stores.authorizations.resume(operator, id);
        await askAll(true);
      }
      const asked = times.length;
      record({
        id: 'R12',
        scenario: `${tokens} tokens of one person asked about ${atOnce} at once, after each of ${changes * 2} changes that end everything remembered`,
        target: '0 stale, at most 2 loads of the rights a change, 99 % under 150 ms',
        measured: `${stale} stale of ${asked};${engine === 'postgres' ? ` ${mostLoads} load of the rights a change at most;` : ''} ${quantile(times, 0.5).toFixed(1)} ms (50 %), ${quantile(times, 0.99).toFixed(1)} ms (99 %)`,
        engine: engineName(engine),
      });
      expect(stale).toBe(0);
      expect(mostLoads).toBeLessThanOrEqual(2);
      // It is counted there alone.
      if (engine === 'postgres') expect(mostLoads).toBeGreaterThan(0);
      expect(quantile(times, 0.99)).toBeLessThan(sized(1_500, 150));
    } finally {
      agent.destroy();
      await mandate.stop();
    }
  },
  sized(60_000, 600_000),
);

/** Counts how often the authorization was read, on PostgreSQL. @returns how often so far */
function countLoads({ pool }: Store): () => number {
  let loads = 0;
  if (!pool) return () => loads;
  watchStatements(pool, (text) => {
    if (/^select \* from "authorizations" where "id" =/.test(text)) loads += 1;
  });
  return () => loads;
}
