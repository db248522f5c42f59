import { AsyncLocalStorage } from 'node:async_hooks';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { createTurns, oneEachTurn } from '../../../src/http/take-turns.ts';

test('pieces that come at once begin one in each turn, in their order, the first of them at once', async () => {
  const take = createTurns();
  const begun: number[] = [];
  for (const n of [1, 2, 3]) take(() => begun.push(n));
  const seen = [begun.length];
  while (begun.length < 3) {
    await turn();
    seen.push(begun.length);
  }
  expect(begun).toEqual([1, 2, 3]);
  expect(seen.slice(0, 3)).toEqual([1, 2, 3]);
});

test('what others have to do in a turn is done between two of them', async () => {
  const take = createTurns();
  const order: string[] = [];
  for (const page of ['first page', 'second page', 'third page']) take(() => order.push(page));
  await turn();
  order.push('question');
  while (order.length < 4) await turn();
  expect(order).toEqual(['first page', 'second page', 'question', 'third page']);
});

test('one that comes in a quiet turn waits for nobody', async () => {
  const take = createTurns();
  let begun = 0;
  for (let n = 1; n <= 3; n++) {
    take(() => {
      begun += 1;
    });
    expect(begun).toBe(n);
    await turn();
    await turn();
  }
});

test('each begins in the context that it came in', async () => {
  const take = createTurns();
  const request = new AsyncLocalStorage<number>();
  const seen: (number | undefined)[] = [];
  for (const n of [1, 2, 3]) request.run(n, () => take(() => seen.push(request.getStore())));
  take(() => seen.push(request.getStore()));
  while (seen.length < 4) await turn();
  expect(seen).toEqual([1, 2, 3, undefined]);
});

test('one that fails holds up none behind it', async () => {
  const take = createTurns();
  let begun = 0;
  const fail = () => {
    throw new Error('refused');
  };
  expect(() => take(fail)).toThrow('refused');
  take(() => {
    begun += 1;
  });
  await turn();
  await turn();
  expect(begun).toBe(1);
});

test('requests begin one in each turn, but those of one path at once', async () => {
  const begun: (string | undefined)[] = [];
  const listener = oneEachTurn(({ url }) => begun.push(url), {
    unless: '/token',
    before: () => begun.push('others'),
  });
  for (const url of ['/sign-in', '/account', '/token', '/admin', '/token']) {
    const request = Object.assign(new IncomingMessage(new Socket()), { url });
    listener(request, new ServerResponse(request));
  }
  expect(begun).toEqual(['others', '/sign-in', '/token', '/token']);
  await turn();
  await turn();
  await turn();
  expect(begun.slice(4)).toEqual(['others', '/account', 'others', '/admin']);
});
