/** RV-08: everything that one person ever handed out ends at once, and nobody else notices. */
import { expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { engineName, isLongRun, pause, record, tries } from '../support/fault-figures.ts';
import { tokenRow } from '../support/issue-token.ts';
import { describeHolds, type LoopHold, longestRun, watchLoop } from '../support/loop-holds.ts';
import { demo, startMandate } from '../support/mandate.ts';
import { introspect, tokenByCode } from '../support/oauth.ts';

const actor = { id: 'test' };
const tokens = tries(2_000, 100_000);
const each = 100;

test.each(engines)(
  `RV-08: ${tokens} tokens of one person end at once, on %s`,
  async (engine) => {
    const mandate = await startMandate({ engine });
    const { store, stores, clock, issuer } = mandate;
    try {
      const person = { email: 'editor@acme.test', answers: { 'flows:edit': true, atlas: true } };
      const { access_token: others = '' } = await tokenByCode(issuer, person);
      const { id: userId = '' } = (await stores.users.findByEmail('viewer@acme.test')) ?? {};
      const choice = { capabilities: ['api'], projects: [], mcpServers: [], asked: [], expiresAt: null };
      const handedOut: string[] = [];
      for (let made = 0; made < tokens; made += each) {
        await store.transact(async (trx) => {
          const of = {
            kind: 'oauth2',
            userId,
            clientId: demo.web.id,
            resource: demo.api,
            ...choice,
          } as const;
          handedOut.push((await stores.authorizations.insert(trx, actor, of)).id);
        });
        const issued = {
          authorizationId: handedOut.at(-1) ?? '',
          clientId: demo.web.id,
          audience: demo.api,
          issuedAt: clock.now(),
        };
        const rows = Array.from({ length: each }, (_, n) => tokenRow(`many-${made + n}`, issued));
        await store.db.insertInto('oidc_artifacts').values(rows).execute();
      }
      const probes = ['many-0', `many-${tokens - 1}`];
      for (const probe of probes) expect((await introspect(issuer, probe)).active).toBe(true);

      let over = false;
      const wrong: unknown[] = [];
      const asking = (async () => {
        while (!over) {
          const { active } = await introspect(issuer, others);
          if (!active) wrong.push(active);
          await pause(5);
        }
      })();
      const holds: LoopHold[] = [];
      const look = watchLoop((hold) => void holds.push(hold));
      const began = performance.now();
      const ended = await stores.authorizations.revokeAll(actor, { userId });
      const took = performance.now() - began;
      look();
      over = true;
      await asking;
      expect([ended, wrong]).toEqual([handedOut.length, []]);
      for (const probe of probes) expect(await introspect(issuer, probe)).toEqual({ active: false });
      record({
        id: 'R12',
        scenario: `${tokens} tokens of one person, under ${handedOut.length} authorizations, revoked at once beside introspections (RV-08)`,
        target: 'within 2 s, loop not held for more than 100 ms',
        measured: `${(took / 1_000).toFixed(1)} s; ${describeHolds(holds)}`,
        engine: engineName(engine),
      });
      if (isLongRun) {
        expect(longestRun(holds)).toBeLessThan(100);
        expect(took).toBeLessThan(2_000);
      }
    } finally {
      await mandate.stop();
    }
  },
  300_000,
);
