/** Spans as a collector gets them, over real HTTP: of a server whose environment names one and nothing else. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { signIn } from '../support/account.ts';
import { type FreshDatabase, freshDatabaseUrl } from '../support/databases.ts';
import { demo } from '../support/mandate.ts';
import { tokenByCode } from '../support/oauth.ts';
import { basic } from '../support/race.ts';
import { collectSecrets, type SecretCollector } from '../support/secret-collector.ts';
import { findSecrets } from '../support/secret-search.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { key: string; value: Record<string, string> }[];
  readonly status?: { code: number };
}
interface Export {
  readonly resourceSpans: readonly {
    resource: { attributes: Span['attributes'] };
    scopeSpans: readonly { spans: readonly Span[] }[];
  }[];
}

const received: { path: string | undefined; headers: IncomingHttpHeaders; body: string }[] = [];
let answers = 200;
let collector: Server;
let database: FreshDatabase;
let node: ServerProcess;
let secrets: SecretCollector;

beforeAll(async () => {
  secrets = collectSecrets();
  collector = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text) => {
      body += text;
    });
    request.on('end', () => {
      if (answers === 200) received.push({ path: request.url, headers: request.headers, body });
      response.writeHead(answers, { 'Content-Type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((done) => collector.listen(0, '127.0.0.1', done));
  database = await freshDatabaseUrl('sqlite');
  node = await startServerProcess({
    databaseUrl: database.url,
    environment: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}/`,
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20of-the-collector',
      LOG_LEVEL: 'debug',
    },
  });
}, 60_000);
afterAll(async () => {
  secrets.stop();
  await node.kill();
  collector.closeAllConnections();
  collector.close();
  await database.drop();
});

const exports = () => received.map(({ body }) => JSON.parse(body) as Export);
const spans = () =>
  exports().flatMap(({ resourceSpans }) =>
    resourceSpans.flatMap((one) => one.scopeSpans.flatMap((scope) => scope.spans)),
  );
const valuesOf = (attributes: Span['attributes']) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

async function spanOf(traceId: string): Promise<Span> {
  for (
    const end = Date.now() + 40_000;
    Date.now() < end;
    await new Promise((resume) => setTimeout(resume, 50))
  ) {
    const found = spans().find((span) => span.traceId === traceId);
    if (found) return found;
  }
  throw new Error(`no span of ${traceId} among ${spans().map(({ name }) => name)}`);
}

test('a token request is a span of its caller’s trace, named for what it was', async () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const before = Date.now();
  const { status } = await node.send('/token', {
    headers: { ...basic(demo.ci), traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: demo.api }),
  });
  expect(status).toBe(200);
  const span = await spanOf(traceId);
  expect(span).toMatchObject({ name: 'POST token', kind: 2, parentSpanId: '00f067aa0ba902b7' });
  expect(span.spanId).toMatch(/^[0-9a-f]{16}$/);
  expect(valuesOf(span.attributes)).toEqual({
    'http.request.method': 'POST',
    'http.response.status_code': '200',
    'mandate.endpoint': 'token',
    'mandate.outcome': 'success',
  });
  const [start, end] = [span.startTimeUnixNano, span.endTimeUnixNano].map((nano) =>
    Number(BigInt(nano) / 1_000_000n),
  );
  expect(Math.abs((start ?? 0) - before)).toBeLessThan(5_000);
  expect(end).toBeGreaterThanOrEqual(start ?? 0);
  const [first] = received;
  expect(first).toMatchObject({
    path: '/v1/traces',
    headers: { 'content-type': 'application/json', authorization: 'Bearer of-the-collector' },
  });
  const [resource] = exports()[0]?.resourceSpans ?? [];
  expect(valuesOf(resource?.resource.attributes ?? [])).toMatchObject({
    'service.name': 'mandate',
    'service.version': expect.any(String),
    'service.instance.id': expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
  expect(node.output()).toContain(`"traceId":"${traceId}"`);
});

test('a caller that does not keep its trace has no span here, nor has health', async () => {
  const unkept = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
  await node.send('/jwks', { headers: { traceparent: `00-${unkept}-00f067aa0ba902b7-00` } });
  await node.send('/readyz');
  const kept = 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb';
  await node.send('/nowhere/at/all?with=query', {
    headers: { traceparent: `00-${kept}-00f067aa0ba902b7-01` },
  });
  expect((await spanOf(kept)).name).toBe('GET other');
  expect(spans().some(({ traceId }) => traceId === unkept)).toBe(false);
  expect(spans().some(({ name }) => /health|metrics|introspect/.test(name))).toBe(false);
});

test('no secret, no address and no header of anybody is in what the collector gets', async () => {
  const person = { email: 'editor@acme.test', answers: { 'flows:edit': true, atlas: true } };
  await tokenByCode(node.issuer, person);
  await signIn(node.issuer, 'owner@acme.test');
  await node.send('/invitation?token=a-token-of-a-link', { headers: { 'user-agent': 'an-agent-of-mine' } });
  const last = 'cccccccccccccccccccccccccccccccc';
  await node.send('/authorize?state=a-state-of-mine', {
    headers: { traceparent: `00-${last}-00f067aa0ba902b7-01` },
  });
  await spanOf(last);
  const text = received.map(({ body }) => body).join('\n');
  expect(spans().map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'POST token',
      'GET authorize',
      'GET interaction',
      'POST interaction',
      'GET invitation',
    ]),
  );
  for (const word of [
    'a-token-of-a-link',
    'a-state-of-mine',
    'an-agent-of-mine',
    'of-the-collector',
    '?',
    '127.0.0.1',
  ])
    expect(text).not.toContain(word);
  expect(findSecrets([{ name: 'traces', bytes: Buffer.from(text) }], secrets.secrets)).toEqual([]);
}, 90_000);

test('a collector that refuses costs no answer, and gets the next ones', async () => {
  answers = 503;
  const lost = 'dddddddddddddddddddddddddddddddd';
  expect(
    (await node.send('/jwks', { headers: { traceparent: `00-${lost}-00f067aa0ba902b7-01` } })).status,
  ).toBe(200);
  for (
    const end = Date.now() + 40_000;
    !node.output().includes('traces could not be sent') && Date.now() < end;
  )
    await new Promise((resume) => setTimeout(resume, 50));
  expect(node.output()).toContain('the collector answered 503');
  answers = 200;
  const next = 'eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee';
  await node.send('/jwks', { headers: { traceparent: `00-${next}-00f067aa0ba902b7-01` } });
  // A stop sends what is left.
  await node.stop();
  expect((await spanOf(next)).name).toBe('GET metadata');
});
