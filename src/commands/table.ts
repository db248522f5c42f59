import { harmless } from './harmless.ts';

/**
 * Lays rows out in columns; names come from strangers, so each cell is made harmless. Pure.
 * @param rows the first one is the heading; every row has as many cells
 */
export function table(rows: readonly (readonly string[])[]): string {
  const shown = rows.map((row) => row.map(harmless));
  const widths = (shown[0] ?? []).map((_, column) =>
    Math.max(...shown.map((row) => (row[column] ?? '').length)),
  );
  return shown
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Made when the first instant is written: formats of a region take 20 ms to load, and a server's start writes none. */
let instant: Intl.DateTimeFormat | undefined;

/** Writes an instant as `2026-11-21 22:06Z`. Pure. @param seconds integer seconds, or null for none */
export function shownInstant(seconds: number | null, none = '-'): string {
  instant ??= new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'short', timeZone: 'UTC' });
  return seconds === null ? none : `${instant.format(seconds * 1000)}Z`;
}
