/** A listener that does not read, over a real socket: it is let go, nobody waits for it, and it comes back without having lost anything. */
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { listen } from '../support/change-stream.ts';
import { isLongRun, sized } from '../support/fault-figures.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { startStopwatch } from '../support/thread-time.ts';

const actor = { id: 'test' };
const pause = (milliseconds: number) => new Promise((resolve) => void setTimeout(resolve, milliseconds));
/** A user with more is told of by a flush, which is short. */
const each = 200;
let mandate: TestMandate;
let users: string[];
let touched: string[];

beforeAll(async () => {
  mandate = await startMandate();
  const { stores, store } = mandate;
  const found = await Promise.all(
    ['editor@acme.test', 'viewer@acme.test'].map((email) => stores.users.findByEmail(email)),
  );
  users = found.map((user) => user?.id ?? '');
  touched = await store.transact(async (trx) => {
    const ids: string[] = [];
    for (const userId of users) {
      for (let made = 0; made < each; made += 1) {
        const { id } = await stores.authorizations.insert(trx, actor, {
          kind: 'oauth2',
          userId,
          clientId: demo.web.id,
          capabilities: ['api'],
          projects: [],
          mcpServers: [],
          asked: [],
          expiresAt: null,
        });
        ids.push(id);
      }
    }
    return ids;
  });
});
afterAll(() => mandate.stop());

/** Opens the stream on a socket of its own, reads up to the first proof, and then no more. */
async function openAndStopReading(): Promise<{ socket: Socket; read(): string }> {
  const { host, port } = new URL(mandate.issuer);
  const socket = connect(Number(port), 'localhost');
  let text = '';
  socket.on('data', (piece: Buffer) => {
    text += piece.toString();
  });
  socket.on('error', () => {});
  const basic = btoa(`${demo.apiServer.id}:${demo.apiServer.secret}`);
  socket.write(`GET /changes HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Basic ${basic}\r\n\r\n`);
  while (!/^id: \d+$/m.test(text)) await pause(5);
  socket.pause();
  return { socket, read: () => text };
}

const lastIdIn = (text: string) => [...text.matchAll(/^id: (\d+)$/gm)].at(-1)?.[1] ?? '';

test('it is cut off once it lags too far behind, and resumes by Last-Event-ID without losing anything', async () => {
  const slow = await openAndStopReading();
  const brisk = await listen(mandate.issuer, demo.apiServer);
  await brisk.until(() => brisk.lastId() !== undefined);
  const heardBefore = lastIdIn(slow.read());

  // In the long run as many megabytes as the buffers of the system on both sides may take, and more.
  const turns = sized(20, 260);
  let slowest = 0;
  for (let turn = 0; turn < turns; turn += 1) {
    const { length } = brisk.events;
    const change = turn % 2 === 0 ? mandate.stores.users.suspend : mandate.stores.users.resume;
    for (const id of users) await change(actor, id);
    const taken = startStopwatch();
    await brisk.until(() => brisk.events.length > length);
    slowest = Math.max(slowest, taken());
  }
  expect(slowest).toBeLessThan(2_000);
  const told = brisk.text().length;
  if (isLongRun) {
    expect(told).toBeGreaterThan(5_000_000);
    // Its end waits for five seconds for somebody who takes it.
    await pause(5_500);
    const closed = new Promise((resolve) => slow.socket.once('close', resolve));
    slow.socket.resume();
    await closed;
    expect(slow.read().length).toBeLessThan(told);
    expect(slow.read()).not.toMatch(/\r\n0\r\n\r\n$/);
  }
  slow.socket.destroy();

  const { id } = await mandate.store.transact(async (trx) => {
    const made = await mandate.stores.authorizations.insert(trx, actor, {
      kind: 'oauth2',
      userId: users[0] ?? '',
      clientId: demo.web.id,
      capabilities: ['api'],
      projects: [],
      mcpServers: [],
      asked: [],
      expiresAt: null,
    });
    return made;
  });
  await mandate.stores.authorizations.revoke(actor, id);
  for (const from of [lastIdIn(slow.read()), heardBefore]) {
    const back = await listen(mandate.issuer, demo.apiServer, from);
    await back.until(() => back.lastId() !== undefined);
    await brisk.until(() => brisk.events.some(({ data }) => data.id === id));
    await back.until(() => back.lastId() === brisk.lastId());
    const named = new Set(back.events.map(({ data }) => data.id));
    const hasFlush = back.events.some(({ type }) => type === 'flush');
    expect(hasFlush || [...touched, id].every((one) => named.has(one))).toBe(true);
    back.close();
  }
  brisk.close();
}, 120_000);
