/**
 * `npm run bench`: what an introspection costs, beside a server that answers a constant and beside the library as it comes.
 * The server has one core and the load another; rounds are interleaved, so that what else the machine does falls on all alike;
 * each figure is the median of the rounds.
 *
 * `-- --json` prints data instead of a table, `--rounds N` (5), `--seconds N` (3) for each figure, `--many N` adds a row in
 * which every question is about one of N tokens, `--only TEXT` keeps the rows whose name or group contains it.
 */
import { arch, availableParallelism, cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import { connections, generator, type Measured } from './load.ts';
import { canPin, loadCore, pin } from './process.ts';
import { type Subject, startSubjects } from './subjects.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    many: { type: 'string', default: '0' },
    only: { type: 'string', default: '' },
  },
});

interface Row extends Measured {
  readonly group: string;
  readonly name: string;
  /** Requests a second, as a part of what the first of the group answers. */
  readonly ratio: number;
}

const median = (numbers: readonly number[]): number => {
  const sorted = [...numbers].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
};

async function measureAll(subjects: readonly Subject[]): Promise<Row[]> {
  const seconds = Number(values.seconds);
  const rounds = new Map<Subject, Measured[]>(subjects.map((subject) => [subject, []]));
  for (const subject of subjects) await subject.measure(1);
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const subject of subjects) rounds.get(subject)?.push(await subject.measure(seconds));
  }
  const of = (subject: Subject, pick: (one: Measured) => number) =>
    median((rounds.get(subject) ?? []).map(pick));
  return subjects.map((subject) => {
    const first = subjects.find(({ group }) => group === subject.group) ?? subject;
    const perSecond = of(subject, (one) => one.perSecond);
    return {
      group: subject.group,
      name: subject.name,
      perSecond,
      ratio: perSecond / of(first, (one) => one.perSecond),
      cpuMicroseconds: of(subject, (one) => one.cpuMicroseconds),
      p50Milliseconds: of(subject, (one) => one.p50Milliseconds),
      p99Milliseconds: of(subject, (one) => one.p99Milliseconds),
      residentMegabytes: of(subject, (one) => one.residentMegabytes),
      refused: (rounds.get(subject) ?? []).reduce((sum, { refused }) => sum + refused, 0),
    };
  });
}

function table(rows: readonly Row[]): string {
  const lines: string[] = [];
  for (const group of new Set(rows.map((row) => row.group))) {
    lines.push(
      `| ${group} | per second | × | CPU µs each | p50 ms | p99 ms | RSS MB |`,
      '|---|--:|--:|--:|--:|--:|--:|',
    );
    for (const row of rows.filter((one) => one.group === group)) {
      const cells = [
        Math.round(row.perSecond).toLocaleString('en'),
        row.ratio.toFixed(2),
        row.cpuMicroseconds.toFixed(1),
        row.p50Milliseconds.toFixed(2),
        row.p99Milliseconds.toFixed(2),
        row.residentMegabytes.toFixed(0),
      ];
      const name = row.refused > 0 ? `${row.name} (${row.refused} refused)` : row.name;
      lines.push(`| ${name} | ${cells.join(' | ')} |`);
    }
    lines.push('');
  }
  return lines.join('\n');
}

const machine = `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} cores, Linux ${release()} ${arch()}, Node ${process.version}`;
const how = `${values.rounds} rounds of ${values.seconds} s, interleaved, medians; ${connections} connections by ${generator}; ${
  canPin ? 'server and load on a core each' : 'NOT pinned to cores: read nothing into it'
}`;

pin(process.pid, loadCore);
const { all, stop, output } = await startSubjects({ many: Number(values.many) });
try {
  const kept = all.filter(({ name, group }) => `${group} ${name}`.includes(values.only));
  const rows = await measureAll(kept);
  console.log(
    values.json
      ? JSON.stringify({ machine, how, rows }, undefined, 2)
      : `${machine}\n${how}\n\n${table(rows)}`,
  );
} catch (error) {
  console.error(output());
  throw error;
} finally {
  await stop();
}
