/** The blocks that only the overview has: figures, plots over time, bars. Every plot comes with its numbers as a table. */
import type { BarPlot, ColumnPlot, Tone } from './overview-plot.ts';

export interface LegendEntry {
  readonly label: string;
  readonly tone: Tone;
}

export type OverviewBlock =
  /** A few numbers that are read at a glance. */
  | {
      readonly kind: 'figures';
      readonly figures: readonly {
        readonly label: string;
        readonly value: string;
        /** What it is to be compared with. */
        readonly text?: string;
        readonly href?: string;
        readonly tone?: 'warning' | 'danger';
      }[];
    }
  | {
      readonly kind: 'plots';
      readonly title: string;
      readonly text?: string;
      readonly legend: readonly LegendEntry[];
      readonly plots: readonly {
        readonly title: string;
        /** Says in a sentence what the drawing shows. */
        readonly description: string;
        readonly drawing: ColumnPlot;
        /** What the upper edge and both ends stand for. */
        readonly top: string;
        readonly from: string;
        readonly to: string;
        /** What opens the numbers. */
        readonly numbers: string;
        readonly columns: readonly string[];
        readonly rows: readonly (readonly string[])[];
      }[];
    }
  /** A table whose rows are drawn too. */
  | {
      readonly kind: 'bars';
      readonly title: string;
      readonly text?: string;
      readonly legend: readonly LegendEntry[];
      /** The names of the first column and of the numbers. */
      readonly columns: readonly string[];
      readonly rows: readonly {
        readonly label: string;
        readonly code?: boolean;
        readonly drawing: BarPlot;
        readonly numbers: readonly string[];
      }[];
      readonly empty: string;
    };
