/** When the cache answers and when it does not, with a stream and a clock that a test moves. */
import { afterEach, expect, test } from '@jest/globals';
import {
  type CachedIntrospector,
  createCachedIntrospector,
  type Introspection,
} from '../../../src/resource-server/index.ts';
import { activeAnswer } from './active-answer.ts';

const second = 1_790_000_100;
let cached: CachedIntrospector | undefined;
afterEach(() => cached?.close());

const turn = () => new Promise((resolve) => void setTimeout(resolve, 5));

function start(options: { mostEntries?: number; maxStalenessMilliseconds?: number } = {}) {
  const state = { now: 1_000_000, asked: [] as string[], requests: [] as RequestInit[] };
  let answer: (token: string) => Promise<Introspection> = async () => activeAnswer();
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let status = 200;
  const made = createCachedIntrospector({
    ...options,
    introspector: {
      introspect: (token) => {
        state.asked.push(token);
        return answer(token);
      },
    },
    stream: {
      issuer: 'https://mandate.example/',
      clientId: 'acme-api',
      clientSecret: 'secret',
      fetch: async (url, init) => {
        expect(url).toBe('https://mandate.example/changes');
        state.requests.push(init);
        const body = new ReadableStream<Uint8Array>({
          start(own) {
            controller = own;
          },
        });
        return new Response(body, { status, headers: { 'content-type': 'text/event-stream' } });
      },
    },
    monotonic: () => state.now,
  });
  cached = made;
  void made.introspect('the first question begins to listen');
  state.asked.length = 0;
  const say = async (text: string) => {
    controller?.enqueue(new TextEncoder().encode(text));
    await turn();
  };
  return {
    state,
    made,
    say,
    alive: (milliseconds: number, id = 10) => say(`: alive ${milliseconds} ${second}\nid: ${id}\n\n`),
    changed: (id: string) => say(`event: authorization\ndata: {"id":"${id}","version":8,"seq":11}\n\n`),
    answerWith(next: (token: string) => Promise<Introspection>) {
      answer = next;
    },
    async end() {
      controller?.close();
      await new Promise((resolve) => void setTimeout(resolve, 60));
    },
    refuse() {
      status = 401;
    },
  };
}

test('asks each time until the stream is in step, then once for each token', async () => {
  const { state, made, alive } = start();
  await made.introspect('one');
  await made.introspect('one');
  expect([state.asked.length, made.isAlive]).toEqual([2, false]);
  await alive(0);
  expect(made.isAlive).toBe(true);
  for (let again = 0; again < 10; again++) expect(await made.introspect('one')).toEqual(activeAnswer());
  await made.introspect('two');
  expect(state.asked).toEqual(['one', 'one', 'one', 'two']);
});

test('closes once the last proof is older than the bound, and opens with the next', async () => {
  const { state, made, alive } = start();
  await alive(0);
  await made.introspect('one');
  state.now += 1_000;
  await made.introspect('one');
  expect([state.asked.length, made.isAlive]).toEqual([1, true]);
  state.now += 1;
  await made.introspect('one');
  expect([state.asked.length, made.isAlive]).toEqual([2, false]);
  await alive(1_001);
  await made.introspect('one');
  expect([state.asked.length, made.isAlive]).toEqual([2, true]);
});

test.each([0, 200, 10_000])('closes after the bound that it was given: %d ms', async (bound) => {
  const { state, made, alive } = start({ maxStalenessMilliseconds: bound });
  await alive(0);
  await made.introspect('one');
  state.now += bound;
  await made.introspect('one');
  expect([state.asked.length, made.isAlive]).toEqual([1, true]);
  state.now += 1;
  await made.introspect('one');
  expect([state.asked.length, made.isAlive]).toEqual([2, false]);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, -1])('takes no bound that bounds nothing: %d', (bound) => {
  expect(() => start({ maxStalenessMilliseconds: bound })).toThrow(RangeError);
  expect(() => start({ mostEntries: bound })).toThrow(RangeError);
});

test('is not opened by a proof that was long on its way', async () => {
  const { state, made, alive } = start();
  await alive(0);
  state.now += 3_000;
  await alive(1_999);
  expect(made.isAlive).toBe(false);
  await alive(2_000);
  expect(made.isAlive).toBe(true);
});

test('leaves a stream that has fallen behind for a new one', async () => {
  const { state, made, alive } = start();
  await alive(0, 41);
  state.now += 10_000;
  await alive(6_000, 42);
  expect(made.isAlive).toBe(false);
  await new Promise((resolve) => void setTimeout(resolve, 450));
  expect(new Headers(state.requests[1]?.headers).get('last-event-id')).toBe('42');
  await alive(0, 43);
  expect(made.isAlive).toBe(true);
});

test('is never ahead of its own clock, whatever the server counts', async () => {
  const { state, made, alive } = start();
  await alive(60_000);
  state.now += 1_001;
  expect(made.isAlive).toBe(false);
});

test('forgets what changed and keeps the rest; a flush forgets everything, and so does what it does not know', async () => {
  const { state, made, alive, changed, say, answerWith } = start();
  answerWith(async (token) => activeAnswer({ authorization_id: `az_${token}` }));
  await alive(0);
  const ask = async () => {
    state.asked.length = 0;
    await made.introspect('1');
    await made.introspect('2');
    return state.asked.join();
  };
  await ask();
  await changed('az_1');
  expect(await ask()).toBe('1');
  for (const text of [
    'event: flush\ndata: {}\n\n',
    'event: news\ndata: x\n\n',
    'event: authorization\ndata: {\n\n',
  ]) {
    expect(await ask()).toBe('');
    await say(text);
    expect(await ask()).toBe('1,2');
  }
});

test('does not keep an answer that a change overtook on its way', async () => {
  const { state, made, alive, changed, answerWith } = start();
  await alive(0);
  let deliver: (answer: Introspection) => void = () => {};
  answerWith(() => new Promise((resolve) => (deliver = resolve)));
  const old = made.introspect('one');
  await changed('az_1');
  await alive(1, 11);
  deliver(activeAnswer());
  expect(await old).toMatchObject({ scope: 'api flows:edit' });
  answerWith(async () => activeAnswer({ scope: 'api' }));
  expect(await made.introspect('one')).toMatchObject({ scope: 'api' });
  expect(await made.introspect('one')).toMatchObject({ scope: 'api' });
  expect(state.asked).toHaveLength(2);
});

test('remembers no inactive answer, and none past its end by the server’s clock', async () => {
  const { state, made, alive, answerWith } = start();
  await alive(0);
  answerWith(async () => ({ active: false }));
  await made.introspect('dead');
  await made.introspect('dead');
  expect(state.asked).toHaveLength(2);
  answerWith(async () => activeAnswer({ exp: second + 2 }));
  await made.introspect('brief');
  await made.introspect('brief');
  expect(state.asked).toHaveLength(3);
  state.now += 1_000;
  await made.introspect('brief');
  expect(state.asked).toHaveLength(4);
});

test('keeps no more than it may', async () => {
  const { state, made, alive } = start({ mostEntries: 10 });
  await alive(0);
  for (let n = 0; n < 100; n++) await made.introspect(`t${n}`);
  state.asked.length = 0;
  for (let n = 0; n < 100; n++) await made.introspect(`t${99 - n}`);
  expect(state.asked.length).toBeGreaterThanOrEqual(90);
});

test('comes back after the end with the last number, and what it knew still holds', async () => {
  const { state, made, alive, end, changed } = start();
  await alive(0, 41);
  await made.introspect('one');
  await end();
  expect(state.requests).toHaveLength(2);
  expect(new Headers(state.requests[1]?.headers).get('last-event-id')).toBe('41');
  await made.introspect('one');
  expect(state.asked).toHaveLength(1);
  await changed('az_1');
  await made.introspect('one');
  expect(state.asked).toHaveLength(2);
});

test('stays closed while it is refused, and passes on that no answer can be had', async () => {
  const { made, alive, refuse, end, answerWith, state } = start();
  refuse();
  await end();
  await alive(0);
  expect(made.isAlive).toBe(false);
  answerWith(async () => Promise.reject(new Error('unavailable')));
  await expect(made.introspect('one')).rejects.toThrow('unavailable');
  expect(state.requests[0]).toMatchObject({ redirect: 'manual' });
});

test('answers cannot be altered by whoever gets them', async () => {
  const { made, alive } = start();
  await alive(0);
  await made.introspect('one');
  const answer = await made.introspect('one');
  expect(Object.isFrozen(answer)).toBe(true);
  expect(answer.active && Object.isFrozen(answer.authorization_details[0])).toBe(true);
});

test('sends nothing before the first question', async () => {
  let sent = 0;
  const made = createCachedIntrospector({
    introspector: { introspect: async () => ({ active: false }) },
    stream: {
      changesEndpoint: 'https://mandate.example/changes',
      clientId: 'acme-api',
      clientSecret: 'secret',
      fetch: async () => {
        sent += 1;
        return new Response(null, { status: 503 });
      },
    },
  });
  await turn();
  expect([sent, made.isAlive]).toEqual([0, false]);
  await made.introspect('one');
  expect(sent).toBe(1);
  made.close();
});

test('asks live and remembers nothing once it is closed', async () => {
  const { state, made, alive } = start();
  await alive(0);
  await made.introspect('one');
  made.close();
  await made.introspect('one');
  await made.introspect('one');
  expect(state.asked).toHaveLength(3);
});
