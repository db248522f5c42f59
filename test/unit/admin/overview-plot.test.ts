import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { barPlot, columnPlot, roundUp } from '../../../src/admin/pages/overview-plot.ts';

test.each([
  [0, 1],
  [1, 1],
  [3, 5],
  [5, 5],
  [6, 10],
  [11, 20],
  [999, 1_000],
  [1_000, 1_000],
  [1_234_567, 2_000_000],
])('%d is rounded up to %d', (value, rounded) => {
  expect(roundUp(value)).toBe(rounded);
});

describe('columns', () => {
  test('are stacked from the bottom, in the order of the series', () => {
    const { shapes, top, width, height } = columnPlot([
      { tone: 'good', values: [50, 0] },
      { tone: 'danger', values: [25, 100] },
    ]);
    expect({ top, width, height }).toEqual({ top: 100, width: 20, height: 100 });
    expect(shapes).toEqual([
      { x: 1.5, y: 50, width: 7, height: 50, tone: 'good' },
      { x: 1.5, y: 25, width: 7, height: 25, tone: 'danger' },
      { x: 11.5, y: 0, width: 7, height: 100, tone: 'danger' },
    ]);
  });

  test('show what happened once among a million', () => {
    const { shapes } = columnPlot([
      { tone: 'good', values: [999_999] },
      { tone: 'danger', values: [1] },
    ]);
    expect(shapes.map(({ height }) => height)).toEqual([98.5, 1.5]);
  });

  test('stay inside the plot, and there is one for each figure that is not zero', () => {
    const column = fc.array(fc.nat(2_000_000), { minLength: 24, maxLength: 24 });
    fc.assert(
      fc.property(fc.tuple(column, column, column, column), (values) => {
        const tones = ['good', 'plain', 'warning', 'danger'] as const;
        const { shapes, top } = columnPlot(
          values.map((one, index) => ({ tone: tones[index] ?? 'good', values: one })),
        );
        expect(shapes).toHaveLength(values.flat().filter((n) => n > 0).length);
        for (const { x, y, width, height } of shapes) {
          expect(height).toBeGreaterThan(0);
          expect(y).toBeGreaterThanOrEqual(-0.05);
          expect(y + height).toBeLessThanOrEqual(100.05);
          expect(x).toBeGreaterThan(0);
          expect(x + width).toBeLessThan(240);
        }
        const highest = Math.max(
          ...values[0].map((_, at) => values.reduce((all, one) => all + (one[at] ?? 0), 0)),
        );
        expect(top).toBeGreaterThanOrEqual(highest);
      }),
    );
  });

  test('of nothing are none', () => {
    expect(columnPlot([{ tone: 'good', values: [0, 0] }])).toMatchObject({ shapes: [], top: 1 });
    expect(columnPlot([])).toMatchObject({ shapes: [], width: 0 });
  });
});

describe('a bar', () => {
  test('has its parts side by side, as wide as they are of the most', () => {
    const { shapes } = barPlot(
      [
        { n: 30, tone: 'good' },
        { n: 0, tone: 'plain' },
        { n: 10, tone: 'danger' },
      ],
      80,
    );
    expect(shapes.map(({ x, width, tone }) => [x, width, tone])).toEqual([
      [0, 37.5, 'good'],
      [37.5, 12.5, 'danger'],
    ]);
  });

  test('is never wider than the plot', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_000_000), { maxLength: 6 }), (values) => {
        const most = values.reduce((all, n) => all + n, 0);
        const { shapes } = barPlot(
          values.map((n) => ({ n, tone: 'plain' })),
          most,
        );
        for (const { x, width } of shapes) expect(x + width).toBeLessThanOrEqual(100.05);
      }),
    );
  });
});
