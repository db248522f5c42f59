/** What a head may have another of each time, and nothing beyond that. */
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { isPlainText, traceValues } from '../../../src/http/trace-values.ts';
import { ask, connectTo, type Echo, startEcho as startServer } from '../../support/echo-server.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

async function startEcho(attended: boolean): Promise<Echo> {
  const echo = await startServer(attended);
  closers.push(echo.close);
  return echo;
}

test('the values of headers that name a request or its trace are found, whatever else stands there', () => {
  const head =
    'POST /traceparent: HTTP/1.1\r\nHost: b3: x\r\nTraceParent:  00-1\r\nX-Traceparent: no\r\nb3:\r\nX-Request-Id: 7 \r\n\r\n';
  const found = traceValues(head).map(({ from, to }) => head.slice(from, to));
  expect(found).toEqual(['00-1', '', '7 ']);
});

test('plain text is printable ASCII', () => {
  for (let byte = 0; byte < 256; byte++) {
    const extent = { from: 1, to: 2 };
    expect(isPlainText(Uint8Array.of(0, byte, 0), extent)).toBe(byte >= 0x20 && byte <= 0x7e);
  }
});

test('a request under a known head may name itself and its trace, each time another', async () => {
  const echo = await startEcho(true);
  const client = await connectTo(echo);
  const named = (index: number) =>
    `TraceParent:  00-${String(index).padStart(32, '0')}-00f067aa0ba902b7-01\r\nX-Request-Id: ${index}\r\nTracestate:\r\n`;
  for (const [index, body] of ['one', 'two', 'six'].entries()) {
    client.socket.write(ask(body, named(index + 1)));
    await client.answers(index + 1);
  }
  expect([echo.parsed, echo.unparsed]).toEqual([['/ask one'], ['two', 'six']]);
});

const named = ask('one', 'X-Request-Id: abcdefghijkl\r\n');
const traced = (value: string) => ask('two', `X-Request-Id: ${value}\r\n`);
test.each([
  ['says more than a name there', traced('a\r\nExpect: 9')],
  ['has a line that ends there', traced('a\nExpect: 10')],
  ['ends there', traced('a\r\n\r\nGET /xy')],
  ['has a character there that no value may have', traced('a\0cdefghijkl')],
  ['has a byte there that is no ASCII', traced('\u00fcbcdefghijkl')],
  ['names itself in a longer way', traced('abcdefghijklm')],
  ['names itself in another header', ask('two', 'X-Request-Ip: abcdefghijkl\r\n')],
])('a request is not under a known head when it %s: that is for the parser to judge', async (_, piece) => {
  const heard: string[] = [];
  // All but the longer one are as long as the one that is known.
  expect(piece.length - named.length).toBe(piece.includes('klm') ? 1 : 0);
  for (const attended of [false, true]) {
    const echo = await startEcho(attended);
    const client = await connectTo(echo);
    client.socket.write(named);
    await client.answers(1);
    client.socket.write(piece, 'latin1');
    await wait(50);
    expect(echo.unparsed).toEqual([]);
    heard.push(await client.answers(2));
  }
  expect(heard[1]).toBe(heard[0]);
});
