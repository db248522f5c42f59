/**
 * Asks about a token at a steady pace, whether or not the last answer has come, until its input ends; then prints what every answer took
 * as one line of JSON. A process of its own: what delays the asking is not taken for what delays the answer.
 *
 * Arguments: the address, how many a second, the token (a `#` in it is counted up), and how far the counting goes.
 */
import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { demo } from '../support/mandate.ts';
import { basic } from './world.ts';

export interface Asked {
  /** Milliseconds since 1970, when it was asked. */
  readonly at: number;
  readonly milliseconds: number;
  readonly active: boolean;
}

const [url = '', perSecond = '100', token = '', many = '1'] = process.argv.slice(2);
const headers = basic(demo.apiServer.id, demo.apiServer.secret);
const agent = new Agent({ keepAlive: true, maxSockets: 128 });
const asked: Asked[] = [];
let underWay = 0;

function ask(n: number): void {
  const started = performance.now();
  const at = performance.timeOrigin + started;
  const end = (active: boolean) => {
    underWay -= 1;
    asked.push({ at, milliseconds: performance.now() - started, active });
  };
  underWay += 1;
  const sent = request(url, { method: 'POST', agent, headers }, (response) => {
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (piece: string) => {
      text += piece;
    });
    response.on('end', () => end(text.includes('"active":true')));
  });
  sent.on('error', () => end(false));
  sent.end(`token=${token.replace('#', String(n % Number(many)))}`);
}

let n = 0;
const started = performance.now();
const timer = setInterval(() => {
  const due = ((performance.now() - started) / 1_000) * Number(perSecond);
  while (n < due) ask(n++);
}, 1);
process.stdin.resume();
process.stdin.once('end', async () => {
  clearInterval(timer);
  while (underWay > 0) await sleep(10);
  process.stdout.write(`${JSON.stringify(asked)}\n`, () => process.exit(0));
});
process.stdout.write('{}\n');
