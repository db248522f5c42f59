/** A request may name the whole address, as one to a proxy does: it is the same request (RFC 9112 section 3.2.2). */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { basic } from '../support/race.ts';
import { sendTo } from '../support/raw-request.ts';

let mandate: TestMandate;
beforeAll(async () => {
  mandate = await startMandate();
});
afterAll(() => mandate.stop());

const send = (target: string, host = new URL(mandate.issuer).host) =>
  sendTo(new URL(mandate.issuer).port, target, {
    body: 'token=unknown',
    headers: { host, ...basic(demo.apiServer) },
  });

test.each(['/introspect', '/introspect?x=1', '/uses', '/token'])('%s', async (path) => {
  const short = await send(path);
  for (const target of [mandate.issuer, mandate.issuer.toUpperCase()]) {
    const { status, text } = await send(`${target}${path}`);
    expect([status, text]).toEqual([short.status, short.text]);
  }
});

test('the host of the address is the one that counts', async () => {
  const { host } = new URL(mandate.issuer);
  expect((await send(`http://${host}/introspect`, 'elsewhere.test')).status).toBe(200);
  for (const other of ['elsewhere.test', `elsewhere.test@${host}`, `${host}@elsewhere.test`, '']) {
    expect((await send(`http://${other}/introspect`)).status).toBe(421);
  }
});
