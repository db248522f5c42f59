/** Receivers of security events that do not behave. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { decodeJwt, type JWTPayload } from 'jose';
import { signInToApi } from '../support/administrator.ts';
import { engines } from '../support/databases.ts';
import { pause } from '../support/fault-figures.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { startStopwatch } from '../support/thread-time.ts';

const actor = { id: 'command' };
let mandate: TestMandate;
let receiver: Server;
let sent = 0;
beforeAll(async () => {
  mandate = await startMandate();
  receiver = createServer((_, response) => {
    response.writeHead(200);
    const more = () => {
      let goesOn = true;
      while (goesOn && !response.destroyed) {
        goesOn = response.write(Buffer.alloc(65_536));
        sent += 65_536;
      }
    };
    response.on('drain', more).on('error', () => {});
    more();
  });
  await new Promise<void>((done) => receiver.listen(0, '127.0.0.1', done));
});
afterAll(async () => {
  receiver.close();
  receiver.closeAllConnections();
  await mandate.stop();
});

test('an answer without end is not listened to', async () => {
  const admin = await signInToApi(mandate.issuer, 'admin@acme.test');
  const { body } = await admin.call<{ items: { id: string; name: string }[] }>('GET', '/resource-servers');
  const path = `/resource-servers/${body.items.find(({ name }) => name === demo.apiServer.id)?.id}/event-receiver`;
  const { port } = receiver.address() as AddressInfo;
  await admin.call('PUT', path, { endpoint: `http://127.0.0.1:${port}/events` });
  const taken = startStopwatch();
  expect((await admin.call('POST', `${path}/verify`)).body).toMatchObject({ taken: true });
  expect(taken()).toBeLessThan(4_000);
  expect(sent).toBeLessThan(64 * 2 ** 20);
});

/** A receiver that takes its time. @param answer told the event; it is answered when that resolves */
async function startSlow(answer: (event: JWTPayload) => Promise<unknown>) {
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text) => {
      body += text;
    });
    request.on('end', async () => {
      await answer(decodeJwt(body));
      response.writeHead(202).end();
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Makes authorizations that concern the receiver, sets it, and suspends them in reverse. @returns their ids in that order */
async function suspendSome({ stores, store }: TestMandate, endpoint: string, count: number) {
  const user = await stores.users.findByEmail('editor@acme.test');
  const server = await stores.resourceServers.find(demo.apiServer.id);
  const ids: string[] = [];
  for (let made = 0; made < count; made += 1) {
    const { id } = await store.transact((trx) =>
      stores.authorizations.insert(trx, actor, {
        kind: 'oauth2',
        userId: user?.id ?? '',
        clientId: demo.web.id,
        capabilities: ['api'],
        projects: [],
        mcpServers: [],
        asked: [],
        expiresAt: null,
      }),
    );
    ids.unshift(id);
  }
  await stores.eventReceivers.set(actor, server?.id ?? '', endpoint, null);
  for (const id of ids) await stores.authorizations.suspend(actor, id);
  return ids;
}

async function until(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 40_000; !condition() && Date.now() < end; ) await pause(50);
}

describe.each(engines)('a slow receiver and two nodes, on %s', (engine) => {
  let first: TestMandate;
  let second: TestMandate;
  beforeEach(async () => {
    first = await startMandate({ engine });
    second = await startMandate({ engine, databaseUrl: first.databaseUrl, clock: first.clock });
  });
  afterEach(async () => {
    await second.stop();
    await first.stop();
  });

  test('one of them tells it, each event once and in order, for far longer than a turn lasts', async () => {
    const told: unknown[] = [];
    let atOnce = 0;
    let most = 0;
    const slow = await startSlow(async ({ sub_id }) => {
      told.push((sub_id as { session: { id: string } }).session.id);
      atOnce += 1;
      most = Math.max(most, atOnce);
      // Both nodes look several times meanwhile; ten events take four times as long as a turn.
      await pause(600);
      first.clock.advance(25);
      atOnce -= 1;
    });
    const changed = await suspendSome(first, slow.endpoint, 10);
    await until(() => told.length >= changed.length);
    await pause(1_500);
    expect(told).toEqual(changed);
    expect(most).toBe(1);
    slow.stop();
  }, 60_000);

  test('whichever stops leaves its turn to the other at once, and nothing is left out', async () => {
    const told: unknown[] = [];
    let isSlow = true;
    const slow = await startSlow(async ({ jti }) => {
      told.push(jti);
      await pause(isSlow ? 700 : 0);
    });
    await suspendSome(first, slow.endpoint, 8);
    await until(() => told.length > 1);
    const taken = startStopwatch();
    await first.app.settle();
    await second.app.settle();
    expect(taken()).toBeLessThan(6_000);
    expect(new Set(told).size).toBeLessThan(8);
    const third = await startMandate({ engine, databaseUrl: first.databaseUrl, clock: first.clock });
    isSlow = false;
    // The clock stands still: nobody's turn has run out.
    await until(() => new Set(told).size === 8);
    await third.stop();
    expect(new Set(told).size).toBe(8);
    slow.stop();
  }, 60_000);
});
