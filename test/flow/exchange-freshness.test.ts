/** What is made of a token by exchange is right at the next question after its parent changed, on whichever node, and in memory. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cachingResourceServer } from '../support/change-stream.ts';
import { engines } from '../support/databases.ts';
import { askCommonly, tryFreshness } from '../support/freshness-trials.ts';
import { issueToken } from '../support/issue-token.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken } from '../support/oauth.ts';

const actor = { id: 'trial' };
const times = Number(process.env.FRESHNESS_TRIALS ?? 30);
const gateway = { id: 'gateway', secret: 'g'.repeat(43) };

type At = Pick<TestMandate, 'store' | 'stores' | 'issuer' | 'clock'>;

describe.each(engines)('TX-08: on %s, two nodes', (engine) => {
  let first: TestMandate;
  let second: TestMandate;
  let owner = '';
  let project = '';
  let role = '';

  beforeAll(async () => {
    first = await startMandate({ engine });
    second = await startMandate({ databaseUrl: first.databaseUrl, clock: first.clock });
    const { stores } = first;
    owner = (await stores.users.findByEmail('editor@acme.test'))?.id ?? '';
    project = (await stores.projects.findBySlug('atlas'))?.id ?? '';
    role = (await stores.roles.findBySlug('editor'))?.id ?? '';
    const metadata = { redirect_uris: [], response_types: [], grant_types: [] };
    await stores.clients.saveRegistered(actor, { ...gateway, metadata });
    const tokenExchange = { own: true, from: [demo.api], to: [demo.api] };
    await stores.clients.configure(actor, gateway.id, { tokenExchange });
  });
  afterAll(async () => {
    await second?.stop();
    await first?.stop();
  });

  const whole = (capabilities = ['api', 'flows:edit']) => ({
    capabilities,
    projects: [{ id: project, roles: [role] }],
    mcpServers: [],
    asked: [],
    expiresAt: null,
  });
  const handOn = async (token: string) =>
    (
      await askToken(
        first.issuer,
        {
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          subject_token: token,
          subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        },
        gateway,
      )
    ).body.access_token ?? '';
  /** An authorization, and the token of what hangs two below it. */
  const chain = async () => {
    const { id } = await first.store.transact((trx) =>
      first.stores.authorizations.insert(trx, actor, {
        kind: 'oauth2',
        userId: owner,
        clientId: demo.web.id,
        ...whole(),
      }),
    );
    const token = await issueToken(first.store, {
      authorizationId: id,
      clientId: demo.web.id,
      audience: demo.api,
      issuedAt: first.clock.now(),
      lifetimeSeconds: 1_000_000,
    });
    return { id, token: await handOn(await handOn(token)) };
  };
  const ask = (token: string) => async (at: { issuer: string }) => {
    const { status, text } = await askCommonly(at.issuer, token, demo.apiServer);
    const { scope = '' } = JSON.parse(text) as { scope?: string };
    return { status, scope, reach: '' };
  };
  const before = ({ scope }: { scope: string }) => scope === 'api flows:edit';
  const choose = (id: string, capabilities?: string[]) => (at: At) =>
    at.store.transact((trx) => at.stores.authorizations.replaceChoice(trx, actor, id, whole(capabilities)));

  test.each([
    ['narrowed', (id: string) => choose(id, ['api']), (id: string) => choose(id)],
    [
      'suspended',
      (id: string) => (at: At) => at.stores.authorizations.suspend(actor, id),
      (id: string) => (at: At) => at.stores.authorizations.resume(actor, id),
    ],
    [
      'its client disabled',
      () => (at: At) => at.stores.clients.disable(actor, demo.web.id),
      () => (at: At) => at.stores.clients.enable(actor, demo.web.id),
    ],
  ] as const)(
    `${times} times: the parent is %s`,
    async (kind, change, undo) => {
      const { id, token } = await chain();
      const trial = { change: change(id), undo: undo(id), isBefore: before, ask: ask(token) };
      expect(await tryFreshness([first, second], [kind, trial], times)).toEqual([]);
    },
    60_000,
  );

  test('the parent is revoked', async () => {
    for (let trial = 0; trial < 5; trial++) {
      const { id, token } = await chain();
      for (const node of [first, second]) expect(before(await ask(token)(node))).toBe(true);
      await first.stores.authorizations.revoke(actor, id);
      for (const node of [second, first]) expect((await ask(token)(node)).scope).toBe('');
    }
  }, 30_000);

  test('a resource server that remembers forgets it with the change of its parent', async () => {
    const cached = cachingResourceServer(second.issuer);
    try {
      const { id, token } = await chain();
      const until = async (isDone: () => boolean | Promise<boolean>) => {
        const began = performance.now();
        while (!(await isDone())) {
          if (performance.now() - began > 20_000) throw new Error('it took too long');
          await new Promise((resolve) => void setTimeout(resolve, 5));
        }
      };
      await cached.alive();
      await cached.introspect(token);
      const known = await cached.introspect(token);
      expect(await cached.introspect(token)).toBe(known);
      await first.stores.authorizations.suspend(actor, id);
      await until(async () => !(await cached.introspect(token)).active);
      await first.stores.authorizations.resume(actor, id);
      await until(async () => (await cached.introspect(token)).active);
      await first.stores.authorizations.revoke(actor, id);
      await until(async () => !(await cached.introspect(token)).active);
    } finally {
      cached.close();
    }
  }, 60_000);
});
