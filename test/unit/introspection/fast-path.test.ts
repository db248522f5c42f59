/** The short path gives what the long one gives, and takes nothing that is not for it. */
import { Agent, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { recalledBy } from '../../support/freshness-trials.ts';
import { issueToken } from '../../support/issue-token.ts';
import { demo, startMandate, type TestMandate } from '../../support/mandate.ts';

let mandate: TestMandate;
let token: string;
/** Makes another token like it, about which nobody has asked yet. */
let another: () => Promise<string>;

beforeAll(async () => {
  mandate = await startMandate();
  const { stores } = mandate;
  const owner = await stores.users.findByEmail('owner@acme.test');
  // A name that is not ASCII must not make the body longer than its length says.
  await stores.users.update({ id: 'test' }, owner?.id ?? '', { email: 'Öwner@acme.test' });
  another = await tokensOf(mandate, owner?.id ?? '');
  token = await another();
});
afterAll(() => mandate.stop());

/** Makes an authorization. @returns what makes tokens of it */
async function tokensOf({ stores, store, clock }: TestMandate, userId: string) {
  const { id: authorizationId } = await store.transact((trx) =>
    stores.authorizations.insert(
      trx,
      { id: 'test' },
      {
        kind: 'oauth2',
        userId,
        clientId: demo.web.id,
        capabilities: ['api'],
        projects: [],
        mcpServers: [],
        asked: [],
        expiresAt: null,
      },
    ),
  );
  const about = { authorizationId, clientId: demo.web.id, audience: demo.api, issuedAt: clock.now() };
  return () => issueToken(store, about);
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: readonly string[];
  readonly body: string;
}

/** Sends exactly these headers and this body. */
function send(
  headers: readonly string[],
  body: string,
  { host = new URL(mandate.issuer).host, agent }: { host?: string; agent?: Agent } = {},
): Promise<Answer> {
  // Headers that are given one by one are sent as they are: this one is the agent's to say otherwise.
  const connection = ['Connection', agent ? 'keep-alive' : 'close'];
  return new Promise((resolve, reject) => {
    const sent = request(`${mandate.issuer}/introspect`, {
      method: 'POST',
      agent: agent ?? false,
      headers: ['Host', host, 'Content-Length', String(Buffer.byteLength(body)), ...headers, ...connection],
    });
    sent.on('error', reject);
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => {
        const of = (index: number) => response.rawHeaders[index & ~1] ?? '';
        const kept = response.rawHeaders.filter(
          (_, index) => !/^(Date|Connection|Keep-Alive)$/.test(of(index)),
        );
        resolve({ status: response.statusCode, headers: kept, body: text });
      });
    });
    sent.end(body);
  });
}

const basic = (id: string, secret: string) => [
  'Authorization',
  `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
];
const { id, secret } = demo.apiServer;
const common = ['Content-Type', 'application/x-www-form-urlencoded'];
/** The same to the standard, and not the common way. */
const uncommon = ['Content-Type', 'Application/x-www-form-urlencoded'];

describe('status, headers and body are the same on every way, asked for the first time and again:', () => {
  const t = () => encodeURIComponent(token);
  test.each<[string, () => string[], () => string]>([
    ['an active token', () => basic(id, secret), () => `token=${t()}`],
    ['a hint', () => basic(id, secret), () => `token=${t()}&token_type_hint=access_token`],
    ['a secret in the body', () => [], () => `token=${t()}&client_id=${id}&client_secret=${secret}`],
    [
      'an escaped token',
      () => basic(id, secret),
      () => `token=%${t().charCodeAt(0).toString(16)}${t().slice(1)}`,
    ],
    ['an unknown token', () => basic(id, secret), () => 'token=unknown'],
    ['a token of nonsense', () => basic(id, secret), () => 'token=%00%ff+é'],
    ['another resource server', () => basic(demo.mcpServer.id, demo.mcpServer.secret), () => `token=${t()}`],
    ['a wrong secret', () => basic(id, 'wrong'), () => `token=${t()}`],
    ['an unknown caller', () => basic('nobody', 'wrong'), () => `token=${t()}`],
    ['no credentials', () => [], () => `token=${t()}`],
    ['two kinds of credentials', () => basic(id, secret), () => `token=${t()}&client_secret=${secret}`],
    ['an assertion beside them', () => basic(id, secret), () => `token=${t()}&client_assertion=x`],
    ['a client id beside them', () => basic(id, secret), () => `token=${t()}&client_id=${id}`],
    ['no token', () => basic(id, secret), () => 'token='],
    ['two tokens', () => basic(id, secret), () => `token=${t()}&token=${t()}`],
    ['an unknown parameter twice', () => basic(id, secret), () => `x=1&token=${t()}&x=2`],
  ])('%s', async (_, credentials, body) => {
    const long = await send([...uncommon, ...credentials()], body());
    expect(await send([...common, ...credentials()], body())).toEqual(long);
    expect(await send([...common, ...credentials()], body())).toEqual(long);

    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const before = mandate.parsed();
    for (let again = 0; again < 3; again++)
      expect(await send([...common, ...credentials()], body(), { agent })).toEqual(long);
    expect(mandate.parsed() - before).toBe(1);
    agent.destroy();
  });
});

test('the common answer is the one of the standard', async () => {
  const { status, headers, body } = await send([...common, ...basic(id, secret)], `token=${token}`);
  expect(status).toBe(200);
  expect(JSON.parse(body)).toMatchObject({ active: true, scope: 'api', username: 'Öwner@acme.test' });
  expect(headers.slice(0, 8)).toEqual([
    'Content-Type',
    'application/json',
    'Content-Length',
    String(Buffer.byteLength(body)),
    'Cache-Control',
    'no-store',
    'X-Content-Type-Options',
    'nosniff',
  ]);
});

test.each(['; charset=utf-8', ';charset=UTF-8'])(
  'a form%s is remembered like one without',
  async (charset) => {
    const named = ['Content-Type', `application/x-www-form-urlencoded${charset}`];
    await send([...named, ...basic(id, secret)], `token=${token}`);
    const before = await recalledBy(mandate);
    await send([...named, ...basic(id, secret)], `token=${token}`);
    expect(await recalledBy(mandate)).toBe(before + 1);
  },
);

test('a foreign host is refused, whatever was remembered', async () => {
  const { status } = await send([...common, ...basic(id, secret)], `token=${token}`, { host: 'evil.test' });
  expect(status).toBe(421);
});

test('two Authorization headers are not mistaken for one that is remembered', async () => {
  const headers = [...common, ...basic(id, 'wrong'), ...basic(id, secret)];
  expect((await send(headers, `token=${token}`)).status).toBe(401);
});

test('an empty Authorization header is not mistaken for none', async () => {
  const body = `token=${await another()}&client_id=${id}&client_secret=${secret}`;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const without = await send(common, body, { agent });
  expect(JSON.parse(without.body)).toMatchObject({ active: true });
  const long = await send([...uncommon, 'Authorization', ''], body);
  expect(long.status).toBe(400);
  for (let again = 0; again < 3; again++) {
    expect(await send([...common, 'Authorization', ''], body, { agent })).toEqual(long);
    expect(await send(common, body, { agent })).toEqual(without);
  }
  agent.destroy();
});

test('callers that take turns are each taken for themselves, whatever is remembered of the one before', async () => {
  const callers = [basic(id, secret), basic(demo.mcpServer.id, demo.mcpServer.secret), basic(id, 'wrong')];
  for (let turn = 0; turn < 3; turn++) {
    const answers = [];
    for (const caller of callers) {
      const { status, body } = await send([...common, ...caller], `token=${await another()}`);
      answers.push([status, JSON.parse(body).active]);
    }
    expect(answers).toEqual([
      [200, true],
      [200, false],
      [401, undefined],
    ]);
  }
});

test('a question in many pieces is the same question', async () => {
  const body = `token=${token}`;
  const answer = await new Promise<number | undefined>((resolve, reject) => {
    const sent = request(`${mandate.issuer}/introspect`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/x-www-form-urlencoded',
        'Content-Length': body.length,
        Authorization: basic(id, secret)[1],
      },
    });
    sent.on('error', reject).on('response', (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.write(body.slice(0, 10));
    setTimeout(() => sent.end(body.slice(10)), 30);
  });
  expect(answer).toBe(200);
});

test('a node whose database is gone gives no answer, however hot it was', async () => {
  const lonely = await startMandate();
  const owner = await lonely.stores.users.findByEmail('owner@acme.test');
  const body = `token=${await (await tokensOf(lonely, owner?.id ?? ''))()}`;
  const ask = (headers: readonly string[]) =>
    fetch(`${lonely.issuer}/introspect`, {
      method: 'POST',
      headers: [headers, basic(id, secret)] as [string, string][],
      body,
    });
  for (let again = 0; again < 3; again++)
    expect(await (await ask(common)).json()).toMatchObject({ active: true });
  expect(await recalledBy(lonely)).toBe(2);
  await lonely.store.close();
  for (const way of [common, common, uncommon]) {
    const answer = await ask(way);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
  }
  await lonely.stop();
});
