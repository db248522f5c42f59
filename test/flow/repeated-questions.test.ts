/** What a resource server asks again and again on one connection is answered ahead of the parser, and by all that holds at that moment. */
import { Agent } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { issueToken } from '../support/issue-token.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { basic } from '../support/race.ts';
import { type Answer, sendTo } from '../support/raw-request.ts';

const actor = { id: 'test' };

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  let agent: Agent;
  let authorizationId: string;
  let token: string;

  beforeAll(async () => {
    mandate = await startMandate({ engine, trustedProxies: { kind: 'hops', hops: 1 } });
  });
  afterAll(() => mandate.stop());

  beforeEach(async () => {
    const { stores, store, clock } = mandate;
    const owner = await stores.users.findByEmail('owner@acme.test');
    const { id } = await store.transact((trx) =>
      stores.authorizations.insert(trx, actor, {
        ...{ kind: 'oauth2', userId: owner?.id ?? '', clientId: demo.web.id, capabilities: ['api'] },
        ...{ projects: [], mcpServers: [], asked: [], expiresAt: null },
      }),
    );
    authorizationId = id;
    token = await issueToken(store, {
      ...{ authorizationId, clientId: demo.web.id, audience: demo.api, issuedAt: clock.now() },
    });
    // One connection for each test, with a first question on it that is parsed.
    agent = new Agent({ keepAlive: true, maxSockets: 1 });
    await ask('unknown'.padEnd(token.length, '-'));
  });
  afterEach(() => agent.destroy());

  const ask = (value: string, headers: Record<string, string> = {}): Promise<Answer> =>
    sendTo(new URL(mandate.issuer).port, '/introspect', {
      agent,
      body: `token=${value}`,
      headers: { host: new URL(mandate.issuer).host, ...basic(demo.apiServer), ...headers },
    });
  /** Does something, and tells how many requests were parsed meanwhile. */
  const parsedDuring = async (work: () => Promise<unknown>): Promise<number> => {
    const before = mandate.parsed();
    await work();
    return mandate.parsed() - before;
  };

  test('a revocation, a new secret and a disabled caller act on the very next question', async () => {
    const { authorizations, resourceServers } = mandate.stores;
    const server = await resourceServers.find(demo.apiServer.id);
    const content = {
      name: demo.apiServer.id,
      audiences: (await resourceServers.guardedBy(server?.id ?? '')).audiences,
    };
    const answers: unknown[] = [];
    const note = async () => {
      const { status, text } = await ask(token);
      const { active, error } = JSON.parse(text) as { active?: boolean; error?: string };
      answers.push([status, active ?? error]);
    };
    const parsed = await parsedDuring(async () => {
      await note();
      await resourceServers.save(actor, { ...content, secret: 'another-secret-that-is-long-enough' });
      await note();
      await resourceServers.save(actor, { ...content, secret: demo.apiServer.secret });
      await note();
      await resourceServers.disable(actor, server?.id ?? '');
      await note();
      await resourceServers.enable(actor, server?.id ?? '');
      await note();
      await authorizations.revoke(actor, authorizationId);
      await note();
    });
    expect(answers).toEqual([
      [200, true],
      [401, 'invalid_client'],
      [200, true],
      [401, 'invalid_client'],
      [200, true],
      [200, false],
    ]);
    expect(parsed).toBe(0);
  });

  test('a use is noted of the address that the head of this very question tells', async () => {
    const { store } = mandate;
    const from = { 'x-forwarded-for': '198.51.100.7' };
    await ask('unknown'.padEnd(token.length, '-'), from);
    expect(await parsedDuring(() => ask(token, from))).toBe(0);
    for (let tries = 0; tries < 600; tries += 1) {
      const row = await store.db
        .selectFrom('authorizations')
        .select('last_used_from')
        .where('id', '=', authorizationId)
        .executeTakeFirst();
      if (row?.last_used_from === '198.51.100.7') return;
      await pause(50);
    }
    throw new Error('no use was noted from this address');
  });

  test('a condition is met as ever', async () => {
    const { headers } = await ask(token, { 'if-none-match': '""' });
    const condition = { 'if-none-match': String(headers.etag) };
    for (let again = 0; again < 2; again += 1) expect((await ask(token, condition)).status).toBe(304);
    expect((await ask(token)).status).toBe(200);
  });

  test('a question that names its trace is answered so too, though no other has that name; one for another host is not', async () => {
    const trace = (n: number) => ({ traceparent: `00-${String(n).padStart(32, '0')}-00f067aa0ba902b7-01` });
    await ask(token, trace(1));
    const parsed = await parsedDuring(async () => {
      expect(JSON.parse((await ask(token, trace(2))).text)).toMatchObject({ active: true });
      await mandate.stores.authorizations.revoke(actor, authorizationId);
      expect(JSON.parse((await ask(token, trace(3))).text)).toEqual({ active: false });
    });
    expect(parsed).toBe(0);
    const elsewhere = await ask(token, { ...trace(4), host: 'elsewhere.test' });
    expect(elsewhere.status).toBe(421);
  });

  test('all are parsed once the server is about to stop', async () => {
    expect(await parsedDuring(() => ask(token))).toBe(0);
    mandate.app.ready = false;
    expect(await parsedDuring(() => ask(token))).toBe(1);
    mandate.app.ready = true;
  });

  test('a question behind a stream on the same connection does not come between', async () => {
    const { host, port } = new URL(mandate.issuer);
    const { authorization } = basic(demo.apiServer);
    const common = `Authorization: ${authorization}\r\nHost: ${host}\r\n`;
    const question = [
      `POST /introspect HTTP/1.1\r\n${common}Content-Type: application/x-www-form-urlencoded`,
      `Content-Length: ${6 + token.length}\r\n\r\ntoken=${token}`,
    ].join('\r\n');
    const socket = connect(Number(port), '127.0.0.1');
    let heard = '';
    socket.on('data', (data) => {
      heard += data.toString('latin1');
    });
    for (const piece of [question, question, `GET /changes HTTP/1.1\r\n${common}\r\n`, question]) {
      socket.write(piece);
      await pause(150);
    }
    while (!heard.includes('text/event-stream')) await pause(10);
    await pause(150);
    expect(heard.match(/HTTP\/1\.1 \d\d\d|"active":true|text\/event-stream/g)).toEqual([
      ...['HTTP/1.1 200', '"active":true', 'HTTP/1.1 200', '"active":true'],
      ...['HTTP/1.1 200', 'text/event-stream'],
    ]);
    socket.destroy();
  });
});

test('a question that the database does not answer is refused, and the connection goes on', async () => {
  const mandate = await startMandate();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const { host, port } = new URL(mandate.issuer);
  const ask = () =>
    sendTo(port, '/introspect', { agent, body: 'token=x', headers: { host, ...basic(demo.apiServer) } });
  expect((await ask()).status).toBe(200);
  await mandate.store.close();
  const before = mandate.parsed();
  for (let again = 0; again < 3; again += 1) {
    const { status, headers } = await ask();
    expect([status, headers['retry-after']]).toEqual([503, '1']);
  }
  expect([mandate.parsed(), mandate.app.unparsed()]).toEqual([before, 0]);
  agent.destroy();
  await mandate.stop();
});
