/**
 * Asks about one token after another, at a rate that a server does not notice, until its input ends; then prints what every answer took
 * as one line of JSON. A process of its own: what delays the asking is not taken for what delays the answer.
 */
import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';
import { demo } from '../support/mandate.ts';
import { basic } from './world.ts';

export interface Asked {
  /** Milliseconds since 1970, when it was asked. */
  readonly at: number;
  readonly milliseconds: number;
  readonly active: boolean;
}

const [url = '', perSecond = '100', tokens = '1'] = process.argv.slice(2);
const headers = basic(demo.apiServer.id, demo.apiServer.secret);
const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const asked: Asked[] = [];

function ask(n: number): void {
  const started = performance.now();
  const at = performance.timeOrigin + started;
  const sent = request(url, { method: 'POST', agent, headers }, (response) => {
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (piece: string) => {
      text += piece;
    });
    response.on('end', () => {
      asked.push({ at, milliseconds: performance.now() - started, active: text.includes('"active":true') });
    });
  });
  sent.end(`token=bystander-${n % Number(tokens)}`);
}

let n = 0;
const timer = setInterval(() => ask(n++), 1_000 / Number(perSecond));
process.stdin.resume();
process.stdin.once('end', () => {
  clearInterval(timer);
  setTimeout(() => process.stdout.write(`${JSON.stringify(asked)}\n`, () => process.exit(0)), 500);
});
process.stdout.write('{}\n');
