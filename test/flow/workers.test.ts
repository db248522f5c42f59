/** `mandate start --workers 2`: several processes behind one socket, seen from outside. */
import { readdirSync } from 'node:fs';
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { engines, type FreshDatabase, freshDatabaseUrl } from '../support/databases.ts';
import { demo } from '../support/mandate.ts';
import { childrenOf, until } from '../support/processes.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

const basic = (who: { id: string; secret: string }) => ({
  authorization: `Basic ${Buffer.from(`${who.id}:${who.secret}`).toString('base64')}`,
});
/** A connection that is kept: to the same worker for as long as both live. */
const connection = () => new Agent({ keepAlive: true, maxSockets: 1 });

async function issue(server: ServerProcess, agent = connection()): Promise<string> {
  const { text } = await server.send('/token', {
    body: 'grant_type=client_credentials',
    headers: basic(demo.ci),
    agent,
  });
  return (JSON.parse(text) as { access_token: string }).access_token;
}
const isActive = async (server: ServerProcess, token: string, agent: Agent): Promise<boolean> => {
  const { status, text } = await server.send('/introspect', {
    body: `token=${token}`,
    headers: basic(demo.apiServer),
    agent,
  });
  if (status !== 200) throw new Error(`introspection answered ${status}`);
  return (JSON.parse(text) as { active: boolean }).active;
};

/** Asks one thing after another on eight connections until it is stopped. @returns how many answers there were, and what failed */
function keepAsking(server: ServerProcess, token: string) {
  let answers = 0;
  let going = true;
  const failures = Array.from({ length: 8 }, () => [] as string[]);
  const askers = failures.map(async (own) => {
    const agent = connection();
    while (going) {
      try {
        if (await isActive(server, token, agent)) answers += 1;
        else own.push('inactive');
      } catch (error) {
        own.push((error as NodeJS.ErrnoException).code ?? String(error));
      }
    }
    agent.destroy();
  });
  const stop = async () => {
    going = false;
    await Promise.all(askers);
    return failures;
  };
  stops.push(stop);
  return { answers: () => answers, stop };
}

/** Of those that ask, so that a test that fails leaves nobody asking. */
const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

describe.each(engines)('two workers on %s', (engine) => {
  let database: FreshDatabase;
  let server: ServerProcess;
  let token: string;

  beforeAll(async () => {
    database = await freshDatabaseUrl(engine);
    server = await startServerProcess({
      databaseUrl: database.url,
      environment: { MANDATE_WORKERS: '2', LOG_LEVEL: 'info' },
    });
    token = await issue(server);
  });
  afterAll(async () => {
    await server?.stop();
    await database?.drop();
  });

  test('the start says where it is and of how many processes it is', async () => {
    const line = `Mandate is ready at ${server.issuer} (2 workers)`;
    await until(() => server.output().includes(line), 'it says so');
    expect(childrenOf(server.pid)).toHaveLength(2);
    expect(server.output().match(/is ready at/g)).toHaveLength(1);
  });

  test('what one acknowledges, the next question to each of them is answered from', async () => {
    // Connections are given to the workers in turn.
    const agents = Array.from({ length: 4 }, connection);
    for (let trial = 0; trial < 25; trial++) {
      const [revoker] = agents.slice(trial % agents.length) as [Agent];
      const ended = await issue(server, revoker);
      for (const agent of agents) expect(await isActive(server, ended, agent)).toBe(true);
      const revoked = await server.send('/revoke', {
        body: `token=${ended}`,
        headers: basic(demo.ci),
        agent: revoker,
      });
      expect(revoked.status).toBe(200);
      for (const agent of [...agents].reverse()) expect(await isActive(server, ended, agent)).toBe(false);
    }
    for (const agent of agents) agent.destroy();
  });

  test('the metrics are those of all of them, whichever is asked', async () => {
    const agents = Array.from({ length: 4 }, connection);
    const asked = async (agent: Agent) => {
      const { status, text } = await server.send('/metrics', { agent });
      expect(status).toBe(200);
      expect(text).toMatch(/^mandate_ready 2$/m);
      return Number(/^mandate_introspections_total\{outcome="active",.*\} (\d+)$/m.exec(text)?.[1] ?? 0);
    };
    const before = await asked(connection());
    for (const agent of agents) expect(await isActive(server, token, agent)).toBe(true);
    for (const agent of agents) expect(await asked(agent)).toBe(before + agents.length);
    for (const agent of agents) agent.destroy();
  });

  test('one that is killed takes its own connections along and nothing else, and another one follows', async () => {
    const before = childrenOf(server.pid);
    const asking = keepAsking(server, token);
    await until(() => asking.answers() > 200, 'they answer');
    process.kill(before[0] ?? 0, 'SIGKILL');
    await until(
      () => childrenOf(server.pid).filter((pid) => !before.includes(pid)).length === 1,
      'another one is there',
    );
    const soFar = asking.answers();
    await until(() => asking.answers() > soFar + 400, 'they answer still');
    const failures = await asking.stop();
    // The other one had some of the eight too; and whoever asks anew is answered.
    expect(failures.filter((own) => own.length === 0).length).toBeGreaterThan(0);
    for (const own of failures) {
      // Beside the connection that it had, one that it was just being given.
      expect(own.length).toBeLessThanOrEqual(2);
      // Cut before an answer, or while it was asked.
      for (const code of own) expect(['ECONNRESET', 'EPIPE']).toContain(code);
    }
    expect(server.output()).toContain('a worker ended; another one follows');
  });

  test('on SIGHUP every one is replaced and no question is left without its answer', async () => {
    await until(() => childrenOf(server.pid).length === 2, 'both are there');
    const before = childrenOf(server.pid);
    const asking = keepAsking(server, token);
    await until(() => asking.answers() > 100, 'they answer');
    process.kill(server.pid, 'SIGHUP');
    await until(() => server.output().includes('every worker was replaced'), 'they are replaced');
    const soFar = asking.answers();
    await until(() => asking.answers() > soFar + 200, 'the new ones answer');
    expect((await asking.stop()).flat()).toEqual([]);
    expect(childrenOf(server.pid).filter((pid) => before.includes(pid))).toEqual([]);
  }, 120_000);

  test('on SIGTERM what was asked is answered, and nobody is left', async () => {
    const agents = Array.from({ length: 4 }, connection);
    for (const agent of agents) await isActive(server, token, agent);
    const workers = childrenOf(server.pid);
    const last = Promise.all(agents.map((agent) => isActive(server, token, agent)));
    await sleep(1);
    expect(await server.stop()).toBe(0);
    expect(await last).toEqual([true, true, true, true]);
    expect(server.output()).toContain('stopped (SIGTERM)');
    expect(workers.filter((pid) => readdirSync('/proc').includes(String(pid)))).toEqual([]);
  });
});

test('workers do not outlive a supervisor that is killed', async () => {
  const database = await freshDatabaseUrl('sqlite');
  const server = await startServerProcess({
    databaseUrl: database.url,
    environment: { MANDATE_WORKERS: '2' },
  });
  const workers = childrenOf(server.pid);
  expect(workers).toHaveLength(2);
  await server.kill();
  await until(
    () => workers.every((pid) => !readdirSync('/proc').includes(String(pid))),
    'the workers are gone',
  );
  await database.drop();
});

test('workers that are to be replaced while they start are replaced once they serve', async () => {
  const database = await freshDatabaseUrl('sqlite');
  const server = await startServerProcess({
    databaseUrl: database.url,
    environment: { MANDATE_WORKERS: '2', LOG_LEVEL: 'info' },
    async whileStarting(pid) {
      await until(() => childrenOf(pid).length === 2, 'both were started');
      process.kill(pid, 'SIGHUP');
    },
  });
  await until(() => server.output().includes('every worker was replaced'), 'they are replaced');
  expect(await server.stop()).toBe(0);
  await database.drop();
}, 120_000);
