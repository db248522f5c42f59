/** Ahead of the parser nothing may look different from behind it: every stream of bytes has the same answers in the same order. */
import type { ServerOptions } from 'node:http';
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ask, connectTo, type Echo, startEcho as startServer } from '../../support/echo-server.ts';
import { startStopwatch } from '../../support/thread-time.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

async function startEcho(attended: boolean, options?: ServerOptions): Promise<Echo> {
  const echo = await startServer(attended, options);
  closers.push(echo.close);
  return echo;
}

/** Time for everything that was sent, and turns of the loop to hear and answer it: a timer alone may be over before there was any. */
async function aWhile(): Promise<void> {
  await wait(30);
  for (let turns = 0; turns < 10; turns += 1) await turn();
}

/** What was answered, in its order. */
const answered = ({ received }: { received(): string }) =>
  received().match(/(?<=\/ask )(?:one|two|six|ten)/g);

describe('a request under a known head', () => {
  test('is answered ahead of the parser, in the bytes that the server itself would send', async () => {
    const echo = await startEcho(true);
    const client = await connectTo(echo);
    client.socket.write(ask('one'));
    const first = await client.answers(1);
    client.socket.write(ask('two'));
    const both = await client.answers(2);
    expect(both.slice(first.length)).toBe(first.replace('one', 'two'));
    expect([echo.parsed, echo.unparsed]).toEqual([['/ask one'], ['two']]);
  });

  test('may have any other answer, and the connection goes on', async () => {
    const echo = await startEcho(true);
    const client = await connectTo(echo);
    for (const [index, body] of ['starts', 'refuse', 'begins'].entries()) {
      client.socket.write(ask(body));
      await client.answers(index + 1);
    }
    expect(client.received()).toMatch(/200 OK.*400 Bad Request.*no.*200 OK.*\/ask begins$/s);
    expect(echo.unparsed).toEqual(['refuse', 'begins']);
    expect(echo.underWay()).toBe(0);
  });

  test('goes to the parser while the server is about to stop', async () => {
    const echo = await startEcho(true);
    const client = await connectTo(echo);
    client.socket.write(ask('one'));
    await client.answers(1);
    echo.open = false;
    client.socket.write(ask('two'));
    await client.answers(2);
    expect(echo.parsed).toEqual(['/ask one', '/ask two']);
  });

  test('is known still after another request on the same connection', async () => {
    const echo = await startEcho(true);
    const client = await connectTo(echo);
    const pieces = [ask('one'), 'GET /other HTTP/1.1\r\nHost: a\r\n\r\n', ask('two'), ask('six')];
    for (const [index, piece] of pieces.entries()) {
      client.socket.write(piece);
      await client.answers(index + 1);
    }
    expect([echo.parsed, echo.unparsed]).toEqual([
      ['/ask one', '/other '],
      ['two', 'six'],
    ]);
  });

  test('is known still after a request that came in two pieces, and its own may', async () => {
    const echo = await startEcho(true);
    const client = await connectTo(echo);
    const at = ask('one').length - 2;
    client.socket.write(ask('one').slice(0, at));
    await aWhile();
    client.socket.write(ask('one').slice(at));
    await client.answers(1);
    client.socket.write(ask('two'));
    await client.answers(2);
    expect([echo.parsed, echo.unparsed]).toEqual([['/ask one'], ['two']]);
  });

  test('is answered once, whatever happens after its answer', async () => {
    const echo = await startEcho(true);
    const client = await connectTo(echo);
    for (const [index, body] of ['first', 'twice', 'after'].entries()) {
      client.socket.write(ask(body));
      await client.answers(index + 1);
    }
    expect(client.received().match(/HTTP\/1\.1 \d\d\d/g)).toHaveLength(3);
    expect(client.received()).toMatch(/\/ask first.*\/ask twice.*\/ask after$/s);
    expect([echo.unparsed, echo.underWay()]).toEqual([['twice', 'after'], 0]);
  });

  test.each([
    ['HTTP/1.0', 'POST /ask HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\none'],
    ['an expectation', ask('one', 'Expect: 100-continue\r\n')],
    ['an upgrade', ask('one', 'Upgrade: h2c\r\n')],
    ['more than a connection should keep', ask('one', `X-Long: ${'x'.repeat(4_096)}\r\n`)],
    ['options of the connection', ask('one', 'Connection: TE, keep-alive\r\n')],
    [
      'a chunked body',
      'POST /ask HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n',
    ],
  ])('is never one with %s', async (_, piece) => {
    const echo = await startEcho(true);
    const client = await connectTo(echo);
    for (const count of [1, 2]) {
      client.socket.write(piece);
      await aWhile();
      await client.answers(count);
    }
    expect(echo.unparsed).toEqual([]);
    expect(echo.parsed).toEqual(['/ask one', '/ask one']);
  });
});

describe('a request cannot be hidden in another:', () => {
  test.each([
    ['the body of one that is under way', 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 60\r\n\r\n'],
    ['a head that has only begun', 'GET /x HTTP/1.1\r\nHost: a\r\nX-Begun: '],
    ['a chunk', 'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3c\r\n'],
  ])('%s stays what it is, though the bytes are those of a known request', async (_, begun) => {
    const echo = await startEcho(true);
    const client = await connectTo(echo);
    client.socket.write(ask('one'));
    await client.answers(1);
    client.socket.write(begun);
    await aWhile();
    client.socket.write(ask('two'));
    await aWhile();
    expect(echo.unparsed).toEqual([]);
  });

  const early = (bodyBytes: number | string) =>
    `POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: ${bodyBytes}\r\n\r\n`;
  test.each([
    ['a body that comes after the answer', early(ask('two').length)],
    [
      'the same, where the head before it was refused without being announced',
      // As long as its own head: the first head and this body together are just as long as the piece.
      `GET /x HTTP/1.1\r\nHost: a\r\nExpect: else\r\n\r\n${early(early('00').length)}`,
    ],
  ])('%s is no request, though its bytes are those of a known one', async (_, begun) => {
    const heard: string[] = [];
    for (const attended of [false, true]) {
      const echo = await startEcho(attended);
      const client = await connectTo(echo);
      client.socket.write(ask('one'));
      await client.answers(1);
      client.socket.write(begun);
      await aWhile();
      client.socket.write(ask('two'));
      await aWhile();
      expect(echo.unparsed).toEqual([]);
      expect(echo.parsed).toEqual(['/ask one', '/early']);
      heard.push(await client.answers(2));
    }
    expect(heard[1]).toBe(heard[0]);
  });

  test('two requests in one piece are two, in their order, and what follows them too', async () => {
    const echo = await startEcho(true);
    const client = await connectTo(echo);
    client.socket.write(ask('one'));
    await client.answers(1);
    client.socket.write(ask('two') + ask('six'));
    await client.answers(3);
    client.socket.write(ask('ten'));
    await client.answers(4);
    expect(answered(client)).toEqual(['one', 'two', 'six', 'ten']);
  });

  test('what comes before the answer waits for it', async () => {
    const echo = await startEcho(true);
    const client = await connectTo(echo);
    client.socket.write(ask('one'));
    await client.answers(1);
    for (const body of ['two', 'six', 'ten']) {
      client.socket.write(ask(body));
      // Pieces of their own, as far as the system lets them be.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await client.answers(4);
    expect(answered(client)).toEqual(['one', 'two', 'six', 'ten']);
  });

  test('those that come one behind the other, answered or not, wait for one answer at most', async () => {
    const echo = await startEcho(true);
    const client = await connectTo(echo);
    client.socket.write(ask('first'));
    await client.answers(1);
    const taken = startStopwatch();
    for (let asked = 0; asked < 5; asked += 1) {
      client.socket.write(ask('later'));
      // The first is heard by itself.
      do await wait(10);
      while (echo.unparsed.length === 0);
    }
    await client.answers(6);
    expect(client.received().match(/\/ask later/g)).toHaveLength(5);
    expect(taken()).toBeLessThan(900);
    expect([echo.unparsed, echo.parsed.length]).toEqual([['later'], 5]);
  });

  test('a line that ends without a carriage return is left to the parser', async () => {
    const echo = await startEcho(true);
    const client = await connectTo(echo);
    client.socket.write('POST /ask HTTP/1.1\nHost: a\nContent-Length: 0\n\n');
    await aWhile();
    client.socket.write(ask('two'));
    await aWhile();
    expect(echo.unparsed).toEqual([]);
  });
});

test('every stream of requests, cut anywhere, has the answers that it has without', async () => {
  const [plain, attended] = [await startEcho(false), await startEcho(true)];
  const three = fc.constantFrom('one', 'two', 'six');
  const word = fc.oneof(
    { weight: 9, arbitrary: three },
    fc.constantFrom('refuse', '', 'x'.repeat(700), ask('one')),
  );
  const requests = fc.array(
    fc.oneof(
      { weight: 15, arbitrary: word.map((body) => ask(body)) },
      { weight: 1, arbitrary: word.map((body) => ask(body).replace('/ask', '/other')) },
      fc.constant('GET /other HTTP/1.1\r\nHost: a\r\n\r\n'),
      fc.constant('POST /ask HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n'),
      fc.constant(ask('one', 'Connection: keep-alive\r\n')),
      fc.integer({ min: 100, max: 999 }).map((id) => ask('six', `X-Request-Id: ${id}\r\n`)),
      fc.constant('\r\n'),
    ),
    { minLength: 1, maxLength: 10 },
  );
  // Fractions of the stream at which it is cut; between two pieces the server has turns enough to answer.
  const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 });
  const ways = fc.constantFrom('cut', 'a request at a time', 'each after the answer before it');
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(requests, cuts, ways, async (stream, at, way) => {
      const text = stream.join('');
      const places = [...new Set(at.map((fraction) => Math.floor(fraction * text.length)))].sort(
        (one, other) => one - other,
      );
      const pieces =
        way === 'cut'
          ? [0, ...places].map((place, index) => text.slice(place, places[index] ?? text.length))
          : stream;
      const asked = (sent: readonly string[]) => sent.filter((one) => one !== '\r\n').length;
      const answers = await Promise.all(
        [plain, attended].map(async (echo) => {
          const client = await connectTo(echo);
          for (const [index, piece] of pieces.entries()) {
            if (piece !== '') client.socket.write(piece, 'latin1');
            if (way.startsWith('each')) await client.answers(asked(pieces.slice(0, index + 1)));
            else await wait(4);
          }
          const text = await client.answers(asked(stream));
          client.socket.destroy();
          return text;
        }),
      );
      expect(answers[1]).toBe(answers[0]);
      taken += attended.unparsed.splice(0).length;
    }),
    { numRuns: 100 },
  );
  expect(taken).toBeGreaterThan(50);
}, 240_000);

describe('a connection', () => {
  test("on which each head is another is the parser's alone after a while", async () => {
    const echo = await startEcho(true);
    const client = await connectTo(echo);
    const heads = Array.from({ length: 20 }, (_, index) => `X-Trace: ${index}\r\n`);
    let asked = 0;
    for (const more of [...heads, '', '', '']) {
      client.socket.write(ask('one', more));
      await client.answers(++asked);
    }
    expect([echo.parsed.length, echo.unparsed]).toEqual([23, []]);
  });

  test('on which some heads come again stays looked at', async () => {
    const echo = await startEcho(true);
    const client = await connectTo(echo);
    let asked = 0;
    for (let trace = 0; trace < 20; trace++) {
      for (let again = 0; again < 2; again++) {
        client.socket.write(ask('one', `X-Trace: ${trace}\r\n`));
        await client.answers(++asked);
      }
    }
    expect([echo.parsed.length, echo.unparsed.length]).toEqual([20, 20]);
  });

  test('lasts as long as it is asked on, though no head is parsed any more', async () => {
    const echo = await startEcho(true, {
      headersTimeout: 300,
      requestTimeout: 400,
      connectionsCheckingInterval: 50,
    });
    const client = await connectTo(echo);
    for (let asked = 1; asked <= 12; asked++) {
      client.socket.write(ask('one'));
      await client.answers(asked);
      await wait(60);
    }
    expect([echo.parsed.length, echo.unparsed.length]).toEqual([1, 11]);
  });

  test('on which nobody asks any more ends as it would have', async () => {
    const echo = await startEcho(true, { keepAliveTimeout: 100 });
    const client = await connectTo(echo);
    for (const count of [1, 2]) {
      client.socket.write(ask('one'));
      await client.answers(count);
    }
    await new Promise((resolve) => client.socket.once('close', resolve));
    expect(echo.unparsed).toEqual(['one']);
  });

  test('whose client does not read is not read from for ever', async () => {
    const echo = await startEcho(true);
    const client = await connectTo(echo);
    client.socket.write(ask('x'.repeat(3_000)));
    await client.answers(1);
    client.socket.pause();
    let written = 0;
    for (let tries = 0; tries < 8_000; tries++) {
      if (!client.socket.write(ask('x'.repeat(3_000)))) await new Promise((resolve) => setImmediate(resolve));
      written += 1;
    }
    await wait(300);
    expect(echo.unparsed.length + echo.parsed.length).toBeLessThan(written);
    client.socket.destroy();
  }, 30_000);

  test('that is cut while a request is answered leaves nothing under way', async () => {
    const echo = await startEcho(true);
    const client = await connectTo(echo);
    client.socket.write(ask('one'));
    await client.answers(1);
    for (const body of ['two', 'refuse']) {
      const other = await connectTo(echo);
      other.socket.write(ask(body));
      await other.answers(1);
      other.socket.write(ask(body));
      other.socket.resetAndDestroy();
    }
    await aWhile();
    expect(echo.underWay()).toBe(0);
  });
});
