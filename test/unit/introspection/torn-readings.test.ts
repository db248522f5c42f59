/** A reading in several steps, with a change between two of them. */
import { expect, test } from '@jest/globals';
import { createChangeLedger } from '../../../src/changes/change-ledger.ts';
import { createLiveView, type LiveViewDependencies } from '../../../src/introspection/live-view.ts';
import { noLimits } from '../../../src/policy/limits.ts';
import { movableClock } from '../../support/clock.ts';

const audience = 'http://localhost:4100/api';

/** A view over one token, whose rights are read with a change under way for as many times as given. */
function openView(overtaken: number) {
  const ledger = createChangeLedger();
  const clock = movableClock();
  let readings = 0;
  const deps: unknown = {
    issuer: 'http://localhost',
    ledger,
    clock,
    freshness: {
      prove(done: () => void) {
        if (readings <= overtaken) ledger.note([{ subject: 'authorization', subject_id: 'az_1' }]);
        setImmediate(done);
      },
    },
    tokens: {
      find: async () => ({
        authorizationId: 'az_1',
        clientId: 'acme-web',
        audience,
        issuedAt: clock.now(),
        expiresAt: clock.now() + 60,
      }),
    },
    clients: { find: async () => ({ disabled: false }) },
    resourceServers: {
      guardedBy: async () => ({ audiences: [audience], apiAudiences: [audience], mcpServers: [] }),
    },
    rights: {
      async of() {
        readings += 1;
        return {
          authorization: {
            id: 'az_1',
            kind: 'oauth2',
            version: readings,
            expiresAt: null,
          },
          owner: {
            user: { id: 'usr_1', email: 'a@acme.test' },
            assigned: { organization: [], projects: new Map() },
          },
          world: { catalogue: new Map([['api', {}]]), projects: new Map() },
          granted: { standing: 'active', roles: [], projects: [], mcpServers: [] },
          additions: [],
          limits: noLimits,
          effective: { organization: ['api'], projects: [], mcpServers: [], withheld: [] },
        };
      },
    },
  };
  const view = createLiveView(deps as LiveViewDependencies);
  const caller = { key: 'caller', authenticate: async () => ({ id: 'rs_1', name: 'acme-api' }) as never };
  return {
    async ask() {
      const found = await view.find('question', caller, 'token');
      const { authorization_version: version } = JSON.parse(
        typeof found === 'object' ? found.body : '{}',
      ) as { authorization_version?: number };
      return { version, readings };
    },
  };
}

test('is made again until no change came between', async () => {
  expect(await openView(2).ask()).toEqual({ version: 3, readings: 3 });
});

test('is given after a few times, all of it newer than the question', async () => {
  const { ask } = openView(Number.POSITIVE_INFINITY);
  expect(await ask()).toEqual({ version: 5, readings: 5 });
});
