/** Introspections: beside a constant, on either engine, of many tokens, by two processes, and through the kit. */
import { makeKey, makePaused, tokensEach } from './field.ts';
import { closedLoop, connections, type Load, load, type Measured, measure } from './load.ts';
import { canPin, everyCore, pin, startProgram } from './process.ts';
import type { Running, Runs, Subject, World } from './world.ts';

const group = 'introspections';
const bodyOf = (token: string) => `token=${token}`;
const first = ({ tokens }: Running) => bodyOf(tokens[0] ?? '');
const subject = (name: string, target: Load, of = group): Subject => ({
  name,
  group: of,
  measure: (seconds) => load(target, seconds),
});

/** @param hot tokens of the row that shows what memory they take @param many tokens of the row of rare questions; each 0 leaves it out */
export async function introspectionSubjects(world: World, hot: number, many: number): Promise<Subject[]> {
  const { sqlite, postgres, bare, stock } = world;
  const asked = sqlite.ask([first(sqlite)]);
  const key = await makeKey(sqlite.databaseUrl);
  const paused = await makePaused(sqlite.databaseUrl);
  const subjects = [
    subject('bare node:http, a constant', { ...asked, ...bare }),
    subject('Mandate, SQLite, hot', asked),
    subject('Mandate, SQLite, hot, each with a trace of its own', { ...asked, varies: 'trace' }),
    subject('Mandate, SQLite, hot, every head another', { ...asked, varies: 'x-turn' }),
    subject('Mandate, SQLite, an API key', sqlite.ask([bodyOf(key)])),
    subject('Mandate, SQLite, an inactive token', sqlite.ask([bodyOf(paused)])),
    subject('Mandate, PostgreSQL, hot, one of two nodes', postgres.ask([first(postgres)])),
    subject('stock oidc-provider, better-sqlite3', {
      pid: stock.pid,
      url: `${stock.url}/token/introspection`,
      headers: stock.headers,
      bodies: [bodyOf(stock.token)],
    }),
  ];
  if (hot > 0) {
    const running = await world.open('hot', hot);
    const target = running.ask(running.tokens.map(bodyOf));
    await askEach(target);
    subjects.push(subject(`Mandate, SQLite, ${hot.toLocaleString('en')} hot tokens`, target));
  }
  if (many > 1) {
    const bodies = sqlite.tokens.map(bodyOf);
    const tokens = `${many.toLocaleString('en')} tokens at random`;
    await askEach(sqlite.ask(bodies));
    subjects.push(
      subject(`Mandate, SQLite, ${tokens}`, sqlite.ask(bodies)),
      // What they hang on is remembered; in a few seconds hardly one of so many is asked about twice.
      {
        name: `Mandate, SQLite, ${tokens}, none asked about before`,
        group,
        async measure(seconds) {
          const fresh = await world.beside(sqlite);
          await askEach(fresh.ask(bodies.filter((_, index) => index % tokensEach === 0)));
          const measured = await load(fresh.ask(bodies), seconds);
          await fresh.stop();
          return measured;
        },
      },
    );
  }
  return subjects;
}

/** Tokens of the rows in which most questions are read, and the megabytes in which few of them are remembered. */
const [rareTokens, littleMemory] = [200_000, '8'];

/** Connections of the rows of several processes: enough for each of them to answer some in one turn. */
const manyConnections = 128;

/** One process and two on the two cores, on which the load is too: where a question costs next to nothing, and where it has to be read. */
export async function workerSubjects(world: World): Promise<Subject[]> {
  const rare = `${rareTokens.toLocaleString('en')} tokens in little memory`;
  return [
    ...(await sideBySide(world, 'hot', 1)),
    ...(await sideBySide(world, rare, rareTokens, { CACHE_MEMORY: littleMemory })),
  ];
}

async function sideBySide(
  world: World,
  kind: string,
  tokens: number,
  environment: Record<string, string> = {},
): Promise<Subject[]> {
  const of = `introspections by several processes, ${kind}, load on the same cores, ${manyConnections} connections`;
  const started = async (name: string, runs: Runs, own: Record<string, string> = {}) => {
    const options = { runs, environment: { ...environment, ...own } };
    const running = await world.open(`${kind} ${name}`, tokens, options);
    return {
      pid: running.pid,
      target: { ...running.ask(running.tokens.map(bodyOf)), over: manyConnections },
    };
  };
  const row = async (name: string, runs: Runs, own?: Record<string, string>) =>
    subject(`Mandate, SQLite, ${kind}, ${name}`, (await started(name, runs, own)).target, of);
  const workers = { MANDATE_WORKERS: '2' };
  const rows = [await row('one process', 'anywhere'), await row('two workers', 'anywhere', workers)];
  if (!canPin) return rows;
  rows.push(
    await row('two workers, a core each', 'where it says', { ...workers, MANDATE_WORKER_CORES: everyCore }),
  );
  // What the machine has to give: no lock, no file, no socket is shared here.
  const apart = [
    await started('the first of two', 'anywhere'),
    await started('the second of two', 'anywhere'),
  ];
  for (const [core, { pid }] of apart.entries()) pin(pid, core);
  rows.push({
    name: `Mandate, SQLite, ${kind}, two servers that share nothing, a core each`,
    group: of,
    measure: async (seconds) =>
      together(
        await Promise.all(apart.map(({ target }) => load({ ...target, over: manyConnections / 2 }, seconds))),
      ),
  });
  return rows;
}

/** What several servers came to that were loaded at once. */
function together(measured: readonly Measured[]): Measured {
  const sum = (of: (one: Measured) => number) => measured.reduce((total, one) => total + of(one), 0);
  const perSecond = sum((one) => one.perSecond);
  return {
    perSecond,
    cpuMicroseconds: sum((one) => one.cpuMicroseconds * one.perSecond) / perSecond,
    p50Milliseconds: Math.max(...measured.map((one) => one.p50Milliseconds)),
    p99Milliseconds: Math.max(...measured.map((one) => one.p99Milliseconds)),
    residentMegabytes: sum((one) => one.residentMegabytes),
    refused: sum((one) => one.refused),
  };
}

/** Decisions in the process of a resource server, from the memory that the change stream keeps in step. */
export async function kitSubjects({ sqlite }: World): Promise<Subject[]> {
  return [
    {
      name: 'the kit, answers remembered',
      group: 'decisions in process',
      async measure(seconds): Promise<Measured> {
        const { said, stop } = await startProgram<Measured>('kit-decisions.ts', [
          sqlite.issuer,
          sqlite.tokens[0] ?? '',
          String(seconds),
        ]);
        await stop();
        return said;
      },
    },
  ];
}

/** Asks about each token once, so that all of them are remembered where there is room. */
async function askEach({ pid, url, headers, bodies }: Load): Promise<Measured> {
  let next = 0;
  const measured = await measure(pid, () =>
    closedLoop(600, () => async (post) => {
      const body = bodies[next++];
      return body === undefined ? 'done' : (await post(url, headers, body)).status === 200;
    }),
  );
  if (measured.refused > 0)
    throw new Error(`${measured.refused} of ${bodies.length} on ${connections} connections were refused`);
  return measured;
}
