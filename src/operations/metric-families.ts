/** A metric as plain data, read when somebody asks. Names follow https://prometheus.io/docs/practices/naming/. */
import type { Histogram } from './histogram.ts';

export type Labels = Readonly<Record<string, string>>;

/** A value by its labels. */
export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

export type MetricFamily = {
  readonly name: string;
  readonly help: string;
  /** How the same metric of several processes becomes one. */
  readonly together?: 'sum' | 'max' | 'first';
} & (
  | {
      readonly type: 'counter' | 'gauge';
      readonly read: () => readonly Sample[] | Promise<readonly Sample[]>;
    }
  | {
      readonly type: 'histogram';
      readonly read: () => readonly { readonly labels?: Labels; readonly histogram: Histogram }[];
    }
);
