import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { exportJWK, generateKeyPair } from 'jose';
import Provider, { type Adapter, type AdapterPayload, type Configuration } from 'oidc-provider';
import { keepUserCodesApart } from '../../../src/oauth/device-user-codes.ts';
import { showUserCode, userCodeShape } from '../../../src/oauth/user-code.ts';

/** What was asked of the store: how often, and what came to be kept. */
let asked: string[] = [];
let kept: AdapterPayload[] = [];
/** How many draws are to be met by another device's code. */
let taken = 0;

const store: Adapter = {
  upsert: async (_id, payload) => void kept.push(payload),
  find: async () => undefined,
  findByUid: async () => undefined,
  findByUserCode: async (letters) => {
    asked.push(letters);
    return asked.length <= taken ? {} : undefined;
  },
  consume: async () => {},
  destroy: async () => {},
  revokeByGrantId: async () => {},
};

let server: Server;
let issuer: string;
beforeAll(async () => {
  server = createServer().listen(0);
  issuer = `http://localhost:${(server.address() as AddressInfo).port}`;
  const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const provider = new Provider(issuer, {
    adapter: () => store,
    jwks: { keys: [await exportJWK(privateKey)] } as NonNullable<Configuration['jwks']>,
    ttl: { DeviceCode: 600 },
    clients: [
      {
        ...{ client_id: 'tool', token_endpoint_auth_method: 'none' },
        id_token_signed_response_alg: 'ES256',
        ...{ grant_types: [deviceGrant], response_types: [], redirect_uris: [] },
      },
    ],
    features: { deviceFlow: { enabled: true, ...userCodeShape }, devInteractions: { enabled: false } },
  });
  keepUserCodesApart(provider);
  const answer = provider.callback();
  server.on('request', (request, response) => void answer(request, response));
});
afterAll(() => void server.close());

const start = async (collisions: number) => {
  asked = [];
  kept = [];
  taken = collisions;
  const response = await fetch(`${issuer}/device/auth`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: 'tool' }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, string> };
};

test.each([0, 1, 3])(
  'DV-09: after %d codes that another device has, one is told that none has',
  async (collisions) => {
    const { status, body } = await start(collisions);
    expect(status).toBe(200);
    expect(asked).toHaveLength(collisions + 1);
    expect(new Set(asked).size).toBe(asked.length);
    const free = asked.at(-1) ?? '';
    expect(kept).toMatchObject([{ userCode: free }]);
    expect(body.user_code).toBe(showUserCode(free));
    expect(body.user_code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{5}-[BCDFGHJKLMNPQRSTVWXZ]{5}$/);
    expect(body.verification_uri_complete).toBe(`${issuer}/device?user_code=${showUserCode(free)}`);
  },
);

test('DV-09: where every draw is taken, none is kept', async () => {
  expect((await start(Number.MAX_SAFE_INTEGER)).status).toBe(500);
  expect(kept).toEqual([]);
});
