/**
 * Where the shapes of a plot are. Pure: numbers in, rectangles out. Plots are drawn without text, so that they may be stretched to any
 * width; what is written beside them is HTML.
 */

/** What a shape means; the stylesheet knows its colour in light and dark. */
export type Tone = 'good' | 'plain' | 'warning' | 'danger';

/** One outcome over time. */
export interface Series {
  readonly tone: Tone;
  readonly values: readonly number[];
}

export interface Shape {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly tone: Tone;
}

export interface ColumnPlot {
  readonly width: number;
  readonly height: number;
  /** From the bottom up in each column, the columns from left to right. */
  readonly shapes: readonly Shape[];
  /** What the upper edge stands for. */
  readonly top: number;
}

const columnWidth = 10;
const gap = 1.5;
const plotHeight = 100;
/** What happened at all can be seen, however much else happened. */
const leastHeight = 1.5;

/** Rounds up to one, two or five and noughts, at least to one. */
export function roundUp(value: number): number {
  if (value <= 1) return 1;
  const magnitude = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 5, 10].find((one) => one * magnitude >= value) ?? 10;
  return step * magnitude;
}

/**
 * Stacks series into columns, one for each index.
 * @param series of one length, the lowest in the stack first; no value is negative
 */
export function columnPlot(series: readonly Series[]): ColumnPlot {
  const length = series[0]?.values.length ?? 0;
  const columns = Array.from({ length }, (_, at) => series.map(({ values }) => values[at] ?? 0));
  const top = roundUp(Math.max(0, ...columns.map(sum)));
  const shapes = columns.flatMap((column, at) => {
    let y = plotHeight;
    return heightsOf(column, top).flatMap((height, index) => {
      const tone = series[index]?.tone;
      if (height === 0 || tone === undefined) return [];
      y = round(y - height);
      return [{ x: round(at * columnWidth + gap), y, width: columnWidth - 2 * gap, height, tone }];
    });
  });
  return { width: length * columnWidth, height: plotHeight, shapes, top };
}

/** Heights of one column, no taller than the plot together: what is raised to be seen is taken from the tallest. */
function heightsOf(column: readonly number[], top: number): number[] {
  const heights = column.map((n) => (n === 0 ? 0 : Math.max(leastHeight, (n / top) * plotHeight)));
  const tallest = heights.indexOf(Math.max(...heights));
  const excess = sum(heights) - plotHeight;
  return heights.map((height, index) => round(index === tallest && excess > 0 ? height - excess : height));
}

export interface BarPlot {
  readonly width: number;
  readonly height: number;
  readonly shapes: readonly Shape[];
}

/**
 * Puts parts side by side into one bar.
 * @param most what the whole width stands for; no bar's parts are more together
 */
export function barPlot(
  parts: readonly { readonly n: number; readonly tone: Tone }[],
  most: number,
): BarPlot {
  const [width, height] = [100, 10];
  let x = 0;
  const shapes = parts
    .filter(({ n }) => n > 0)
    .map(({ n, tone }): Shape => {
      const part = round(Math.min(width - x, Math.max(0.5, (n / Math.max(1, most)) * width)));
      const shape = { x, y: 0, width: part, height, tone };
      x = round(x + part);
      return shape;
    });
  return { width, height, shapes };
}

const sum = (values: readonly number[]): number => values.reduce((all, n) => all + n, 0);
const round = (value: number): number => Math.round(value * 100) / 100;
