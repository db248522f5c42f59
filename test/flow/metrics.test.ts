/** What a Prometheus server reads: figures of what was asked, no name that anybody made up, no secret. */
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { engines } from '../support/databases.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { postForm, tokenByCode } from '../support/oauth.ts';

describe.each(engines)('the metrics on %s', (engine) => {
  let mandate: TestMandate;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
  });
  afterAll(() => mandate.stop());
  const scrape = async () => {
    const response = await fetch(`${mandate.issuer}/metrics`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    return response.text();
  };
  /** The values of a metric by their labels. */
  const valuesOf = (text: string, name: string) =>
    Object.fromEntries(
      text
        .split('\n')
        .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
        .map((line) => {
          const [key = '', value] = line.split(/ (?=[^ ]*$)/);
          return [key.slice(name.length), Number(value)];
        }),
    );

  test('count introspections, sign-ins, tokens, and what the memory did', async () => {
    const { issuer } = mandate;
    const { access_token: token = '' } = await tokenByCode(issuer, {
      email: 'editor@acme.test',
      answers: { 'flows:edit': true, atlas: true, 'Role in atlas': 'Editor' },
    });
    const ask = (caller: { id: string; secret: string }) =>
      // The common way of asking, to the letter.
      postForm(`${issuer}/introspect`, { token }, caller, {
        'content-type': 'application/x-www-form-urlencoded',
      });
    for (let round = 0; round < 40; round += 1) await ask(demo.apiServer);
    await ask({ id: 'acme-api', secret: 'wrong' });
    const text = await scrape();
    expect(valuesOf(text, 'mandate_introspections_total')).toMatchObject({
      '{outcome="active",resource_server="acme-api"}': 40,
      '{outcome="refused_caller",resource_server=""}': 1,
    });
    expect(valuesOf(text, 'mandate_introspection_cache_requests_total')).toEqual({
      '{result="hit"}': 39,
      '{result="miss"}': 2,
    });
    // One in sixteen of forty-one.
    expect(valuesOf(text, 'mandate_introspection_duration_seconds_count')).toEqual({
      '{outcome="active"}': 2,
      '{outcome="inactive"}': 0,
      '{outcome="refused_caller"}': 0,
      '{outcome="unavailable"}': 0,
    });
    expect(valuesOf(text, 'mandate_sign_ins_total')['{outcome="signed_in"}']).toBe(1);
    expect(valuesOf(text, 'mandate_tokens_issued_total')['{grant="authorization_code"}']).toBe(1);
    expect(
      valuesOf(text, 'mandate_http_request_duration_seconds_count')['{endpoint="token",outcome="success"}'],
    ).toBe(1);
    const { n } = await mandate.store.db.selectFrom('change_counter').select('n').executeTakeFirstOrThrow();
    expect(valuesOf(text, 'mandate_change_number')['']).toBe(n);
    expect(valuesOf(text, 'mandate_ready')['']).toBe(1);
    expect(valuesOf(text, 'mandate_build_info')).toEqual({
      [`{version="0.1.0",engine="${engine}",node="${process.version}"}`]: 1,
    });
    expect(text).toContain('nodejs_eventloop_lag_p99_seconds');
    expect(text).not.toContain(token);
    expect(text).not.toContain(demo.apiServer.secret);
  });

  test('grow no label from what a request says', async () => {
    const count = async () => (await scrape()).match(/^mandate_/gm)?.length;
    const wander = async (round: number) => {
      await fetch(`${mandate.issuer}/made-up-${round}`);
      await postForm(
        `${mandate.issuer}/introspect`,
        { token: `t${round}` },
        { id: `nobody-${round}`, secret: 'wrong' },
      );
    };
    await wander(0);
    const before = await count();
    for (let round = 1; round < 50; round += 1) await wander(round);
    expect(await count()).toBe(before);
  });

  test('tell how long introspections took by what came of them, on one connection and on several', async () => {
    const measured = async () =>
      valuesOf(await scrape(), 'mandate_introspection_duration_seconds_count') as Record<string, number>;
    const before = await measured();
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const askTwice = (caller: { id: string; secret: string }) =>
      Promise.all(
        [1, 2].map(() => postForm(`${mandate.issuer}/introspect`, { token: 'unknown' }, caller, form)),
      );
    // Sixteen of each: whichever is measured, one is.
    for (let round = 0; round < 8; round += 1) await askTwice(demo.apiServer);
    for (let round = 0; round < 8; round += 1) await askTwice({ id: 'acme-api', secret: 'wrong' });
    const after = await measured();
    const grown = Object.keys(after).filter((labels) => (after[labels] ?? 0) > (before[labels] ?? 0));
    expect(grown).toEqual(['{outcome="inactive"}', '{outcome="refused_caller"}']);
  });

  /** Scrapes until what it says is so. */
  const scrapeUntil = async (isSo: (text: string) => boolean) => {
    for (let tries = 0; tries < 300; tries += 1) {
      const text = await scrape();
      if (isSo(text)) return text;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error('the metrics did not come to say so');
  };

  test('count no question as unavailable whose asker left in the middle of it', async () => {
    const { host, port } = new URL(mandate.issuer);
    const unavailable = (said: string) =>
      valuesOf(said, 'mandate_introspections_total')['{outcome="unavailable",resource_server=""}'];
    const before = unavailable(await scrape());
    const { length } = mandate.logged();
    for (const path of ['uses', 'changes', 'introspect']) {
      const socket = connect(Number(port), '127.0.0.1');
      // Not the common way of asking.
      const head = `POST /${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: Application/x-www-form-urlencoded`;
      const begun = `${head}\r\nContent-Length: 100\r\n\r\ntoken=`;
      await new Promise((resolve) => socket.write(begun, resolve));
      socket.destroy();
    }
    const left = '{endpoint="introspect",outcome="aborted"}';
    const text = await scrapeUntil(
      (said) => valuesOf(said, 'mandate_http_request_duration_seconds_count')[left] === 1,
    );
    expect(unavailable(text)).toBe(before);
    expect(mandate.logged().slice(length)).not.toMatch(/could not be (?:answered|told|kept)/);
  });

  test('count the mails that wait and what becomes of them', async () => {
    const { store, stores, clock } = mandate;
    const letter = {
      kind: 'invitation',
      to: 'ada@acme.test',
      by: 'owner@acme.test',
      token: 'tok-en-1',
      until: clock.now() + 3_600,
    } as const;
    await store.transact(async (trx) => {
      const id = await stores.outbox.post(trx, letter);
      const later = { due_at: clock.now() + 600 };
      await trx.updateTable('mail_outbox').set(later).where('id', '=', id).execute();
    });
    const text = await scrapeUntil((said) => valuesOf(said, 'mandate_mails_waiting')[''] === 1);
    expect(valuesOf(text, 'mandate_mails_total')).toEqual({
      '{outcome="sent"}': 0,
      '{outcome="failed"}': 0,
      '{outcome="given_up"}': 0,
    });
    // Nobody has said where mail goes to.
    clock.advance(600);
    await scrapeUntil(
      (said) =>
        valuesOf(said, 'mandate_mails_waiting')[''] === 0 &&
        valuesOf(said, 'mandate_mails_total')['{outcome="given_up"}'] === 1,
    );
  }, 60_000);

  test('count the changes that a receiver of events waits for, and what it took', async () => {
    const { stores, store, clock } = mandate;
    const actor = { id: 'command' };
    let status = 500;
    const receiver = createServer((request, response) => {
      request.resume().on('end', () => response.writeHead(status).end());
    });
    await new Promise<void>((done) => void receiver.listen(0, '127.0.0.1', done));
    const { port } = receiver.address() as AddressInfo;
    const server = await stores.resourceServers.find(demo.apiServer.id);
    const user = await stores.users.findByEmail('editor@acme.test');
    const { id } = await store.transact((trx) =>
      stores.authorizations.insert(trx, actor, {
        ...{ kind: 'oauth2', userId: user?.id ?? '', clientId: demo.web.id, capabilities: ['api'] },
        ...{ projects: [], mcpServers: [], asked: [], expiresAt: null },
      }),
    );
    const waiting = (text: string) => valuesOf(text, 'mandate_event_changes_waiting')[''];
    await scrapeUntil((said) => waiting(said) === 0);
    await stores.eventReceivers.set(actor, server?.id ?? '', `http://127.0.0.1:${port}/events`, null);
    await stores.authorizations.suspend(actor, id);
    const pushes = (text: string) => valuesOf(text, 'mandate_event_pushes_total');
    const failing = await scrapeUntil(
      (said) => pushes(said)['{outcome="failed"}'] === 1 && waiting(said) === 1,
    );
    expect(pushes(failing)['{outcome="delivered"}']).toBe(0);
    status = 202;
    let failed = 0;
    const taken = await scrapeUntil((said) => {
      // Each time that it was not told in time, until it is told again.
      if (failed !== pushes(said)['{outcome="failed"}']) clock.advance(30);
      failed = pushes(said)['{outcome="failed"}'] ?? 0;
      return waiting(said) === 0;
    });
    expect(pushes(taken)['{outcome="delivered"}']).toBeGreaterThan(0);
    await stores.eventReceivers.remove(actor, server?.id ?? '');
    receiver.closeAllConnections();
    await new Promise((done) => void receiver.close(done));
  }, 90_000);

  test('are told without what the database does not say in time', async () => {
    // SQLite is read in this process, and a writer keeps no reader waiting.
    if (engine === 'sqlite') return;
    await mandate.store.transact(async (trx) => {
      await sql`lock table mail_outbox in access exclusive mode`.execute(trx);
      const text = await scrape();
      expect(valuesOf(text, 'mandate_mails_waiting')).toEqual({});
      expect(valuesOf(text, 'mandate_ready')).toEqual({ '': 1 });
    });
    await scrapeUntil((said) => valuesOf(said, 'mandate_mails_waiting')[''] === 0);
  }, 60_000);

  test('are nothing to those who come through a proxy', async () => {
    const response = await fetch(`${mandate.issuer}/metrics`, {
      headers: { 'x-forwarded-for': '127.0.0.1' },
    });
    expect(response.status).toBe(404);
  });

  test('count what limits refuse', async () => {
    const client = createBrowserlessClient(mandate.issuer);
    for (let round = 0; round < 11; round += 1) {
      await client.submit(await client.get('/sign-in'), 'Sign in', {
        Email: 'viewer@acme.test',
        Password: 'wrong',
      });
    }
    const text = await scrape();
    expect(valuesOf(text, 'mandate_rate_limited_total')['{limit="sign-in-account"}']).toBe(1);
    expect(valuesOf(text, 'mandate_sign_ins_total')).toMatchObject({
      '{outcome="wrong"}': 10,
      '{outcome="limited"}': 1,
    });
  }, 30_000);
});
