/**
 * What resource servers are told of changes, and how soon the kit's cache refuses because of it. `STREAM_TRIALS` sets how often each
 * change is tried, and has the times written out.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type CachingResourceServer,
  cachingResourceServer,
  cuttableStream,
  type Listening,
  listen,
} from '../support/change-stream.ts';
import { engines } from '../support/databases.ts';
import { issueToken } from '../support/issue-token.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { startStopwatch } from '../support/thread-time.ts';

const times = Number(process.env.STREAM_TRIALS ?? 30);
const actor = { id: 'test' };
const pause = (milliseconds: number) => new Promise((resolve) => void setTimeout(resolve, milliseconds));

describe.each(engines)('on %s', (engine) => {
  let first: TestMandate;
  let second: TestMandate;
  let editor: string;
  let atlas: string;
  let editorRole: string;
  let atlasFlows: string;
  let borealisReports: string;
  const open: { close(): void }[] = [];

  beforeAll(async () => {
    first = await startMandate({ engine });
    second = await startMandate({ databaseUrl: first.databaseUrl, clock: first.clock });
    const { users, projects, roles, mcpServers } = first.stores;
    editor = (await users.findByEmail('editor@acme.test'))?.id ?? '';
    atlas = (await projects.findBySlug('atlas'))?.id ?? '';
    editorRole = (await roles.findBySlug('editor'))?.id ?? '';
    atlasFlows = (await mcpServers.findByResource(demo.atlasFlows))?.id ?? '';
    borealisReports = (await mcpServers.findByResource(demo.borealisReports))?.id ?? '';
  });
  afterEach(() => {
    for (const one of open.splice(0)) one.close();
  });
  afterAll(async () => {
    await second.stop();
    await first.stop();
  });

  const choice = (change: Partial<{ capabilities: string[]; mcpServers: string[] }> = {}) => ({
    capabilities: ['api', 'flows:edit'],
    projects: [{ id: atlas, roles: [editorRole] }],
    mcpServers: [] as string[],
    asked: [],
    expiresAt: null,
    ...change,
  });
  const authorize = async (chosen = choice(), audience: string = demo.api) => {
    const { id } = await first.store.transact((trx) =>
      first.stores.authorizations.insert(trx, actor, {
        kind: 'oauth2',
        userId: editor,
        clientId: demo.web.id,
        ...chosen,
      }),
    );
    const token = await issueToken(first.store, {
      authorizationId: id,
      clientId: demo.web.id,
      audience,
      issuedAt: first.clock.now(),
    });
    return { id, token };
  };
  const replace = (id: string, chosen: ReturnType<typeof choice>) =>
    first.store.transact((trx) => first.stores.authorizations.replaceChoice(trx, actor, id, chosen));
  const hear = async (caller: { id: string; secret: string }, lastEventId?: string, node = first) => {
    const listening = await listen(node.issuer, caller, lastEventId);
    open.push(listening);
    if (listening.status === 200) await listening.until(() => listening.lastId() !== undefined);
    return listening;
  };
  const caching = async (options: Parameters<typeof cachingResourceServer>[1] = {}) => {
    const server = cachingResourceServer(first.issuer, options);
    open.push(server);
    await server.alive();
    return server;
  };
  /** Marks a point in the stream that everybody hears of. */
  const mark = async (...heard: Listening[]) => {
    const { id } = await authorize(choice({ mcpServers: [atlasFlows, borealisReports] }));
    await first.stores.authorizations.revoke(actor, id);
    for (const one of heard) await one.until(() => one.events.some(({ data }) => data.id === id));
    return id;
  };
  const named = (heard: Listening) => heard.events.flatMap(({ data }) => (data.id ? [data.id] : []));

  test('refuses whoever is not a resource server with its secret, and ways that are none', async () => {
    expect((await hear({ id: demo.apiServer.id, secret: 'wrong' })).status).toBe(401);
    expect((await hear({ id: demo.web.id, secret: demo.web.secret })).status).toBe(401);
    const bare = await fetch(`${first.issuer}/changes`);
    expect([bare.status, bare.headers.get('www-authenticate')]).toEqual([401, 'Basic realm="mandate"']);
    expect((await fetch(`${first.issuer}/changes`, { method: 'PUT' })).status).toBe(405);
    expect((await hear(demo.apiServer, 'yesterday')).status).toBe(400);
  });

  test('tells an authorization with its version, proves that nothing is missing, and holds no secret', async () => {
    const heard = await hear(demo.apiServer);
    expect(heard.headers.get('content-type')).toBe('text/event-stream');
    expect(heard.headers.get('cache-control')).toBe('no-store');
    const { id, token } = await authorize();
    await replace(id, choice({ capabilities: ['api'] }));
    await heard.until(() => heard.events.length > 0);
    expect(heard.events).toEqual([
      { type: 'authorization', data: { id, version: 2, seq: expect.any(Number) } },
    ]);
    expect(heard.lastId()).toBe(String(heard.events[0]?.data.seq));
    const proofs = heard.text().match(/^: alive \d+ \d+$/gm)?.length ?? 0;
    await heard.until(() => (heard.text().match(/^: alive \d+ \d+$/gm)?.length ?? 0) >= proofs + 2, 1_300);
    expect(heard.text()).toMatch(/^retry: \d+$/m);
    expect(heard.text()).not.toContain(token);
    expect(heard.text()).not.toContain('acme.test');
  });

  test('tells each resource server of what it could have asked about, and nothing of others', async () => {
    const [api, mcp] = [await hear(demo.apiServer), await hear(demo.mcpServer)];
    const onlyApi = await authorize();
    const onlyMcp = await authorize(choice({ capabilities: ['mcp'], mcpServers: [atlasFlows] }));
    const left = await authorize(choice({ capabilities: ['api', 'mcp'], mcpServers: [atlasFlows] }));
    await first.stores.authorizations.suspend(actor, onlyApi.id);
    await first.stores.authorizations.suspend(actor, onlyMcp.id);
    await replace(left.id, choice({ capabilities: ['api'] }));
    const last = await mark(api, mcp);
    expect(named(api)).toEqual([onlyApi.id, left.id, last]);
    expect(named(mcp)).toEqual([onlyMcp.id, left.id, last]);
    expect(mcp.text()).not.toContain(onlyApi.id);
    expect(api.text()).not.toContain(onlyMcp.id);
  });

  test('resumes after the number that was told last, and loses nothing', async () => {
    const before = await hear(demo.apiServer);
    const from = await mark(before);
    before.close();
    const missed = await Promise.all(Array.from({ length: 20 }, () => authorize()));
    for (const { id } of missed) await first.stores.authorizations.revoke(actor, id);
    const after = await hear(demo.apiServer, before.lastId(), second);
    await after.until(() => after.events.length >= missed.length);
    expect(new Set(named(after))).toEqual(new Set(missed.map(({ id }) => id)));
    expect(named(after)).not.toContain(from);
    // Numbers that this database never gave, and more changes than are told one by one.
    for (const unknown of ['999999999', '0']) {
      const lost = await hear(demo.apiServer, unknown);
      await lost.until(() => lost.events.length > 0);
      if (unknown !== '0') expect(lost.events[0]?.type).toBe('flush');
      expect(Number(lost.lastId())).toBeGreaterThanOrEqual(Number(after.lastId()));
    }
  });

  test('serves fifty listeners at once, through either node', async () => {
    const heard = await Promise.all(
      Array.from({ length: 50 }, (_, index) => hear(demo.apiServer, undefined, index % 2 ? first : second)),
    );
    const { id } = await authorize();
    await first.stores.authorizations.suspend(actor, id);
    await Promise.all(heard.map((one) => one.until(() => named(one).includes(id))));
  });

  test('ends when the caller itself changes, and lets it in with its new secret only', async () => {
    const heard = await hear(demo.mcpServer);
    const audiences = [demo.atlasFlows, demo.borealisReports];
    const save = (secret: string) =>
      first.stores.resourceServers.save(actor, { name: demo.mcpServer.id, audiences, secret });
    await save('another-secret-of-the-mcp-gateway');
    await heard.ended;
    expect(heard.events.at(-1)?.type).toBe('flush');
    expect((await hear(demo.mcpServer, heard.lastId())).status).toBe(401);
    await save(demo.mcpServer.secret);
    expect((await hear(demo.mcpServer, heard.lastId())).status).toBe(200);
  });

  const ways: Record<string, { change(id: string): Promise<unknown>; undo?(): Promise<unknown> }> = {
    revoke: { change: (id) => first.stores.authorizations.revoke(actor, id) },
    narrow: { change: (id) => replace(id, choice({ capabilities: ['api'] })) },
    'suspend the user': {
      change: () => first.stores.users.suspend(actor, editor),
      undo: () => first.stores.users.resume(actor, editor),
    },
    'move off the project': {
      change: () =>
        first.stores.users.unassign(actor, { userId: editor, roleId: editorRole, projectId: atlas }),
      undo: () => first.stores.users.assign(actor, { userId: editor, roleId: editorRole, projectId: atlas }),
    },
    'disable the client': {
      change: () => first.stores.clients.disable(actor, demo.web.id),
      undo: () => first.stores.clients.enable(actor, demo.web.id),
    },
  };
  const mayEdit = async (server: CachingResourceServer, token: string) => {
    const answer = await server.introspect(token);
    return answer.active && answer.scope.includes('flows:edit');
  };

  test.each(['revoke', 'narrow', 'suspend the user', 'move off the project', 'disable the client'])(
    'a cached decision is refused soon after the acknowledgement: %s',
    async (kind) => {
      const way = ways[kind];
      // It asks one node and listens to the other.
      const server = await caching({ streamIssuer: second.issuer });
      const took: number[] = [];
      for (let turn = 0; turn < times; turn++) {
        const { id, token } = await authorize();
        await mark();
        while (!(await mayEdit(server, token))) await pause(2);
        // A process that had no turn for a second asks live for a moment: it is in step when most come from memory.
        for (let asked = Number.NEGATIVE_INFINITY; server.asked() - asked >= 50; ) {
          asked = server.asked();
          for (let again = 0; again < 100; again++) expect(await mayEdit(server, token)).toBe(true);
        }
        await way?.change(id);
        const taken = startStopwatch();
        while (await mayEdit(server, token)) await pause(1);
        took.push(taken());
        await way?.undo?.();
      }
      took.sort((left, right) => left - right);
      const at = (share: number) => Math.round(took[Math.floor((took.length - 1) * share)] ?? 0);
      if (process.env.STREAM_TRIALS)
        process.stdout.write(`${engine} ${kind}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, n ${times}\n`);
      expect(at(1)).toBeLessThan(1_000);
    },
    60_000,
  );

  test('asks live within the bound once the stream is cut, and answers from memory again once it is back', async () => {
    const stream = cuttableStream();
    const server = await caching({ stream });
    const [kept, revoked] = [await authorize(), await authorize()];
    expect(await mayEdit(server, kept.token)).toBe(true);
    expect(await mayEdit(server, revoked.token)).toBe(true);
    stream.cut();
    await first.stores.authorizations.revoke(actor, revoked.id);
    const taken = startStopwatch();
    while (await mayEdit(server, revoked.token)) await pause(1);
    expect(taken()).toBeLessThan(1_050);
    await pause(1_000);
    expect(server.isAlive).toBe(false);
    const asked = server.asked();
    for (let again = 0; again < 10; again++) expect(await mayEdit(server, kept.token)).toBe(true);
    expect(server.asked()).toBe(asked + 10);
    stream.mend();
    await server.alive();
    // A process that had no turn for a second asks live again: ten in a row from memory are what says that it is back.
    for (let since = -1; since !== server.asked(); ) {
      expect(await mayEdit(server, kept.token)).toBe(true);
      since = server.asked();
      for (let again = 0; again < 10; again++) expect(await mayEdit(server, kept.token)).toBe(true);
    }
    expect(await mayEdit(server, revoked.token)).toBe(false);
  }, 30_000);

  test('is never older than the bound, however often the stream breaks', async () => {
    const stream = cuttableStream();
    const server = await caching({ stream, streamIssuer: second.issuer });
    const { id, token } = await authorize();
    let [isWide, age, isOver] = [true, startStopwatch(), false];
    const breaking = (async () => {
      while (!isOver) {
        await pause(Math.random() * 700);
        stream.cut();
        await pause(Math.random() * 500);
        stream.mend();
      }
    })();
    const changing = (async () => {
      for (let turn = 0; turn < 16; turn++) {
        await pause(Math.random() * 600);
        const wide = !isWide;
        await replace(id, choice({ capabilities: wide ? ['api', 'flows:edit'] : ['api'] }));
        [isWide, age] = [wide, startStopwatch()];
      }
      isOver = true;
    })();
    let oldest = 0;
    let decisions = 0;
    while (!isOver) {
      const [expected, asOf, old] = [isWide, age, age()];
      const given = await mayEdit(server, token);
      decisions += 1;
      // Not while a change was being made: then either is right.
      if (given !== expected && isWide === expected && age === asOf) oldest = Math.max(oldest, old);
      await pause(1);
    }
    await Promise.all([breaking, changing]);
    if (process.env.STREAM_TRIALS)
      process.stdout.write(`${engine}, breaking: oldest ${Math.round(oldest)} ms\n`);
    expect(oldest).toBeLessThan(1_000);
    expect(server.asked()).toBeLessThan(decisions);
  }, 60_000);

  test('ends every stream when the server stops', async () => {
    const third = await startMandate({ databaseUrl: first.databaseUrl, clock: first.clock });
    const heard = await hear(demo.apiServer, undefined, third);
    third.app.endStreams();
    await heard.ended;
    await third.stop();
  });
});
