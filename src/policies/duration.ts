/** Times as people write them: `90s`, `15m`, `12h`, `30d`. */

const units = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;

/** Reads `15m` as seconds. Pure. @returns undefined when it is no time */
export function durationOf(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * units[unit as keyof typeof units];
}

/** Writes seconds in the largest unit that is exact. Pure. @param seconds null: `none` */
export function writtenDuration(seconds: number | null): string {
  if (seconds === null) return 'none';
  const [unit, size] = (['d', 'h', 'm'] as const)
    .map((name) => [name, units[name]] as const)
    .find(([, one]) => seconds >= one && seconds % one === 0) ?? ['s', 1];
  return `${seconds / size}${unit}`;
}
