/** A reading in several steps, with a change between two of them. */
import { expect, test } from '@jest/globals';
import { createChangeLedger } from '../../../src/changes/change-ledger.ts';
import { createLiveView, type LiveViewDependencies } from '../../../src/introspection/live-view.ts';
import { noLimits } from '../../../src/policy/limits.ts';
import { movableClock } from '../../support/clock.ts';

const audience = 'http://localhost:4100/api';

/** A view over one token, whose rights are read with a change under way for as many times as given. @param token waited for */
function openView(overtaken: number, token: () => Promise<void> = async () => {}) {
  const ledger = createChangeLedger();
  const disabled = new Set<string>();
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
      async find() {
        await token();
        const [issuedAt, expiresAt] = [clock.now(), clock.now() + 60];
        return { authorizationId: 'az_1', clientId: 'acme-web', audience, issuedAt, expiresAt };
      },
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
  return {
    /** Makes known that something changed. */
    change: (subject: string, subject_id: string) => ledger.note([{ subject, subject_id }]),
    disable: (id: string) => disabled.add(id),
    async ask(id = 'rs_1', token = 'token') {
      const authenticate = async () => (disabled.has(id) ? undefined : ({ id, name: id } as never));
      const found = await view.find(`question of ${id}`, { key: id, authenticate }, token);
      if (found === undefined) return 'refused';
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

test('a token that is waited for is not answered about from a caller before one change and rights after the next', async () => {
  let arrived = Promise.resolve();
  const { ask, change, disable } = openView(Number.NEGATIVE_INFINITY, () => arrived);
  expect(await ask()).toEqual({ version: 1, readings: 1 });
  const late = Promise.withResolvers<void>();
  arrived = late.promise;
  const asked = ask();
  arrived = Promise.resolve();
  // It may no longer ask, and only then there is more to see.
  disable('rs_1');
  change('resource_server', 'rs_1');
  change('authorization', 'az_1');
  expect(await ask('rs_2', 'another')).toEqual({ version: 2, readings: 2 });
  late.resolve();
  expect(await asked).toBe('refused');
});
