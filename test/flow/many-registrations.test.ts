/** Registrations that do not pile up, however many there are and from wherever they come. */
import { Agent, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';
import { codeFlow } from '../support/oauth-requests.ts';

const connections = 20;
/** No address has more than its share of an hour. */
const addresses = 100;

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
  });
  afterAll(() => mandate.stop());

  const dynamic = () => mandate.stores.clients.list({ kind: 'dynamic', limit: 1_000 });
  const toolRedirect = (n: number) => `http://127.0.0.1:${10_000 + (n % 20_000)}/callback`;
  /** Registers the n-th time, from one of many addresses over connections that stay open. @returns the client's id */
  const registerFrom = (agent: Agent, localAddress: string, n: number): Promise<string> =>
    new Promise((resolve, reject) => {
      const { host, port } = new URL(mandate.issuer);
      const headers = { 'Content-Type': 'application/json', Host: host };
      const options = { agent, host: '127.0.0.1', port, localAddress, path: '/register', headers };
      const sent = request({ ...options, method: 'POST' }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        response.on('end', () => {
          if (response.statusCode === 201) resolve((JSON.parse(text) as { client_id: string }).client_id);
          else reject(new Error(`${response.statusCode}: ${text}`));
        });
      });
      const metadata = {
        client_name: `Tool ${n % 40}`,
        redirect_uris: [toolRedirect(n)],
        token_endpoint_auth_method: 'none',
      };
      sent.on('error', reject).end(JSON.stringify(metadata));
    });

  const times = engine === 'sqlite' ? 10_000 : 1_000;
  test(`${times} registrations of 40 distinct clients are 40 rows`, async () => {
    const ids = new Set<string>();
    await Promise.all(
      Array.from({ length: connections }, async (_, worker) => {
        const agents = Array.from({ length: addresses / connections }, (_unused, index) => ({
          agent: new Agent({ keepAlive: true, maxSockets: 1 }),
          address: `127.0.1.${worker * (addresses / connections) + index}`,
        }));
        for (let n = worker; n < times; n += connections) {
          const { agent, address } = agents[Math.floor(n / connections) % agents.length] ?? agents[0]!;
          ids.add(await registerFrom(agent, address, n));
        }
        for (const { agent } of agents) agent.destroy();
      }),
    );
    expect(ids.size).toBe(40);
    const rows = await dynamic();
    expect(rows.map(({ id }) => id).toSorted()).toEqual([...ids].toSorted());
    expect(new Set(rows.map(({ version }) => version))).toEqual(new Set([1]));
  }, 120_000);

  test('what nobody used is gone after a day, what somebody authorized stays', async () => {
    const used = (await dynamic())[0];
    const flow = { clientId: used?.id ?? '', redirectUri: 'http://127.0.0.1:7003/callback' };
    expect((await codeFlow(mandate.issuer, flow)).status).toBe(200);
    mandate.clock.advance(86_500);
    await mandate.app.garbage.collect();
    expect((await dynamic()).map(({ id }) => id)).toEqual([used?.id]);
  });
});
