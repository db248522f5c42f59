/** Load on one endpoint: the same request, or one of many, from 32 connections. Uses wrk where it is installed. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { canPin, cpuSeconds, everyCore, has, loadCore, residentMegabytes } from './process.ts';

const run = promisify(execFile);
export const connections = 32;
/** wrk is no dependency: without it the figures of fast servers are bounded by the load generator. */
export const generator = has('wrk') ? 'wrk' : 'node:http';

export interface Load {
  readonly pid: number;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Drawn uniformly when there are many. */
  readonly bodies: readonly string[];
  /** A header in which each request has a value that no other has; `trace` is the one of W3C's Trace Context. */
  readonly varies?: 'trace' | 'x-turn';
  /** Whether the load may run on every core, as the server does then. */
  readonly everywhere?: boolean;
  /** When it is not `connections`. */
  readonly over?: number;
}

export interface Measured {
  readonly perSecond: number;
  /** Microseconds of the server's CPU for each request. */
  readonly cpuMicroseconds: number;
  readonly p50Milliseconds: number;
  readonly p99Milliseconds: number;
  readonly residentMegabytes: number;
  readonly refused: number;
}

export interface Counted {
  readonly requests: number;
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
  readonly refused: number;
}

/** Loads a server for a while and measures it. */
export async function load(target: Load, seconds: number): Promise<Measured> {
  return measure(target.pid, () => (generator === 'wrk' ? byWrk : byNode)(target, seconds));
}

/** Runs work that counts its own requests, and adds what the server used meanwhile. */
export async function measure(pid: number, work: () => Promise<Counted>): Promise<Measured> {
  const before = cpuSeconds(pid);
  const { requests, seconds, p50, p99, refused } = await work();
  const cpu = cpuSeconds(pid) - before;
  return {
    perSecond: requests / seconds,
    cpuMicroseconds: (cpu / Math.max(1, requests)) * 1e6,
    p50Milliseconds: p50,
    p99Milliseconds: p99,
    residentMegabytes: residentMegabytes(pid),
    refused,
  };
}

async function byWrk(
  { url, headers, bodies, varies, everywhere, over = connections }: Load,
  seconds: number,
): Promise<Counted> {
  const folder = mkdtempSync(join(tmpdir(), 'mandate-bench-'));
  try {
    const script = join(folder, 'load.lua');
    const list = join(folder, 'bodies');
    writeFileSync(list, bodies.join('\n'));
    const many = `
      local bodies = {}
      for line in io.lines(${JSON.stringify(list)}) do bodies[#bodies + 1] = line end
      -- Going through a million strings to tidy up would hold the load up for longer than the answers take.
      collectgarbage()
      collectgarbage("setpause", 500)
      math.randomseed(os.time())
      local asked = 0
      request = function()
        ${varies ? variation[varies] : ''}
        return wrk.format(nil, nil, nil, bodies[math.random(#bodies)])
      end`;
    writeFileSync(
      script,
      `wrk.method = "POST"
      ${setHeaders(headers)}
      ${bodies.length === 1 && !varies ? `wrk.body = ${JSON.stringify(bodies[0])}` : many}
      done = function(summary, latency)
        io.write(string.format("\\nRESULT %d %d %d %d %d\\n", summary.requests, summary.duration,
          latency:percentile(50), latency:percentile(99), summary.errors.status))
      end`,
    );
    // One thread has half a core where a server's process shares it, and asks for no more than that answers.
    const threads = everywhere ? availableParallelism() : 1;
    const args = [`-t${threads}`, `-c${over}`, `-d${seconds}s`, '-s', script, url];
    const { stdout } = canPin
      ? await run('taskset', ['-c', everywhere ? everyCore : String(loadCore), 'wrk', ...args])
      : await run('wrk', args);
    const numbers = /RESULT (\d+) (\d+) (\d+) (\d+) (\d+)/.exec(stdout);
    if (!numbers) throw new Error(`wrk said:\n${stdout}`);
    const [requests, micro, p50, p99, refused] = numbers.slice(1).map(Number) as [
      number,
      number,
      number,
      number,
      number,
    ];
    return { requests, seconds: micro / 1e6, p50: p50 / 1_000, p99: p99 / 1_000, refused };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** In Lua: sets the header to another value. */
const variation = {
  trace:
    'asked = asked + 1; wrk.headers["traceparent"] = string.format("00-%032x-00f067aa0ba902b7-01", asked)',
  'x-turn': 'asked = asked + 1; wrk.headers["X-Turn"] = asked',
};

const anotherValue = (varies: NonNullable<Load['varies']>, n: number) =>
  varies === 'trace'
    ? { traceparent: `00-${n.toString(16).padStart(32, '0')}-00f067aa0ba902b7-01` }
    : { 'X-Turn': String(n) };

/** Connections of a load that keeps a pace: each asks, and rests for some milliseconds. */
const pacedConnections = 128;

/**
 * Loads a server at about a number of questions a second until it is told to stop; only where `wrk` is installed.
 * @returns what ends it, and tells how many a second it came to
 */
export function loadAt(target: Load, perSecond: number): { stop(): Promise<number> } {
  const folder = mkdtempSync(join(tmpdir(), 'mandate-bench-'));
  const script = join(folder, 'load.lua');
  const rest = Math.max(1, Math.round((pacedConnections * 1_000) / perSecond) - 1);
  writeFileSync(
    script,
    `wrk.method = "POST"
    ${setHeaders(target.headers)}
    wrk.body = ${JSON.stringify(target.bodies[0])}
    delay = function() return ${rest} end
    done = function(summary) io.write(string.format("\\nRESULT %d %d\\n", summary.requests, summary.duration)) end`,
  );
  const args = ['-t1', `-c${pacedConnections}`, '-d3600s', '-s', script, target.url];
  const [program, ...before] = canPin ? ['taskset', '-c', String(loadCore), 'wrk'] : ['wrk'];
  const child = spawn(program as string, [...before, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    said += piece;
  });
  const closed = once(child, 'close');
  return {
    async stop() {
      child.kill('SIGINT');
      await closed;
      rmSync(folder, { recursive: true });
      const [, requests, micro] = /RESULT (\d+) (\d+)/.exec(said) ?? [];
      if (requests === undefined) throw new Error(`wrk said:\n${said}`);
      return Number(requests) / (Number(micro) / 1e6);
    },
  };
}

const setHeaders = (headers: Load['headers']) =>
  Object.entries(headers)
    .map(([name, value]) => `wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}`)
    .join('\n');

function byNode({ url, headers, bodies, varies }: Load, seconds: number): Promise<Counted> {
  let asked = 0;
  const draw = () => bodies[Math.floor(Math.random() * bodies.length)] ?? '';
  return closedLoop(seconds, () => async (post) => {
    const own = varies ? { ...headers, ...anotherValue(varies, ++asked) } : headers;
    const { status } = await post(url, own, draw());
    return status === 200;
  });
}

export type Post = (
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
) => Promise<{ status: number; text: string }>;

/**
 * Keeps every connection busy with one request after another.
 * @param client made for each connection; tells whether its request was answered as it should, or that it has none left
 */
export async function closedLoop(
  seconds: number,
  client: (index: number) => (post: Post) => Promise<boolean | 'done'>,
): Promise<Counted> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const post: Post = (url, headers, body) =>
    new Promise((resolve, reject) => {
      const sent = request(url, {
        method: 'POST',
        agent,
        headers: { ...headers, 'Content-Length': Buffer.byteLength(body) },
      });
      sent.on('error', reject);
      sent.on('response', (response) => {
        let text = '';
        response.setEncoding('latin1');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      });
      sent.end(body);
    });
  const latencies: number[] = [];
  let refused = 0;
  const started = performance.now();
  const worker = async (index: number) => {
    const once = client(index);
    while (performance.now() - started < seconds * 1_000) {
      const before = performance.now();
      const outcome = await once(post);
      if (outcome === 'done') return;
      if (!outcome) refused += 1;
      latencies.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: connections }, (_, index) => worker(index)));
  const elapsed = (performance.now() - started) / 1_000;
  agent.destroy();
  latencies.sort((one, other) => one - other);
  const at = (part: number) => latencies[Math.floor(latencies.length * part)] ?? 0;
  return { requests: latencies.length, seconds: elapsed, p50: at(0.5), p99: at(0.99), refused };
}
