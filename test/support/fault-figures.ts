/**
 * How long the runs against faults are, and what they measured. `npm test` makes each of them short; `npm run test:fault` makes them
 * long and turns the figures into the table of `docs/reliability.md`.
 */
import { appendFileSync } from 'node:fs';

/** One line of the table. */
export interface Figure {
  /** As in the list of scenarios: `R1`. */
  readonly id: string;
  readonly scenario: string;
  readonly target: string;
  readonly measured: string;
  /** Where it ran: `SQLite`, `PostgreSQL, two nodes`. */
  readonly engine: string;
}

/** Whether this is the long run. */
export const isLongRun = process.env.FAULT_RUN === 'long';

/** Chooses a size: of a run in seconds, and of the one that measures. */
export function sized<T>(short: T, long: T): T {
  return isLongRun ? long : short;
}

/**
 * Chooses how often something is tried. `FAULT_SCALE`, from 0 to 1, takes a share of the long run where the time is short; what was
 * tried is part of each figure.
 */
export function tries(short: number, long: number): number {
  return isLongRun ? Math.max(short, Math.round(long * Number(process.env.FAULT_SCALE ?? 1))) : short;
}

/** Puts a figure on record, where somebody collects them. */
export function record(figure: Figure): void {
  const file = process.env.FAULT_FIGURES;
  if (file) appendFileSync(file, `${JSON.stringify(figure)}\n`);
}

/** Writes the name of an engine. */
export const engineName = (engine: 'sqlite' | 'postgres') => (engine === 'sqlite' ? 'SQLite' : 'PostgreSQL');

/** The value below which this share of the values is. Sorts them. */
export function quantile(values: number[], share: number): number {
  values.sort((a, b) => a - b);
  return values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;
}

/** Waits. */
export const pause = (milliseconds: number) => new Promise((resume) => setTimeout(resume, milliseconds));
