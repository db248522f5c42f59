/** Folds the buckets of what was counted into series that have a figure for every hour or day, and into sums. Pure. */
import { type Bucket, bucketOf, type Span, spans } from '../../operations/activity-store.ts';
import { type Outcome, type Topic, topics } from '../../operations/tally.ts';

/** How many buckets a series has; the last one is not over yet. */
const lengths = { hour: 24, day: 30 } as const;

/** How often each outcome of a topic was met. */
export type Figures<T extends Topic> = Record<Outcome<T>, number>;
export type Point<T extends Topic> = { starts_at: number } & Figures<T>;

/** The beginning of the first bucket of a series that ends now. */
export function firstBucket(span: Span, now: number): number {
  return bucketOf(span, now) - (lengths[span] - 1) * spans[span].seconds;
}

function nothing<T extends Topic>(topic: T): Figures<T> {
  return Object.fromEntries(topics[topic].map((outcome) => [outcome, 0])) as Figures<T>;
}

function add<T extends Topic>(figures: Figures<T>, { outcome, n }: Bucket): void {
  // A newer version may count what this one does not know.
  if (Object.hasOwn(figures, outcome)) figures[outcome as Outcome<T>] += n;
}

/** One point for each hour or day up to now, also where nothing happened. */
export function seriesOf<T extends Topic>(
  topic: T,
  span: Span,
  buckets: readonly Bucket[],
  now: number,
): Point<T>[] {
  const first = firstBucket(span, now);
  const points = Array.from({ length: lengths[span] }, (_, index) => ({
    starts_at: first + index * spans[span].seconds,
    ...nothing(topic),
  }));
  for (const bucket of buckets) {
    const point = points[(bucket.startsAt - first) / spans[span].seconds];
    if (point && bucket.topic === topic) add<T>(point, bucket);
  }
  return points;
}

/** The sums of a series' time. */
export function sumOf<T extends Topic>(topic: T, buckets: readonly Bucket[]): Figures<T> {
  const figures = nothing(topic);
  for (const bucket of buckets) if (bucket.topic === topic) add(figures, bucket);
  return figures;
}

/** The sums of introspections for each resource server, the one that asked most first. */
export function byResourceServer(
  hours: readonly Bucket[],
  days: readonly Bucket[],
): { name: string; last_24_hours: Figures<'introspection'>; last_30_days: Figures<'introspection'> }[] {
  const names = new Set([...hours, ...days].map(({ party }) => party).filter((party) => party !== ''));
  const total = (figures: Figures<'introspection'>) => Object.values(figures).reduce((all, n) => all + n, 0);
  return [...names]
    .map((name) => ({
      name,
      last_24_hours: sumOf(
        'introspection',
        hours.filter(({ party }) => party === name),
      ),
      last_30_days: sumOf(
        'introspection',
        days.filter(({ party }) => party === name),
      ),
    }))
    .sort(
      (one, other) => total(other.last_30_days) - total(one.last_30_days) || (one.name < other.name ? -1 : 1),
    );
}
