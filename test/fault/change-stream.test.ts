/** The change stream of a real server that stops, hangs or dies under a resource server that remembers answers. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { type CachingResourceServer, cachingResourceServer, listen } from '../support/change-stream.ts';
import { type FreshDatabase, freshDatabaseUrl } from '../support/databases.ts';
import { demo } from '../support/mandate.ts';
import { askToken } from '../support/oauth.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

let database: FreshDatabase;
let node: ServerProcess;
let server: CachingResourceServer;
let token: string;

const pause = (milliseconds: number) => new Promise((resolve) => void setTimeout(resolve, milliseconds));

beforeAll(async () => {
  database = await freshDatabaseUrl('sqlite');
});
beforeEach(async () => {
  node = await startServerProcess({ databaseUrl: database.url });
  const { body } = await askToken(
    node.issuer,
    { grant_type: 'client_credentials', scope: 'api', resource: demo.api },
    demo.ci,
  );
  token = body.access_token ?? '';
  server = cachingResourceServer(node.issuer);
  await server.alive();
  expect(await server.introspect(token)).toMatchObject({ active: true });
});
afterEach(async () => {
  server.close();
  await node.kill();
});
afterAll(() => database.drop());

test('a server with listeners stops at once, and their streams end in good order', async () => {
  const heard = await listen(node.issuer, demo.apiServer);
  await heard.until(() => heard.lastId() !== undefined);
  const before = performance.now();
  expect(await node.stop()).toBe(0);
  await heard.ended;
  expect(performance.now() - before).toBeLessThan(5_000);
}, 30_000);

test('nothing is answered from memory a second after the server died', async () => {
  await node.kill();
  await pause(1_050);
  expect(server.isAlive).toBe(false);
  await expect(server.introspect(token)).rejects.toMatchObject({ code: 'introspection_unavailable' });
}, 30_000);

test('nothing is answered from memory a second after the server began to hang, until it proves itself again', async () => {
  process.kill(node.pid, 'SIGSTOP');
  await pause(1_050);
  expect(server.isAlive).toBe(false);
  process.kill(node.pid, 'SIGCONT');
  await server.alive();
  expect(await server.introspect(token)).toMatchObject({ active: true });
}, 30_000);
