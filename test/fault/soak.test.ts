/** R14: weeks in minutes, by a clock that is moved. What has expired goes in small steps, and neither tables nor memory grow. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { engineName, isLongRun, record, sized, tries } from '../support/fault-figures.ts';
import { tokenRow } from '../support/issue-token.ts';
import { describeHolds, type LoopHold, longestRun, watchLoop } from '../support/loop-holds.ts';
import { demo, startMandate } from '../support/mandate.ts';
import { introspect, tokenByCode } from '../support/oauth.ts';

const days = sized(2, 30);
const anHour = tries(100, 1_400);

// What is free to be collected is no growth, and when it is collected is chance.
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

test.each(engines)(
  `${days} days of ${anHour} tokens an hour, on %s`,
  async (engine) => {
    const mandate = await startMandate({ engine });
    const { store, clock, app, issuer } = mandate;
    try {
      const person = { email: 'editor@acme.test', answers: { 'flows:edit': true, atlas: true } };
      const { access_token: token = '' } = await tokenByCode(issuer, person);
      const authorizationId = String((await introspect(issuer, token)).authorization_id);
      const rows = async (where: 'all' | 'expired') => {
        let query = store.db.selectFrom('oidc_artifacts').select(({ fn }) => fn.countAll<number>().as('n'));
        if (where === 'expired') query = query.where('expires_at', '<', clock.now() - 120);
        return Number((await query.executeTakeFirstOrThrow()).n);
      };
      let made = 0;
      let share = 0;
      let most = 0;
      const memory: number[] = [];
      const holds: LoopHold[] = [];
      for (let hour = 0; hour < days * 24; hour++) {
        const issued = Array.from({ length: anHour }, () => {
          made += 1;
          return tokenRow(`soaked-${made}`, {
            authorizationId,
            clientId: demo.web.id,
            audience: demo.api,
            issuedAt: clock.now(),
          });
        });
        for (let at = 0; at < issued.length; at += 500) {
          await store.db
            .insertInto('oidc_artifacts')
            .values(issued.slice(at, at + 500))
            .execute();
        }
        clock.advance(3_600);
        // A server looks every minute; here, once an hour, there is an hour's worth at once.
        const look = watchLoop((hold) => void holds.push(hold));
        await app.garbage.collect();
        look();
        const all = await rows('all');
        share = Math.max(share, (await rows('expired')) / Math.max(1, all));
        most = Math.max(most, all);
        if (hour % 12 === 11) {
          collectGarbage();
          memory.push(process.memoryUsage().rss / 2 ** 20);
        }
      }
      const growth = (memory.at(-1) ?? 0) - (memory[Math.floor(memory.length / 3)] ?? 0);
      record({
        id: 'R14',
        scenario: `${days} days by an accelerated clock, ${made} tokens issued and expired`,
        target:
          'expired rows at most 10 % of the table, loop not held for more than 50 ms, memory grows by less than 50 MB',
        measured: `expired ${(share * 100).toFixed(1)} %, ${most} rows at most; while collecting, ${describeHolds(holds)}; memory ${growth >= 0 ? '+' : ''}${growth.toFixed(0)} MB`,
        engine: engineName(engine),
      });
      expect(share).toBeLessThanOrEqual(0.1);
      expect(most).toBeLessThan(anHour * 4 + 200);
      expect(growth).toBeLessThan(50);
      if (isLongRun) expect(longestRun(holds)).toBeLessThan(50);
    } finally {
      await mandate.stop();
    }
  },
  sized(60_000, 900_000),
);
