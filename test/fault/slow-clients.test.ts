/** R13, DS-01: clients that send a byte now and then are cut off, and nobody waits for them; a flood of registrations is bounded. */
import { once } from 'node:events';
import { Agent } from 'node:http';
import { connect, type Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { engines, freshDatabaseUrl } from '../support/databases.ts';
import { engineName, isLongRun, pause, quantile, record, sized, tries } from '../support/fault-figures.ts';
import { demo } from '../support/mandate.ts';
import { tokenByCode } from '../support/oauth.ts';
import { basic } from '../support/race.ts';
import { startServerProcess } from '../support/server-process.ts';

const sockets = sized(60, 500);
const registrationsPerSecond = tries(20, 1_000);
const introspectionsPerSecond = tries(50, 200);
/** Of each kind; who floods keeps no more connections open than this either. */
const mostPending = 50;
const paths = ['/token', '/register', '/introspect', '/interaction/x', '/api/v1/users', '/sign-in'];

test.each(isLongRun ? engines : (['sqlite'] as const))(
  `DS-01: ${sockets} slow clients are cut within 30 s and hold up nobody, on %s`,
  async (engine) => {
    const database = await freshDatabaseUrl(engine);
    const node = await startServerProcess({ databaseUrl: database.url });
    const open = new Set<Socket>();
    try {
      const person = { email: 'editor@acme.test', answers: { 'flows:edit': true, atlas: true } };
      const { access_token: token = '' } = await tokenByCode(node.issuer, person);
      const { host } = new URL(node.issuer);
      let over = false;

      /** Half of them never end their head, half never end their body. @returns after how many milliseconds it was cut */
      const dawdle = async (index: number): Promise<number> => {
        const socket = connect(node.port, '127.0.0.1');
        open.add(socket);
        socket.on('error', () => {});
        socket.resume();
        await once(socket, 'connect');
        const start = performance.now();
        const head = `POST ${paths[index % paths.length]} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/x-www-form-urlencoded\r\n`;
        socket.write(index % 2 === 0 ? head : `${head}Content-Length: 1000\r\n\r\n`);
        const drip = setInterval(
          () => socket.write(index % 2 === 0 ? 'X-A: b\r\n' : 'a'),
          sized(1_000, 10_000),
        );
        await once(socket, 'close');
        clearInterval(drip);
        open.delete(socket);
        return performance.now() - start;
      };

      const slow = Promise.all(Array.from({ length: sockets }, (_, index) => dawdle(index)));
      /** Begins work by the clock, as long as not too much of it is under way. @returns for how many milliseconds */
      const every = async (perSecond: number, work: () => Promise<void>): Promise<number> => {
        const pending = new Set<Promise<void>>();
        const start = performance.now();
        let begun = 0;
        while (!over) {
          const due = Math.floor(((performance.now() - start) * perSecond) / 1_000);
          for (; begun <= due && pending.size < mostPending; begun += 1) {
            const one = work();
            pending.add(one);
            void one.finally(() => pending.delete(one));
          }
          // What could not be begun in time is not made up for.
          begun = Math.max(begun, due - mostPending);
          await pause(1);
        }
        await Promise.all(pending);
        return performance.now() - start;
      };
      const times: number[] = [];
      let wrong = 0;
      const asking = every(introspectionsPerSecond, async () => {
        const start = performance.now();
        const answer = await node.send('/introspect', {
          headers: basic(demo.apiServer),
          body: new URLSearchParams({ token }),
        });
        times.push(performance.now() - start);
        if (!answer.text.includes('"active":true')) wrong += 1;
      });
      const statuses = new Map<number, number>();
      let registered = 0;
      // Who floods opens no connection for each: that would cost the sender more than the server.
      const agent = new Agent({ keepAlive: true, maxSockets: mostPending });
      const flooding = every(registrationsPerSecond, async () => {
        registered += 1;
        const { status } = await node.send('/register', {
          agent,
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            redirect_uris: [`https://tool${registered}.example/callback`],
            token_endpoint_auth_method: 'none',
          }),
        });
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      });
      const cut = await slow;
      over = true;
      const seconds = (await Promise.all([asking, flooding])).map((milliseconds) => milliseconds / 1_000);
      const rates = [times.length, registered].map((n, index) => (n / (seconds[index] ?? 1)).toFixed(0));
      agent.destroy();
      const longest = Math.max(...cut) / 1_000;
      const p99 = quantile(times, 0.99);
      const faults = [...statuses.keys()].filter((status) => status >= 500);
      record({
        id: 'R13',
        scenario: `${sockets} slow clients on ${paths.length} endpoints and a flood of registrations, beside introspections`,
        target: 'cut within 30 s, introspection 99 % under 100 ms, 0 5xx',
        measured: `cut within ${longest.toFixed(1)} s; introspection ${p99.toFixed(0)} ms (99 %), ${rates[0]} a second; ${wrong} wrong; registrations, ${rates[1]} a second: ${[...statuses].map(([status, n]) => `${n} × ${status}`).join(', ')}`,
        engine: engineName(engine),
      });
      expect(longest).toBeLessThan(30);
      expect(wrong).toBe(0);
      expect(faults).toEqual([]);
      expect(p99).toBeLessThan(sized(1_000, 100));
    } finally {
      for (const socket of open) socket.destroy();
      await node.kill();
      await database.drop();
    }
  },
  90_000,
);
