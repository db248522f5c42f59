/** The figures as tables. Pure. */
import type { Disturbed } from './disturbances.ts';
import type { Growth } from './growth.ts';
import type { Measured } from './load.ts';
import type { RevocationLatency } from './revocation-latency.ts';
import type { Started } from './start-up.ts';

export interface Row extends Measured {
  readonly group: string;
  readonly name: string;
  /** Requests a second, as a part of what the first of the group answers. */
  readonly ratio: number;
}

/** Everything that one run measured. */
export interface Report {
  readonly rows: readonly Row[];
  readonly starts: readonly Started[];
  readonly disturbances: readonly Disturbed[];
  readonly growth: readonly Growth[];
  readonly revocation?: RevocationLatency | undefined;
}

export const revokedByTheKit = 'from the acknowledgement of a revocation to the refusal by the kit';

/** Writes the tables of a report. */
export function tablesOf({ rows, starts, disturbances, growth, revocation }: Report): string {
  const groups = [...new Set(rows.map((row) => row.group))].map((group) =>
    table(
      [group, 'per second', '×', 'CPU µs each', 'p50 ms', 'p99 ms', 'RSS MB'],
      rows
        .filter((row) => row.group === group)
        .map((row) => [
          row.refused > 0 ? `${row.name} (${row.refused} refused)` : row.name,
          Math.round(row.perSecond).toLocaleString('en'),
          row.ratio.toFixed(2),
          row.cpuMicroseconds.toFixed(row.cpuMicroseconds < 10 ? 2 : 1),
          milliseconds(row.p50Milliseconds),
          milliseconds(row.p99Milliseconds),
          row.residentMegabytes.toFixed(0),
        ]),
    ),
  );
  const started = table(
    ['start to first answer', 'ms', 'CPU ms', 'RSS MB', 'RSS MB two seconds later'],
    starts.map((start) => [
      start.name,
      start.milliseconds.toFixed(0),
      start.cpuMilliseconds.toFixed(0),
      start.residentMegabytes.toFixed(0),
      start.settledMegabytes.toFixed(0),
    ]),
  );
  const disturbed = table(
    ['an introspection at a steady pace, while', 'per second', 'p50 ms', 'p99 ms', 'most ms', 'for s'],
    disturbances.map((row) => [
      row.refused > 0 ? `${row.name} (${row.refused} refused)` : row.name,
      Math.round(row.perSecond).toLocaleString('en'),
      milliseconds(row.p50Milliseconds),
      milliseconds(row.p99Milliseconds),
      milliseconds(row.mostMilliseconds),
      row.seconds.toFixed(1),
    ]),
  );
  const grown = table(
    ['one answer, without a socket', 'CPU µs when read', 'CPU µs when remembered', 'bytes'],
    growth.map((row) => [
      row.name,
      row.readMicroseconds.toFixed(0),
      row.rememberedMicroseconds.toFixed(1),
      row.bytes.toLocaleString('en'),
    ]),
  );
  const others = [
    revocation
      ? table(
          [revokedByTheKit, 'times', 'p50 ms', 'p99 ms', 'most ms'],
          [
            [
              "the kit's memory, through the change stream",
              String(revocation.times),
              ...[revocation.p50, revocation.p99, revocation.most].map(milliseconds),
            ],
          ],
        )
      : '',
    disturbances.length > 0 ? disturbed : '',
    starts.length > 0 ? started : '',
    growth.length > 0 ? grown : '',
  ];
  return [...groups, ...others].filter(Boolean).join('\n');
}

const milliseconds = (value: number) => value.toFixed(value < 0.1 ? 5 : 2);

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = `|---|${'--:|'.repeat(head.length - 1)}`;
  return `${[line(head), rule, ...rows.map(line)].join('\n')}\n`;
}
