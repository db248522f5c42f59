/** Registrations that do not pile up, however many there are and from wherever they come. */
import { Agent, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';
import { codeFlow } from '../support/oauth-requests.ts';

/** One that hosted assistants share. */
const shared = '127.0.1.1';

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
  });
  afterAll(() => mandate.stop());

  const dynamic = () => mandate.stores.clients.list({ kind: 'dynamic', limit: 1_000 });
  const toolRedirect = (n: number) => `http://127.0.0.1:${10_000 + (n % 20_000)}/callback`;
  /** Registers the n-th time, from an address, over a connection that stays open. @returns the client's id */
  const registerFrom = (
    agent: Agent,
    localAddress: string,
    n: number,
    name = `Tool ${n % 40}`,
  ): Promise<string> =>
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
          // A disk that is busy with other tests: whoever registers asks again, as a tool does.
          else if (response.statusCode === 503) resolve(registerFrom(agent, localAddress, n, name));
          else reject(new Error(`${response.statusCode}: ${text}`));
        });
      });
      const metadata = {
        client_name: name,
        redirect_uris: [toolRedirect(n)],
        token_endpoint_auth_method: 'none',
      };
      sent.on('error', reject).end(JSON.stringify(metadata));
    });

  const [times, connections] = engine === 'sqlite' ? [10_000, 20] : [1_000, 5];
  test(`${times} registrations of 40 distinct clients from one address are 40 rows`, async () => {
    const ids = new Set<string>();
    await Promise.all(
      Array.from({ length: connections }, async (_, worker) => {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        for (let n = worker; n < times; n += connections) ids.add(await registerFrom(agent, shared, n));
        agent.destroy();
      }),
    );
    expect(ids.size).toBe(40);
    const rows = await dynamic();
    expect(rows.map(({ id }) => id).toSorted()).toEqual([...ids].toSorted());
    expect(new Set(rows.map(({ version }) => version))).toEqual(new Set([1]));
  }, 400_000);

  test('which locks nobody out: a new client registers from there, and when 300 have, a known one still does', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ids = new Set<string>();
    for (let n = 40; n < 300; n += 1) ids.add(await registerFrom(agent, shared, n, `New ${n}`));
    expect(ids.size).toBe(260);
    await expect(registerFrom(agent, shared, 0, 'One too many')).rejects.toThrow('429');
    await registerFrom(agent, shared, 0);
    await registerFrom(new Agent(), '127.0.1.2', 0, 'One too many');
    agent.destroy();
  }, 200_000);

  test('what nobody used is gone after a day, what somebody authorized stays', async () => {
    const used = (await dynamic())[0];
    const flow = { clientId: used?.id ?? '', redirectUri: 'http://127.0.0.1:7003/callback' };
    expect((await codeFlow(mandate.issuer, flow)).status).toBe(200);
    mandate.clock.advance(86_500);
    // Each run clears some.
    for (let run = 0; run < 3; run += 1) await mandate.app.garbage.collect();
    expect((await dynamic()).map(({ id }) => id)).toEqual([used?.id]);
  });
});
