/** Registrations that do not pile up, however many there are. */
import { Agent, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';
import { codeFlow, register, registerClient } from '../support/oauth-requests.ts';

const atOnce = 20;

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
  });
  afterAll(() => mandate.stop());

  const dynamic = () => mandate.stores.clients.list({ kind: 'dynamic', limit: 1_000 });
  const repeat = async (times: number, one: (n: number) => Promise<unknown>) => {
    let next = 0;
    const worker = async () => {
      for (let n = next++; n < times; n = next++) await one(n);
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
  };

  /** Registers over connections that stay open. @returns the client's id */
  const registerFast = (agent: Agent, metadata: object): Promise<string> =>
    new Promise((resolve, reject) => {
      const headers = { 'Content-Type': 'application/json' };
      const sent = request(`${mandate.issuer}/register`, { method: 'POST', agent, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        response.on('end', () => resolve((JSON.parse(text) as { client_id: string }).client_id));
      });
      sent.on('error', reject).end(JSON.stringify(metadata));
    });

  const times = engine === 'sqlite' ? 10_000 : 1_000;
  test(`${times} registrations of 40 distinct clients are 40 rows, and none is refused`, async () => {
    const ids = new Set<string>();
    const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
    await repeat(times, async (n) => {
      const metadata = {
        client_name: `Tool ${n % 40}`,
        redirect_uris: [`http://127.0.0.1:${10_000 + (n % 20_000)}/callback`],
        token_endpoint_auth_method: 'none',
      };
      ids.add(await registerFast(agent, metadata));
    });
    agent.destroy();
    expect(ids.size).toBe(40);
    const rows = await dynamic();
    expect(rows.map(({ id }) => id).toSorted()).toEqual([...ids].toSorted());
    expect(new Set(rows.map(({ version }) => version))).toEqual(new Set([1]));
  }, 120_000);

  test('RG-02: new clients from one place are limited; those that are known go on', async () => {
    const known = await registerClient(mandate.issuer, 'http://127.0.0.1:7001/known');
    const statuses: number[] = [];
    await repeat(350, async () => {
      const { status } = await register(mandate.issuer, { redirect_uris: ['https://web.example/cb'] });
      statuses.push(status);
    });
    expect(new Set(statuses)).toEqual(new Set([201, 429]));
    const limited = await fetch(`${mandate.issuer}/register`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ redirect_uris: ['https://web.example/cb'] }),
    });
    expect([limited.status, await limited.json()]).toMatchObject([429, { error: 'temporarily_unavailable' }]);
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
    const again = await registerClient(mandate.issuer, 'http://127.0.0.1:7002/known');
    expect(again.client_id).toBe(known.client_id);
    const redirectUri = 'http://127.0.0.1:7003/known';
    expect((await codeFlow(mandate.issuer, { clientId: String(known.client_id), redirectUri })).status).toBe(
      200,
    );
    mandate.clock.advance(3_601);
    expect((await register(mandate.issuer, { redirect_uris: ['https://web.example/cb'] })).status).toBe(201);
  }, 60_000);

  test('RG-02: what nobody used is gone after a day, what somebody authorized stays', async () => {
    mandate.clock.advance(86_500);
    for (let round = 0; round < 5; round += 1) await mandate.app.garbage.collect();
    const left = await dynamic();
    expect(left.map(({ metadata }) => metadata.redirect_uris)).toEqual([['http://127.0.0.1:7001/known']]);
  });
});
