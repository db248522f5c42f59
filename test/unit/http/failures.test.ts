import { expect, test } from '@jest/globals';
import type Koa from 'koa';
import { answerApiFailure, answerFailure, type Failure } from '../../../src/http/failures.ts';

function answered(kind: Failure['kind'], answer = answerApiFailure) {
  const headers: Record<string, string> = {};
  const ctx = {
    state: { requestId: 'r1' },
    status: 0,
    type: '',
    body: undefined as unknown,
    set: (name: string, value: string) => {
      headers[name] = value;
    },
  };
  answer(ctx as unknown as Koa.Context, { kind });
  return { ...ctx, headers };
}

test('an outage is a problem that may pass, and says when to try again', () => {
  expect(answered('outage')).toMatchObject({
    status: 503,
    type: 'application/problem+json',
    headers: { 'Retry-After': '1', 'Cache-Control': 'no-store' },
    body: { status: 503, code: 'unavailable', request_id: 'r1' },
  });
});

test.each([
  ['outage', 'cannot reach its storage'],
  ['busy', 'has too much to do at this moment'],
] as const)('what may pass says when to try again, and what it is: %s', (kind, said) => {
  const passing = { status: 503, headers: { 'Retry-After': '1' } };
  expect(answered(kind)).toMatchObject({ ...passing, body: { detail: expect.stringContaining(said) } });
  expect(answered(kind, answerFailure)).toMatchObject({
    ...passing,
    body: { error: 'temporarily_unavailable', error_description: `the server ${said}` },
  });
});

test('a mistake of ours is a problem that says nothing of what it was', () => {
  expect(answered('bug')).toMatchObject({
    status: 500,
    type: 'application/problem+json',
    body: { status: 500, code: 'internal', request_id: 'r1' },
  });
});
