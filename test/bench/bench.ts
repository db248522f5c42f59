/**
 * `npm run bench`: what an introspection costs, beside a server that answers a constant and beside the library as it comes.
 * The server has one core and the load another; rounds are interleaved, so that what else the machine does falls on all alike;
 * each figure is the median of the rounds, and of CPU the least.
 *
 * `-- --json` prints data instead of tables, `--rounds N` (5), `--seconds N` (3) for each figure, `--hot N` (100,000) tokens of the row
 * that shows what memory they take, `--many N` adds a row in which every question is about one of N tokens, `--only TEXT` keeps the rows
 * whose name or group contains it, `--plot FILE` writes a picture.
 */
import { writeFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, loadavg, release } from 'node:os';
import { parseArgs } from 'node:util';
import { type Disturbed, measureDisturbances } from './disturbances.ts';
import { type Growth, measureGrowth } from './growth.ts';
import { introspectionSubjects, kitSubjects, workerSubjects } from './introspection-subjects.ts';
import { connections, generator, type Measured } from './load.ts';
import { plotOf } from './plot.ts';
import { canPin, loadCore, pin, startProgram } from './process.ts';
import { type Row, revokedByTheKit, tablesOf } from './report.ts';
import type { RevocationLatency } from './revocation-latency.ts';
import { measureStarts, type Started } from './start-up.ts';
import { tokenSubjects } from './token-subjects.ts';
import { type Subject, startWorld, type World } from './world.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    hot: { type: 'string', default: '100000' },
    many: { type: 'string', default: '0' },
    only: { type: 'string', default: '' },
    plot: { type: 'string' },
  },
});
const rounds = Number(values.rounds);

const median = (numbers: readonly number[]): number => {
  const sorted = [...numbers].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
};

async function measureAll(subjects: readonly Subject[]): Promise<Row[]> {
  const seconds = Number(values.seconds);
  const measured = new Map<Subject, Measured[]>(subjects.map((subject) => [subject, []]));
  for (const subject of subjects) await subject.measure(1);
  for (let round = 0; round < rounds; round++) {
    for (const subject of subjects) measured.get(subject)?.push(await subject.measure(seconds));
  }
  const of = (subject: Subject, pick: (one: Measured) => number) =>
    median((measured.get(subject) ?? []).map(pick));
  return subjects.map((subject) => {
    const first = subjects.find(({ group }) => group === subject.group) ?? subject;
    const perSecond = of(subject, (one) => one.perSecond);
    return {
      group: subject.group,
      name: subject.name,
      perSecond,
      ratio: perSecond / of(first, (one) => one.perSecond),
      // What else the machine does only adds to it.
      cpuMicroseconds: Math.min(...(measured.get(subject) ?? []).map((one) => one.cpuMicroseconds)),
      p50Milliseconds: of(subject, (one) => one.p50Milliseconds),
      p99Milliseconds: of(subject, (one) => one.p99Milliseconds),
      residentMegabytes: of(subject, (one) => one.residentMegabytes),
      refused: (measured.get(subject) ?? []).reduce((sum, { refused }) => sum + refused, 0),
    };
  });
}

async function measureRevocations(): Promise<RevocationLatency> {
  const { said, stop } = await startProgram<RevocationLatency>('revocation-latency.ts', ['500']);
  await stop();
  return said;
}

const wanted = (text: string) => text.includes(values.only);

async function subjectsOf(world: World): Promise<Subject[]> {
  const all: Subject[] = [];
  const hot = wanted('introspections hot tokens') ? Number(values.hot) : 0;
  all.push(...(await introspectionSubjects(world, hot, Number(values.many))));
  if (wanted('introspections by several processes two workers')) all.push(...(await workerSubjects(world)));
  all.push(...(await kitSubjects(world)), ...(await tokenSubjects(world)));
  return all.filter(({ name, group }) => wanted(`${group} ${name}`));
}

const machine = `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} cores, Linux ${release()} ${arch()}, Node ${process.version}`;
const how = `${rounds} rounds of ${values.seconds} s, interleaved, medians, of CPU the least; ${connections} connections by ${generator}; ${
  canPin ? 'server and load on a core each' : 'NOT pinned to cores: read nothing into it'
}; load average at the start ${loadavg()[0]?.toFixed(1)}`;

pin(process.pid, loadCore);
// Each server that is started is ended when this process ends, and so hears of its end.
process.setMaxListeners(50);
const world = await startWorld(Math.max(1, Number(values.many)));
try {
  const rows = await measureAll(await subjectsOf(world));
  const disturbances: Disturbed[] = wanted('an introspection at a steady pace')
    ? await measureDisturbances(world)
    : [];
  const starts: Started[] = wanted('start to first answer') ? await measureStarts(world.folder, rounds) : [];
  const growth: Growth[] = wanted('one answer, without a socket') ? await measureGrowth(world.folder) : [];
  const revocation = wanted(revokedByTheKit) ? await measureRevocations() : undefined;
  if (values.plot) writeFileSync(values.plot, plotOf(rows, machine));
  console.log(
    values.json
      ? JSON.stringify({ machine, how, rows, disturbances, starts, growth, revocation }, undefined, 2)
      : `${machine}\n${how}\n\n${tablesOf({ rows, disturbances, starts, growth, revocation })}`,
  );
} catch (error) {
  console.error(world.output());
  throw error;
} finally {
  await world.stop();
}
