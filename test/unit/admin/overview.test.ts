import { describe, expect, test } from '@jest/globals';
import { byResourceServer, firstBucket, seriesOf, sumOf } from '../../../src/admin/api/overview.ts';
import { bucketOf } from '../../../src/operations/activity-store.ts';

const now = bucketOf('day', 1_790_000_000) + 5 * 3_600 + 100;
const hour = bucketOf('hour', now);
const bucket = (startsAt: number, outcome: string, n: number, party = '') => ({
  startsAt,
  topic: 'introspection',
  outcome,
  party,
  n,
});

describe('a series', () => {
  test('has a point for every hour up to this one, also where nothing happened', () => {
    const points = seriesOf(
      'introspection',
      'hour',
      [
        bucket(hour, 'active', 3, 'a'),
        bucket(hour, 'active', 4, 'b'),
        bucket(hour - 3_600, 'unavailable', 1),
      ],
      now,
    );
    expect(points).toHaveLength(24);
    expect(points[0]?.starts_at).toBe(firstBucket('hour', now));
    expect(points.at(-1)).toEqual({
      starts_at: hour,
      active: 7,
      inactive: 0,
      refused_caller: 0,
      unavailable: 0,
    });
    expect(points.at(-2)).toMatchObject({ active: 0, unavailable: 1 });
  });

  test('leaves out what is older, what is of another topic, and outcomes that it does not know', () => {
    const points = seriesOf(
      'introspection',
      'day',
      [
        bucket(firstBucket('day', now) - 86_400, 'active', 9),
        { ...bucket(bucketOf('day', now), 'wrong', 5), topic: 'sign_in' },
        bucket(bucketOf('day', now), 'of_tomorrow', 5),
        bucket(bucketOf('day', now), 'toString', 5),
      ],
      now,
    );
    expect(points).toHaveLength(30);
    expect(
      points.flatMap(({ starts_at: _, ...figures }) => Object.values(figures)).every((n) => n === 0),
    ).toBe(true);
    expect(Object.keys(points[0] ?? {})).toHaveLength(5);
  });
});

test('sums go over all parties', () => {
  expect(sumOf('introspection', [bucket(1, 'active', 1, 'a'), bucket(2, 'active', 2, 'b')])).toMatchObject({
    active: 3,
  });
});

test('resource servers are listed by how much they asked in thirty days', () => {
  const found = byResourceServer(
    [bucket(hour, 'active', 1, 'quiet')],
    [bucket(0, 'active', 1, 'quiet'), bucket(0, 'inactive', 5, 'busy'), bucket(0, 'refused_caller', 99)],
  );
  expect(
    found.map(({ name, last_24_hours: day, last_30_days: month }) => [
      name,
      day.active,
      month.active,
      month.inactive,
    ]),
  ).toEqual([
    ['busy', 0, 0, 5],
    ['quiet', 1, 1, 0],
  ]);
});
