import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import type { Store } from '../../../db/open.ts';
import { createKeptConnection } from '../../../src/changes/kept-connection.ts';

const statement = { name: 'one', text: 'select 1' };

/** A pool that counts, whose connections fail when told. */
function countingPool() {
  const connections: (EventEmitter & { fails?: boolean; released?: boolean | undefined })[] = [];
  const pool = {
    async connect() {
      const connection = Object.assign(new EventEmitter(), {
        fails: false,
        released: undefined as boolean | undefined,
        async query() {
          if (connection.fails) throw new Error('gone');
          return { rows: [{ n: connections.length }] };
        },
        release(broken: boolean) {
          connection.released = broken;
        },
      });
      connections.push(connection);
      return connection;
    },
  };
  return { connections, pool: pool as unknown as NonNullable<Store['pool']> };
}

test('statements that follow one another share a connection, which goes back once it is quiet', async () => {
  const { connections, pool } = countingPool();
  const kept = createKeptConnection(pool);
  for (let n = 0; n < 5; n++) await kept.query(statement);
  expect(connections).toHaveLength(1);
  expect(connections[0]?.released).toBeUndefined();
  await sleep(150);
  expect(connections[0]?.released).toBe(false);
  expect(connections[0]?.listenerCount('error')).toBe(0);
  await kept.query(statement);
  expect(connections).toHaveLength(2);
});

test('one on which a statement failed is given up, and the next statement has another one', async () => {
  const { connections, pool } = countingPool();
  const kept = createKeptConnection(pool);
  await kept.query(statement);
  Object.assign(connections[0] ?? {}, { fails: true });
  await expect(kept.query(statement)).rejects.toThrow('gone');
  expect(connections[0]?.released).toBe(true);
  expect((await kept.query(statement)).rows).toEqual([{ n: 2 }]);
});

test('one that breaks between two statements is not asked again', async () => {
  const { connections, pool } = countingPool();
  const kept = createKeptConnection(pool);
  await kept.query(statement);
  connections[0]?.emit('error', new Error('the server went away'));
  expect(connections[0]?.released).toBe(true);
  expect((await kept.query(statement)).rows).toEqual([{ n: 2 }]);
});
