/** Receivers of security events that do not behave. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { signInToApi } from '../support/administrator.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';

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
  const begun = performance.now();
  expect((await admin.call('POST', `${path}/verify`)).body).toMatchObject({ taken: true });
  expect(performance.now() - begun).toBeLessThan(4_000);
  expect(sent).toBeLessThan(64 * 2 ** 20);
});
