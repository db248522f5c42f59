/** FT-08: a server that is told to stop says so first, answers what it was asked, loses nothing it acknowledged, and resets nobody. */
import { Agent, request } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { openDatabase } from '../../db/open.ts';
import { engines, freshDatabaseUrl } from '../support/databases.ts';
import { engineName, pause, record, sized } from '../support/fault-figures.ts';
import { demo } from '../support/mandate.ts';
import { basic } from '../support/race.ts';
import { sendTo } from '../support/raw-request.ts';
import { startServerProcess } from '../support/server-process.ts';

const rounds = sized(1, 10);
const stopDelaySeconds = 2;
const lookEveryMilliseconds = 20;
/** A balancer sends to a node for a while longer, until it has seen it twice. */
const sendsOnMilliseconds = 300;
const stopsWithinMilliseconds = 10_000 + stopDelaySeconds * 1_000;

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
/** Nobody was there to connect to. */
const isClosed = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';

/** As one process, and as a supervisor with workers, whose whole process group is told at once: Ctrl-C and some runtimes do that. */
const shapes = [
  ...engines.map((engine) => ({ engine, workers: 1 })),
  { engine: 'sqlite', workers: 2 } as const,
];

describe.each(shapes)('FT-08: SIGTERM under load on $engine, $workers at work', ({ engine, workers }) => {
  test(
    'is said in /readyz first; every request that was begun is answered, and every token that was handed out works afterwards',
    async () => {
      const database = await freshDatabaseUrl(engine);
      const resets: string[] = [];
      const wrong: string[] = [];
      let answered = 0;
      let longest = 0;
      for (let round = 0; round < rounds; round += 1) {
        const node = await startServerProcess({
          databaseUrl: database.url,
          leadsGroup: workers > 1,
          environment: { STOP_DELAY: String(stopDelaySeconds), MANDATE_WORKERS: String(workers) },
        });
        const { port, pid } = node;
        const host = new URL(node.issuer).host;
        const tokens: string[] = [];
        let introspected = 0;
        /** The balancer has turned to another node; and this one is gone. */
        let elsewhere = false;
        let closed = false;
        const post = (path: string, body: string, as: { id: string; secret: string }, agent: Agent) =>
          sendTo(port, path, { body, agent, headers: { host, ...basic(as) } });
        /** Asks one thing after another on one connection, until the balancer does so elsewhere. */
        const keepAsking = async (ask: (agent: Agent) => Promise<void>) => {
          const agent = new Agent({ keepAlive: true, maxSockets: 1 });
          while (!elsewhere) {
            try {
              await ask(agent);
              answered += 1;
            } catch (error) {
              resets.push(String(error));
            }
          }
          agent.destroy();
        };
        const issue = async (agent: Agent) => {
          const { status, text } = await post('/token', 'grant_type=client_credentials', demo.ci, agent);
          if (status === 200) tokens.push((JSON.parse(text) as { access_token: string }).access_token);
          else wrong.push(`token ${status}`);
        };
        const introspect = async (agent: Agent) => {
          const token = tokens.at(-1);
          if (token === undefined) return await pause(5).then(() => {});
          const { status, text } = await post('/introspect', `token=${token}`, demo.apiServer, agent);
          if (status !== 200 || !text.includes('"active":true'))
            wrong.push(`introspection ${status} ${text}`);
          introspected += 1;
        };
        const load = [
          ...Array.from({ length: 3 }, () => keepAsking(issue)),
          ...Array.from({ length: 5 }, () => keepAsking(introspect)),
        ];
        await pause(500);

        // It looks on connections of its own.
        const seen: number[] = [];
        const turn = () => {
          elsewhere = true;
        };
        const looking = (async () => {
          while (!elsewhere) {
            const { status } = await sendTo(port, '/readyz', { headers: { host } });
            seen.push(status);
            if (status === 503) setTimeout(turn, sendsOnMilliseconds);
            await pause(lookEveryMilliseconds);
          }
        })();
        while (!seen.includes(200)) await pause(10);
        // One whose body is still on its way when the server is told to stop.
        const slow = beginSlowly(port, host);
        await pause(50);
        const told = Date.now();
        process.kill(workers > 1 ? -pid : pid, 'SIGTERM');
        await Promise.all([...load, looking]);
        // Gone for everybody else, it still waits for what had begun.
        while (!closed) {
          await pause(lookEveryMilliseconds);
          await sendTo(port, '/readyz', { headers: { host } }).catch((error: unknown) => {
            closed = isClosed(error);
          });
        }
        expect(Date.now() - told).toBeGreaterThan(stopDelaySeconds * 900);
        expect(isAlive(pid)).toBe(true);
        expect(await slow.end()).toBe(200);
        while (isAlive(pid) && Date.now() - told < stopsWithinMilliseconds + 2_000) await pause(10);
        longest = Math.max(longest, Date.now() - told);
        expect(await node.stop()).toBe(0);
        // It was ready, and then it was not while it answered all the same.
        const firstFalse = seen.indexOf(503);
        expect(seen.slice(0, firstFalse).every((status) => status === 200)).toBe(true);
        expect(firstFalse).toBeGreaterThan(0);
        // Workers hear of it one after the other.
        const allFalse = firstFalse + (workers > 1 ? 3 : 0);
        expect(seen.slice(allFalse).every((status) => status === 503)).toBe(true);

        const again = await startServerProcess({ databaseUrl: database.url, issuer: node.issuer, port });
        for (const token of tokens) {
          const answer = await again.send('/introspect', {
            headers: basic(demo.apiServer),
            body: `token=${token}`,
          });
          if (!answer.text.includes('"active":true')) wrong.push(`lost: ${answer.text}`);
        }
        const afterwards = tokens.length;
        await again.stop();
        // What was counted before the stop was written, and what was counted after it too.
        expect(await countedIn(database.url)).toBe(introspected + afterwards);
        await clearCounts(database.url);
      }
      expect({ resets, wrong }).toEqual({ resets: [], wrong: [] });
      expect(longest).toBeLessThan(stopsWithinMilliseconds);
      record({
        id: 'FT-08',
        scenario:
          workers > 1 ? `SIGTERM under load to a process group of ${workers} workers` : 'SIGTERM under load',
        target: `/readyz says so first, 0 resets, 0 acknowledged tokens lost, over within ${stopsWithinMilliseconds / 1_000} s`,
        measured: `${rounds} stops, ${answered} requests: 0 resets, 0 lost, the longest took ${(longest / 1_000).toFixed(1)} s with a delay of ${stopDelaySeconds} s`,
        engine: engineName(engine),
      });
      await database.drop();
    },
    sized(90_000, 600_000),
  );
});

/** Sends the head of a token request and half of its body. @returns what sends the rest, and tells what was answered */
function beginSlowly(port: number, host: string): { end(): Promise<number | undefined> } {
  const body = 'grant_type=client_credentials';
  const sent = request({
    host: '127.0.0.1',
    port,
    path: '/token',
    method: 'POST',
    agent: false,
    headers: {
      host,
      ...basic(demo.ci),
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': String(body.length),
    },
  });
  const answer = new Promise<number | undefined>((resolve, reject) => {
    sent.once('response', (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode));
    });
    sent.once('error', reject);
  });
  // Looked at when the rest is sent.
  answer.catch(() => {});
  sent.write(body.slice(0, 10));
  return {
    end() {
      sent.end(body.slice(10));
      return answer;
    },
  };
}

/** The introspections that the database has on record. */
async function countedIn(databaseUrl: string): Promise<number> {
  const store = await openDatabase(databaseUrl);
  const { n } = await store.db
    .selectFrom('activity')
    .select(({ fn }) => fn.sum<number | string>('n').as('n'))
    .where('topic', '=', 'introspection')
    .where('span', '=', 86_400)
    .executeTakeFirstOrThrow();
  await store.close();
  return Number(n);
}

async function clearCounts(databaseUrl: string): Promise<void> {
  const store = await openDatabase(databaseUrl);
  await store.db.deleteFrom('activity').execute();
  await store.close();
}
