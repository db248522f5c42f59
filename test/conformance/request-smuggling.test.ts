/**
 * DS-05: bytes that two servers may read as different requests, to the server itself and through a real nginx in front of it. Nothing
 * that stands behind such a request may be heard as one of its own, and nobody else's answer may change.
 * @see RFC 9112 sections 6.3 and 11.2
 */
import { connect } from 'node:net';
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { type Nginx, nginxVersion, startNginx } from '../support/nginx.ts';
import { sendTo } from '../support/raw-request.ts';

let mandate: TestMandate;
let host: string;
beforeAll(async () => {
  mandate = await startMandate();
  ({ host } = new URL(mandate.issuer));
});
afterAll(() => mandate.stop());

/** Sends bytes as they are. @returns what came back until the server closed, or nothing more came */
function speak(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text, 'latin1'));
    socket.setTimeout(10_000, () => socket.destroy());
    socket.on('data', (data) => {
      socket.setTimeout(800);
      heard += data.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(heard));
  });
}

const form = 'Content-Type: application/x-www-form-urlencoded';
const chunked = 'Transfer-Encoding: chunked';
/** What somebody wants to be heard as a request of its own; its answer is like no other here. */
const hidden = () => `GET /jwks HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
const post = (lines: string[], body: string, version = '1.1') =>
  [`POST /revoke HTTP/${version}`, `Host: ${host}`, form, ...lines, '', body].join('\r\n');

/** Each is refused by the server itself. */
const probes: Record<string, () => string> = {
  'CL.TE': () => post(['Content-Length: 6', chunked], `0\r\n\r\n${hidden()}`),
  'TE.CL': () => post([chunked, 'Content-Length: 4'], `5c\r\n${hidden()}\r\n0\r\n\r\n`),
  'TE.TE': () => post([chunked, 'Transfer-Encoding: identity'], `0\r\n\r\n${hidden()}`),
  'an unknown coding': () => post(['Transfer-Encoding: xchunked'], `0\r\n\r\n${hidden()}`),
  'a coding behind a tab': () => post(['Transfer-Encoding: \x0bchunked'], `0\r\n\r\n${hidden()}`),
  'a coding with a blank before its colon': () =>
    post(['Transfer-Encoding : chunked', 'Content-Length: 5'], `0\r\n\r\n${hidden()}`),
  'a coding in a line of its own without CR': () =>
    post(['Content-Length: 5', `X: y\nTransfer-Encoding: chunked`], `0\r\n\r\n${hidden()}`),
  'two lengths': () => post(['Content-Length: 5', 'Content-Length: 6'], `hello${hidden()}`),
  'a list of lengths': () => post(['Content-Length: 5, 6'], `hello${hidden()}`),
  'a length with a sign': () => post(['Content-Length: +5'], `hello${hidden()}`),
  'a length in hexadecimal': () => post(['Content-Length: 0x5'], `hello${hidden()}`),
  'a length with a blank before its colon': () => post(['Content-Length : 5'], `hello${hidden()}`),
  'a length that is too large to count': () =>
    post(['Content-Length: 18446744073709551621'], `hello${hidden()}`),
  'a folded header': () => post(['Content-Length: 0', 'X-Folded: a', ' b'], hidden()),
  'a folded coding': () =>
    post(['Content-Length: 5', 'Transfer-Encoding:', ' chunked'], `0\r\n\r\n${hidden()}`),
  'a chunk that is too large to count': () => post([chunked], `fffffffffffffffff\r\n${hidden()}`),
  'a chunk with a sign': () => post([chunked], `-1\r\n${hidden()}\r\n0\r\n\r\n`),
  'a chunk in a line without CR': () => post([chunked], `0\n\n${hidden()}`),
  'a name with NUL': () => post(['Content-Length: 0', 'X\0: y'], hidden()),
  'two hosts': () => `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nHost: other.example\r\n\r\n${hidden()}`,
};

const answersIn = (heard: string) => heard.match(/HTTP\/1\.[01] \d{3}/g) ?? [];

describe('DS-05: to the server itself', () => {
  const port = () => Number(new URL(mandate.issuer).port);

  test.each(Object.keys(probes))('%s is refused, and nothing behind it is heard', async (name) => {
    const heard = await speak(port(), probes[name]?.() ?? '');
    expect(heard).toMatch(/^HTTP\/1\.1 4\d\d/);
    expect(answersIn(heard)).toHaveLength(1);
    expect(heard).not.toContain('"keys"');
  });

  test.each(['TRACE', 'CONNECT'])('%s is no method of ours', async (method) => {
    const target = method === 'CONNECT' ? 'other.example:443' : '/';
    const heard = await speak(
      port(),
      `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\nX-Echo: echoed\r\nConnection: close\r\n\r\n`,
    );
    expect(heard).not.toMatch(/^HTTP\/1\.1 [23]/);
    expect(heard).not.toContain('echoed');
  });

  test('an upgrade is not taken up', async () => {
    const heard = await speak(
      port(),
      `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    );
    expect(heard).not.toContain('101 ');
  });
});

describe('DS-05: on a connection whose requests are known by their head and no longer parsed', () => {
  const question = () =>
    [
      `POST /introspect HTTP/1.1\r\nHost: ${host}\r\n${form}`,
      `Authorization: Basic ${Buffer.from(`${demo.apiServer.id}:${demo.apiServer.secret}`).toString('base64')}`,
      'Content-Length: 13\r\n\r\ntoken=unknown',
    ].join('\r\n');
  /** Sends each piece when the one before was answered, or swallowed. @returns status codes, and how many requests were not parsed */
  async function heardOf(pieces: readonly string[]) {
    const before = mandate.parsed();
    let heard = '';
    const socket = connect(Number(new URL(mandate.issuer).port), '127.0.0.1');
    socket.on('data', (data) => {
      heard += data.toString('latin1');
    });
    socket.on('error', () => {});
    for (const [index, piece] of pieces.entries()) {
      socket.write(piece, 'latin1');
      // The first two are questions; what becomes of the others is there after a while, and after turns of the loop to hear it in.
      while (index < 2 && answersIn(heard).length <= index) await wait(2);
      if (index >= 2) await wait(100);
      for (let turns = 0; turns < 10; turns += 1) await turn();
    }
    socket.destroy();
    return { answers: answersIn(heard).map((answer) => answer.slice(-3)), parsed: mandate.parsed() - before };
  }

  test.each(Object.keys(probes))('%s is refused, and a question behind it is not heard', async (name) => {
    const { answers } = await heardOf([question(), question(), probes[name]?.() ?? '', question()]);
    expect(answers).toEqual(['200', '200', expect.stringMatching(/^4/)]);
  });

  test('a question in the body of another request is none, however the lengths add up', async () => {
    const begun = (bodyBytes: number) =>
      `POST /nowhere HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${bodyBytes}\r\n\r\n`;
    const unannounced = `GET / HTTP/1.1\r\nHost: ${host}\r\nExpect: else\r\n\r\n`;
    const cases = [
      [begun(question().length), ['404']],
      [unannounced + begun(begun(99).length), ['417', '404', '400']],
    ] as const;
    for (const [piece, statuses] of cases) {
      const { answers, parsed } = await heardOf([question(), question(), piece, question()]);
      expect([answers, parsed]).toEqual([['200', '200', ...statuses], 2]);
    }
  });
});

const missing = nginxVersion() === undefined;
const title = missing
  ? 'DS-05: through nginx (NOT RUN: nginx is not installed; apt-get install nginx)'
  : 'DS-05: through nginx';

(missing ? describe.skip : describe)(title, () => {
  let nginx: Nginx;
  beforeAll(async () => {
    nginx = await startNginx(new URL(mandate.issuer).port);
  });
  afterAll(() => nginx.stop());

  /** Requests that Mandate heard, of those that it writes a line about. */
  const heardByMandate = () => mandate.logged().match(/"msg":"request"/g)?.length ?? 0;
  /** It writes a request down when it is done with it, a moment after its answer. */
  const untilPassedOn = async (count: number) => {
    for (let tries = 0; tries < 100 && nginx.passedOn().length < count; tries += 1) await wait(50);
  };
  const ask = (path: string) => sendTo(nginx.port, path, { headers: { host } });

  test('an ordinary request is passed on', async () => {
    const { status, text } = await ask('/jwks');
    expect(status).toBe(200);
    expect(text).toContain('"keys"');
    await untilPassedOn(1);
    expect(nginx.passedOn()).toHaveLength(1);
  });

  test.each(Object.keys(probes))(
    '%s: Mandate hears what nginx passed on and no more, and the next ones are answered what they asked',
    async (name) => {
      const [passed, known] = [nginx.passedOn().length, heardByMandate()];
      const heard = await speak(nginx.port, probes[name]?.() ?? '');
      // What nginx takes for a request of its own behind the first was sent by this client for itself, on its own connection.
      await untilPassedOn(heardByMandate() - known + passed);
      expect(heardByMandate() - known).toBeLessThanOrEqual(nginx.passedOn().length - passed);
      expect(heard).not.toMatch(/^HTTP\/1\.1 (2|5(?!01))/);
      // The same connection to Mandate is used for these: an answer that was left on it would be theirs.
      for (let turn = 0; turn < 3; turn += 1) {
        const { status, text } = await ask('/.well-known/oauth-authorization-server');
        expect([status, text.includes('"issuer"')]).toEqual([200, true]);
      }
    },
  );

  test('what clients send at once on one connection, and on several, is answered in turn', async () => {
    const pipelined = await speak(nginx.port, hidden() + hidden() + hidden());
    expect(answersIn(pipelined)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 200']);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => ask(n % 2 ? '/jwks' : '/healthz')),
    );
    expect(answers.map(({ text }) => text.includes('"keys"'))).toEqual(answers.map((_, n) => n % 2 === 1));
  });

  test.each(['TRACE', 'CONNECT'])('%s goes nowhere', async (method) => {
    const target = method === 'CONNECT' ? 'other.example:443' : '/';
    const heard = await speak(
      nginx.port,
      `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\nX-Echo: echoed\r\n\r\n`,
    );
    expect(heard).toMatch(/^HTTP\/1\.1 4\d\d/);
    expect(heard).not.toContain('echoed');
  });
});
