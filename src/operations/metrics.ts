/**
 * What a Prometheus server reads. Owns the text; does not own the numbers, which are kept where they are counted. Loaded when
 * somebody first asks: a server that nobody watches does without.
 */
import { collectDefaultMetrics, type Metric, Registry } from '@prometheus-io/client';
import { bounds, type Histogram } from './histogram.ts';
import type { Labels, MetricFamily } from './metric-families.ts';

/** What one process knows, as the library passes it between processes. */
export type MetricsOfProcess = object[];

export interface Metrics {
  /** The metrics of this process. */
  read(): Promise<MetricsOfProcess>;
}

/** Puts families of numbers, and what is known of the process itself, together. */
export function createMetrics(families: readonly MetricFamily[]): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const family of families) registry.registerMetric(metricOf(family));
  return { read: () => registry.getMetricsAsJSON() };
}

/** Writes the metrics of all processes that serve side by side as one answer. */
export async function writeMetrics(
  processes: readonly MetricsOfProcess[],
): Promise<{ contentType: string; text: string }> {
  const together = Registry.aggregate([...processes]);
  return { contentType: Registry.PROMETHEUS_CONTENT_TYPE, text: await together.metrics() };
}

/** The library's own metrics are filled one observation at a time; these are read as they stand. */
function metricOf(family: MetricFamily): Metric {
  const { name, help, type, together: aggregator = 'sum' } = family;
  const values = async () =>
    family.type === 'histogram'
      ? family.read().flatMap(({ labels = {}, histogram }) => bucketsOf(name, labels, histogram))
      : (await family.read()).map(({ labels = {}, value }) => ({ labels, value }));
  const metric = {
    name,
    help,
    type,
    aggregator,
    get: async () => ({ name, help, type, aggregator, values: await values() }),
  };
  return metric as unknown as Metric;
}

/** Buckets of the text format: each counts all that took no longer. */
function bucketsOf(name: string, labels: Labels, { counts, sum }: Histogram) {
  let count = 0;
  const buckets = counts.map((n, index) => {
    count += n;
    const le = index < bounds.length ? String(bounds[index]) : '+Inf';
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: count };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
