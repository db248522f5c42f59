import { describe, expect, test } from '@jest/globals';
import {
  allowDeviceLogin,
  hasDeviceLogin,
  withDeviceLogin,
} from '../../../src/admin/api/client-device-login.ts';
import type { ClientMethods, StoredClient } from '../../../src/clients/client-store.ts';

const device = 'urn:ietf:params:oauth:grant-type:device_code';
const assertion = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

describe('device login among the grant types', () => {
  test.each<[string, string[] | undefined, string[], string[]]>([
    [
      'beside the code grant',
      ['authorization_code', 'refresh_token'],
      ['authorization_code', 'refresh_token', device],
      ['authorization_code', 'refresh_token'],
    ],
    ['of a client that lists none', undefined, ['authorization_code', device], ['authorization_code']],
    [
      'of a client that does not refresh',
      ['authorization_code'],
      ['authorization_code', device],
      ['authorization_code'],
    ],
    ['alone', [], ['refresh_token', device], []],
    ['beside assertions', [assertion], [assertion, 'refresh_token', device], [assertion]],
  ])('%s: given, and taken back as if it had never been', (_, before, given, after) => {
    const metadata = { client_name: 'Tool', ...(before && { grant_types: before }) };
    const on = withDeviceLogin(metadata, true);
    expect(on).toEqual({ client_name: 'Tool', grant_types: given });
    expect([hasDeviceLogin(metadata), hasDeviceLogin(on)]).toEqual([false, true]);
    expect(withDeviceLogin(on, true)).toEqual(on);
    expect(withDeviceLogin(on, false)).toEqual({ client_name: 'Tool', grant_types: after });
  });
});

describe('taking it back', () => {
  const takeBack = async (client: Partial<StoredClient>) => {
    const saved: unknown[] = [];
    const clients = {
      find: async () => ({ kind: 'registered', serviceAccountId: null, tokenExchange: null, ...client }),
      saveRegistered: async (_: unknown, content: unknown) => void saved.push(content),
    } as unknown as ClientMethods;
    await allowDeviceLogin(clients, { id: 'command' }, 'tool', false);
    return saved;
  };
  const metadata = { redirect_uris: [], grant_types: ['refresh_token', device] };

  test('leaves no client that cannot get a token', async () => {
    await expect(takeBack({ metadata })).rejects.toMatchObject({ problem: { code: 'redirect_missing' } });
  });

  test.each<[string, Partial<StoredClient>]>([
    ['a redirect', { metadata: { ...metadata, redirect_uris: ['https://tool.example/callback'] } }],
    ['assertions', { metadata: { ...metadata, grant_types: [assertion, ...metadata.grant_types] } }],
    [
      'token exchange',
      { metadata, tokenExchange: { own: false, from: ['https://a.example'], to: ['https://b.example'] } },
    ],
  ])('is for a client that has %s', async (_, client) => {
    expect(await takeBack(client)).toHaveLength(1);
  });
});
