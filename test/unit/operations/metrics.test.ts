import { describe, expect, test } from '@jest/globals';
import { endpointOf, outcomeOf } from '../../../src/operations/endpoint-name.ts';
import { bounds, createHistogram } from '../../../src/operations/histogram.ts';
import { createMetrics, writeMetrics } from '../../../src/operations/metrics.ts';
import { judgeMetricsRequest } from '../../../src/operations/metrics-endpoint.ts';
import { readTraceparent } from '../../../src/operations/trace-context.ts';

test.each([
  ['/', 'start'],
  ['/token', 'token'],
  ['/token?x=1', 'token'],
  ['/interaction/abcdef/consent', 'interaction'],
  ['/.well-known/openid-configuration', 'metadata'],
  ['/api/v1/users/usr_1', 'api'],
  ['/toString', 'other'],
  ['/wp-login.php', 'other'],
  ['*', 'start'],
])('%s is for the endpoint %s', (target, name) => {
  expect(endpointOf(target)).toBe(name);
});

test.each([
  [200, true, 'success'],
  [303, true, 'redirect'],
  [401, true, 'refusal'],
  [503, true, 'failure'],
  [200, false, 'aborted'],
] as const)('%d, complete: %s, is a %s', (status, complete, outcome) => {
  expect(outcomeOf(status, complete)).toBe(outcome);
});

test('a histogram has what took as long as a bound below it', () => {
  const histogram = createHistogram();
  for (const seconds of [0.00005, 0.00006, 0.02, 99]) histogram.note(seconds);
  expect(histogram.counts[0]).toBe(1);
  expect(histogram.counts[1]).toBe(1);
  expect(histogram.counts[bounds.indexOf(0.025)]).toBe(1);
  expect(histogram.counts.at(-1)).toBe(1);
  expect(histogram.sum).toBeCloseTo(99.02011);
});

test('metrics of several processes are added up', async () => {
  const histogram = createHistogram();
  histogram.note(0.3);
  const process = () =>
    createMetrics([
      {
        type: 'counter',
        name: 'asked_total',
        help: 'How often.',
        read: () => [{ labels: { by: 'a "quoted" name' }, value: 2 }],
      },
      { type: 'gauge', name: 'last', help: 'The last.', together: 'max', read: () => [{ value: 7 }] },
      { type: 'histogram', name: 'took_seconds', help: 'How long.', read: () => [{ histogram }] },
    ]).read();
  const { text, contentType } = await writeMetrics([await process(), await process()]);
  expect(contentType).toContain('version=0.0.4');
  expect(text).toContain('asked_total{by="a \\"quoted\\" name"} 4');
  expect(text).toMatch(/^last 7$/m);
  expect(text).toContain('took_seconds_bucket{le="0.25"} 0');
  expect(text).toContain('took_seconds_bucket{le="0.5"} 2');
  expect(text).toContain('took_seconds_bucket{le="+Inf"} 2');
  expect(text).toContain('took_seconds_count 2');
  expect(text).toMatch(/^# TYPE took_seconds histogram$/m);
  expect(text).toContain('process_cpu_user_seconds_total');
});

describe('the metrics are read', () => {
  const request = (headers: Record<string, string>, remoteAddress = '127.0.0.1') =>
    ({ headers: { host: 'localhost:4000', ...headers }, socket: { remoteAddress } }) as unknown as Parameters<
      typeof judgeMetricsRequest
    >[0];
  const open = { token: undefined, production: false };

  test('with a token, from anywhere', () => {
    const access = { token: 'a token of some length', production: true };
    const shown = (authorization: string) =>
      judgeMetricsRequest(request({ authorization }, '10.0.0.1'), access);
    expect(shown('Bearer a token of some length')).toBe('allowed');
    expect(shown('bearer a token of some length')).toBe('allowed');
    expect(shown('Bearer another token of it')).toBe('refused');
    expect(shown('')).toBe('refused');
  });

  test('without one, from this machine alone, and by its own name', () => {
    expect(judgeMetricsRequest(request({}), open)).toBe('allowed');
    expect(judgeMetricsRequest(request({ host: '[::1]:4000' }, '::1'), open)).toBe('allowed');
    expect(judgeMetricsRequest(request({}, '::ffff:127.0.0.1'), open)).toBe('allowed');
    expect(judgeMetricsRequest(request({}, '10.0.0.1'), open)).toBe('hidden');
    expect(judgeMetricsRequest(request({ host: 'rebound.example:4000' }), open)).toBe('hidden');
    expect(judgeMetricsRequest(request({ 'x-forwarded-for': '127.0.0.1' }), open)).toBe('hidden');
  });

  test('in production without a token by nobody', () => {
    expect(judgeMetricsRequest(request({}), { ...open, production: true })).toBe('hidden');
  });
});

test.each([
  ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', '4bf92f3577b34da6a3ce929d0e0e4736'],
  ['00-00000000000000000000000000000000-00f067aa0ba902b7-01', undefined],
  ['00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01', undefined],
  ['00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01', undefined],
  ['x\n"}', undefined],
  [undefined, undefined],
])('the trace of %j is %s', (header, id) => {
  expect(readTraceparent(header)?.traceId).toBe(id);
});
