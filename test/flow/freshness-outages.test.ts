/**
 * R7: PostgreSQL is stopped, paused or out of connections, or cuts those of one node again and again, while that node is asked about what
 * it remembers. Whoever is answered is answered rightly, everybody else hears 503 in time, and it comes back by itself.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { pause, record, sized } from '../support/fault-figures.ts';
import { issueToken } from '../support/issue-token.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';
import { basic } from '../support/race.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { ownThreadTime, startStopwatch, threadTimeOf } from '../support/thread-time.ts';

const outageSeconds = sized(4, 30);
const perSecond = sized(50, 200);
const cuts = sized(20, 200);
const actor = { id: 'test' };
const role = 'app';
let postgres: Postgres;
let admin: pg.Client;
let node: ServerProcess;
let writer: TestMandate;
let editor: string;

beforeAll(async () => {
  postgres = await startPostgres({ durable: true, settings: { max_connections: '30' } });
  // No superuser, as in the field: PostgreSQL keeps connections for those.
  const own = new URL(postgres.url);
  await connectAdmin();
  await admin.query(`create role ${role} login password '${own.password}'`);
  await admin.query(`create database mandate owner ${role}`);
  own.pathname = '/mandate';
  const databaseUrl = own.href;
  own.username = role;
  node = await startServerProcess({ databaseUrl: own.href });
  writer = await startMandate({ databaseUrl });
  editor = (await writer.stores.users.findByEmail('editor@acme.test'))?.id ?? '';
}, 90_000);
afterAll(async () => {
  await node?.kill();
  await writer?.stop();
  await admin?.end().catch(() => {});
  await postgres?.stop();
});

async function connectAdmin(): Promise<void> {
  admin = new pg.Client({ connectionString: postgres.url });
  // It goes with the server.
  admin.on('error', () => {});
  await admin.connect();
}

/** Ends every connection of the node. */
async function cutNode(): Promise<void> {
  await admin.query(
    'select pg_terminate_backend(pid, 10000) from pg_stat_activity where usename = $1 and pid <> pg_backend_pid()',
    [role],
  );
}

async function authorize(): Promise<{ id: string; token: string }> {
  const { stores, store, clock } = writer;
  const { id } = await store.transact((trx) =>
    stores.authorizations.insert(trx, actor, {
      ...{ kind: 'oauth2', userId: editor, clientId: demo.web.id, capabilities: ['api'] },
      ...{ projects: [], mcpServers: [], asked: [], expiresAt: null },
    }),
  );
  const about = { authorizationId: id, clientId: demo.web.id, audience: demo.api, issuedAt: clock.now() };
  return { id, token: await issueToken(store, about) };
}

/** Asks in the common way, whose answers are remembered. */
async function ask(token: string): Promise<{ status: number; active: boolean }> {
  const { status, text } = await node.send('/introspect', {
    headers: basic(demo.apiServer),
    body: `token=${token}`,
  });
  return { status, active: text.includes('"active":true') };
}
/** Asks until there is an answer. */
async function answered(token: string, milliseconds = 20_000): Promise<boolean> {
  const taken = startStopwatch();
  for (;;) {
    const { status, active } = await ask(token);
    if (status === 200) return active;
    expect(status).toBe(503);
    if (taken() > milliseconds) throw new Error('it did not come back');
    await pause(20);
  }
}

/** Takes PostgreSQL away, and revokes at the last moment at which somebody can. @returns what brings it back */
const ways: Record<string, (revoke: () => Promise<void>) => Promise<() => Promise<void>>> = {
  async stopped(revoke) {
    await revoke();
    const { pid } = postgres;
    process.kill(pid, 'SIGINT');
    while (isRunning(pid)) await pause(10);
    return async () => {
      await postgres.restart();
      await connectAdmin();
    };
  },
  async paused(revoke) {
    await revoke();
    postgres.pause();
    return async () => postgres.resume();
  },
  async 'out of connections'(revoke) {
    await admin.query(`alter role ${role} connection limit 0`);
    await cutNode();
    // The node remembers, and cannot hear of it.
    await revoke();
    const others: pg.Client[] = [];
    for (let refusal: unknown; refusal === undefined; ) {
      const other = new pg.Client({ connectionString: postgres.url });
      other.on('error', () => {});
      refusal = await other.connect().then(
        () => void others.push(other),
        (error: unknown) => error,
      );
      if (refusal !== undefined) expect(refusal).toMatchObject({ code: '53300' });
    }
    await admin.query(`alter role ${role} connection limit -1`);
    return async () => void (await Promise.all(others.map((other) => other.end())));
  },
};

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test.each(Object.keys(ways))(
  'PostgreSQL %s: only 503, nothing from before a change, and back without a restart',
  async (way) => {
    const [kept, ended] = [await authorize(), await authorize()];
    for (const { token } of [kept, ended, kept, ended]) expect(await answered(token)).toBe(true);
    let [revokedAt, goneAt, comesAt] = [Infinity, Infinity, Infinity];
    let slowest = 0;
    /** Without what the server, and this test, waited for a processor. */
    let longestOwn = 0;
    let refusals = 0;
    const wrong: string[] = [];
    const askOnce = async (about: typeof kept) => {
      const begun = performance.now();
      const queued = () => threadTimeOf(node.pid).queued + ownThreadTime().queued;
      const before = queued();
      const { status, active } = await ask(about.token);
      const over = performance.now();
      slowest = Math.max(slowest, over - begun);
      longestOwn = Math.max(longestOwn, over - begun - (queued() - before));
      const said = `${about === kept ? 'kept' : 'ended'}: ${status} ${active}`;
      if (status !== 200 && status !== 503) wrong.push(said);
      if (status === 200 && about === kept && !active) wrong.push(said);
      if (active && about === ended && begun > revokedAt) wrong.push(`${said}, after it was revoked`);
      if (begun < goneAt || begun > comesAt) return;
      if (status === 503) refusals += 1;
      else if (over < comesAt) wrong.push(`${said}, while nobody could know`);
    };
    let going = true;
    const load = (async () => {
      const asked: Promise<void>[] = [];
      for (let index = 0; going; index += 1) {
        asked.push(
          askOnce(index % 2 === 0 ? kept : ended).catch((error: unknown) => void wrong.push(String(error))),
        );
        await pause(1_000 / perSecond);
      }
      await Promise.all(asked);
    })();

    await pause(200);
    const bringBack = await ways[way]?.(async () => {
      expect(await writer.stores.authorizations.revoke(actor, ended.id)).toMatchObject({ outcome: 'done' });
      revokedAt = performance.now();
    });
    // A signal is delivered by now.
    await pause(100);
    goneAt = performance.now();
    await pause(outageSeconds * 1_000);
    comesAt = performance.now();
    await bringBack?.();
    const back = startStopwatch();
    expect(await answered(kept.token)).toBe(true);
    const recovery = back();
    expect(await answered(ended.token)).toBe(false);
    going = false;
    await load;
    record({
      id: 'R7',
      scenario: `database ${way} for ${outageSeconds} s, under ${perSecond} questions a second about what is remembered and what was revoked just before`,
      target: 'only 503 within 2 s, 0 stale, back within 5 s without a restart',
      measured: `${wrong.length} wrong; ${refusals} × 503; slowest answer ${(slowest / 1_000).toFixed(2)} s, without waiting for a processor ${(longestOwn / 1_000).toFixed(2)} s; back after ${(recovery / 1_000).toFixed(1)} s`,
      engine: 'PostgreSQL',
    });
    const log = wrong.length > 0 ? [node.output().slice(-4_000)] : [];
    expect([...wrong.slice(0, 5), ...log]).toEqual([]);
    expect(refusals).toBeGreaterThan(0);
    expect(longestOwn).toBeLessThan(sized(4_000, 2_000));
    expect(recovery).toBeLessThan(sized(15_000, 5_000));
  },
  120_000,
);

test(`its connections are cut at every change, ${cuts} times: 503 or the answer from after it`, async () => {
  for (let cut = 0; cut < cuts; cut += 1) {
    const { id, token } = await authorize();
    for (let again = 0; again < 2; again += 1) expect(await answered(token)).toBe(true);
    if (cut % 2 === 0) await cutNode();
    await writer.stores.authorizations.revoke(actor, id);
    if (cut % 2 === 1) await cutNode();
    const { status, active } = await ask(token);
    expect([200, 503]).toContain(status);
    expect(active).toBe(false);
    expect(await answered(token)).toBe(false);
  }
}, 240_000);
