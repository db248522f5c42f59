/**
 * `node test/bench/large-organization.ts`: how long a server with a large organization takes for each list and search, on either engine,
 * and how introspection fares while ten thousand authorizations of one person are revoked.
 *
 * `--json` prints data, `--engine sqlite|postgres` only one, `--only TEXT` the questions whose name contains it, `--times N` (5) asks each
 * so often, `--authorizations N` (100,000) makes a smaller organization, `--database URL` uses a seeded database (which it changes).
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { type Administrator, signInToApi } from '../support/administrator.ts';
import { largeOrganization, manyEmail, mostBystanders } from '../support/large-organization.ts';
import { startPostgres } from '../support/postgres.ts';
import { startServerProcess } from '../support/server-process.ts';
import { askMeanwhile } from './ask-meanwhile.ts';
import { openField } from './field.ts';
import { type Question, questionsFor } from './large-organization-questions.ts';
import { seedDatabase, sizedTo } from './seed-organization.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    engine: { type: 'string' },
    only: { type: 'string', default: '' },
    times: { type: 'string', default: '5' },
    authorizations: { type: 'string', default: String(largeOrganization.authorizations) },
    database: { type: 'string' },
  },
});

interface Answered {
  readonly name: string;
  readonly status: number;
  /** Milliseconds until the whole answer was there. */
  readonly median: number;
  readonly worst: number;
  /** Milliseconds that the server computed for one of them; what PostgreSQL did is not in it. */
  readonly cpu: number;
}

interface Revoked {
  readonly name: string;
  readonly seconds: number;
  /** Milliseconds of introspections that were asked meanwhile. */
  readonly introspections: number;
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
}

interface Report {
  readonly engine: string;
  readonly seededIn?: number;
  readonly load: { readonly before: number; readonly after: number };
  readonly lists: readonly Answered[];
  readonly revocations: readonly Revoked[];
}

async function measure(databaseUrl: string, seededIn?: number): Promise<Report> {
  const before = loadavg()[0] ?? 0;
  const server = await startServerProcess({ databaseUrl, environment: { LOG_LEVEL: 'error' } });
  const { store } = await openField(databaseUrl);
  try {
    const sessions = {
      owner: await signInToApi(server.issuer, 'owner@acme.test'),
      many: await signInToApi(server.issuer, manyEmail),
    };
    const lists: Answered[] = [];
    for (const question of await questionsFor(store)) {
      if (!question.name.includes(values.only)) continue;
      lists.push(await time(server.issuer, server.pid, sessions[question.who], question));
    }
    const { id } = await store.db
      .selectFrom('users')
      .select('id')
      .where('email_key', '=', manyEmail)
      .executeTakeFirstOrThrow();
    const { owner } = sessions;
    const revocations = [
      await amid(server.issuer, 'suspend and resume', async () => {
        await must(owner.call('POST', `/users/${id}/suspend`));
        await must(owner.call('POST', `/users/${id}/resume`));
      }),
      await amid(server.issuer, 'remove, with everything handed out', async () => {
        const etag = (await must(owner.call('GET', `/users/${id}`))).headers.get('etag') ?? '';
        await must(owner.call('DELETE', `/users/${id}`, undefined, { 'if-match': etag }));
      }),
    ];
    const load = { before, after: loadavg()[0] ?? 0 };
    return { engine: store.engine, ...(seededIn !== undefined && { seededIn }), load, lists, revocations };
  } finally {
    await store.close();
    await server.stop();
  }
}

async function must<Answer extends { status: number; text: string }>(
  answer: Promise<Answer>,
): Promise<Answer> {
  const given = await answer;
  if (given.status >= 300) throw new Error(`${given.status}: ${given.text}`);
  return given;
}

/** Asks once for the first time, which is not counted, and then as often as wanted. */
async function time(issuer: string, pid: number, who: Administrator, question: Question): Promise<Answered> {
  const ask = async () => {
    const started = performance.now();
    const response = await fetch(`${issuer}${question.path}`, {
      redirect: 'manual',
      headers: {
        cookie: who.cookie,
        ...(question.body !== undefined && {
          'content-type': 'application/json',
          'x-csrf-token': who.csrf,
          origin: issuer,
          'sec-fetch-site': 'same-origin',
        }),
      },
      ...(question.body !== undefined && { method: 'POST', body: JSON.stringify(question.body) }),
    });
    if (question.firstBytes) {
      const reader = response.body?.getReader();
      await reader?.read();
      const milliseconds = performance.now() - started;
      await reader?.cancel();
      return { status: response.status, milliseconds };
    }
    await response.arrayBuffer();
    return { status: response.status, milliseconds: performance.now() - started };
  };
  const { status } = await ask();
  const worked = cpuMilliseconds(pid);
  const took: number[] = [];
  for (let n = 0; n < Number(values.times); n++) took.push((await ask()).milliseconds);
  const cpu = (cpuMilliseconds(pid) - worked) / took.length;
  took.sort((one, other) => one - other);
  return { name: question.name, status, median: at(took, 0.5), worst: took.at(-1) ?? 0, cpu };
}

/** Does something while another process introspects. */
async function amid(issuer: string, name: string, work: () => Promise<void>): Promise<Revoked> {
  const pace = { perSecond: 100, token: 'bystander-#', many: mostBystanders };
  const { seconds, asked, within } = await askMeanwhile(issuer, pace, work);
  if (asked.some(({ active }) => !active)) throw new Error("somebody else's token was not active");
  return {
    name,
    seconds,
    introspections: asked.length,
    p50: within(0.5),
    p99: within(0.99),
    worst: within(1),
  };
}

const at = (sorted: readonly number[], part: number) =>
  sorted[Math.floor(sorted.length * part)] ?? Number.NaN;

/** What a process's threads have computed, from Linux's scheduler, to the nanosecond. */
function cpuMilliseconds(pid: number): number {
  const nanoseconds = readdirSync(`/proc/${pid}/task`).map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
  );
  return nanoseconds.reduce((total, n) => total + n, 0) / 1e6;
}

async function onSqlite(): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'mandate-large-'));
  try {
    const url = `sqlite:${join(folder, 'large.db')}`;
    const { seconds } = await seedDatabase(url, sizedTo(Number(values.authorizations)));
    return await measure(url, seconds);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function onPostgres(): Promise<Report> {
  const cluster = await startPostgres({ durable: true, settings: { shared_buffers: '128MB' } });
  try {
    const { seconds } = await seedDatabase(cluster.url, sizedTo(Number(values.authorizations)));
    return await measure(cluster.url, seconds);
  } finally {
    await cluster.stop();
  }
}

const reports: Report[] = [];
if (values.database) reports.push(await measure(values.database));
else {
  if (values.engine !== 'postgres') reports.push(await onSqlite());
  if (values.engine !== 'sqlite') reports.push(await onPostgres());
}

if (values.json) {
  process.stdout.write(
    `${JSON.stringify({ cpus: cpus()[0]?.model, cores: availableParallelism(), reports })}\n`,
  );
} else {
  process.stdout.write(tableOf(reports));
}

function tableOf(all: readonly Report[]): string {
  const ms = (n: number | undefined) => (n === undefined ? '' : n.toFixed(n < 10 ? 1 : 0));
  const engines = all.map(({ engine }) => `${engine} median | worst | CPU`);
  const lines = [
    `${cpus()[0]?.model ?? 'unknown CPU'}, ${availableParallelism()} cores; load average ${all.map(({ load }) => `${load.before.toFixed(1)}–${load.after.toFixed(1)}`).join(', ')}`,
    '',
    `| asked | ${engines.join(' | ')} |`,
    `|---|${'--:|--:|--:|'.repeat(all.length)}`,
    ...(all[0]?.lists ?? []).map(({ name, status }, index) => {
      const cells = all.map(({ lists }) => lists[index]);
      const figures = cells.map((one) => `${ms(one?.median)} | ${ms(one?.worst)} | ${ms(one?.cpu)}`);
      return `| ${name}${status < 400 ? '' : ` (${status})`} | ${figures.join(' | ')} |`;
    }),
    '',
    '| meanwhile | engine | seconds | introspections | p50 | p99 | worst |',
    '|---|---|--:|--:|--:|--:|--:|',
    ...all.flatMap(({ engine, revocations }) =>
      revocations.map(
        (one) =>
          `| ${one.name} | ${engine} | ${one.seconds.toFixed(2)} | ${one.introspections} | ${ms(one.p50)} | ${ms(one.p99)} | ${ms(one.worst)} |`,
      ),
    ),
  ];
  return `${lines.join('\n')}\n`;
}
