/** A service account's client that shows who it is by a signature: its keys made, set, published and replaced. */
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { type Administrator, signInToApi } from '../support/administrator.ts';
import { assertionType, signAssertion } from '../support/client-assertion.ts';
import { engines } from '../support/databases.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { createInternet, type Internet } from '../support/internet.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, introspect } from '../support/oauth.ts';

interface Made {
  readonly id: string;
  readonly client_secret: string | null;
  readonly private_key: JWK | null;
}

const keyPair = async (kid: string) => {
  const pair = await generateKeyPair('ES256', { extractable: true });
  const named = { kid, alg: 'ES256', use: 'sig' };
  return {
    privateKey: { ...(await exportJWK(pair.privateKey)), ...named },
    publicKey: { ...(await exportJWK(pair.publicKey)), ...named },
  };
};

describe.each(engines)('on %s', (engine) => {
  let internet: Internet;
  let mandate: TestMandate;
  let admin: Administrator;
  let path: string;
  beforeAll(async () => {
    internet = await createInternet();
    mandate = await startMandate({ engine, metadataDocuments: { internet: internet.reached } });
    admin = await signInToApi(mandate.issuer, 'owner@acme.test');
    const ci = await mandate.stores.users.findByEmail('ci@acme.test');
    path = `/service-accounts/${ci?.id ?? ''}/clients`;
  });
  beforeEach(() => {
    // The library misses the means of its own protection in this runtime, and says so; ours stands before it.
    jest.spyOn(console, 'warn').mockImplementation(() => {});
    internet.asked.length = 0;
  });
  afterAll(async () => {
    await mandate.stop();
    await internet.stop();
  });

  let made = 0;
  const make = async (proof: Record<string, unknown>) => {
    made += 1;
    const body = { id: `signer-${made}`, client_name: 'Signer', ...proof };
    const answer = await admin.call<Made>('POST', path, body);
    if (answer.status !== 401 && answer.status !== 403) return answer;
    // The clock was moved beyond the sign-in.
    admin = await signInToApi(mandate.issuer, 'owner@acme.test');
    return admin.call<Made>('POST', path, body);
  };
  const ask = async (id: string, key: JWK) => {
    const request = { issuer: id, audience: mandate.issuer, now: mandate.clock.now() };
    return askToken(mandate.issuer, {
      grant_type: 'client_credentials',
      client_assertion_type: assertionType,
      client_assertion: await signAssertion(key, request),
    });
  };

  test('a key pair made here: the private key is shown once and kept nowhere', async () => {
    const { status, body } = await make({ generate_key: true });
    expect([status, body.client_secret]).toEqual([201, null]);
    const key = body.private_key ?? {};
    const token = await ask(body.id, key);
    expect(token.status).toBe(200);
    expect(await introspect(mandate.issuer, token.body.access_token ?? '')).toMatchObject({
      active: true,
      client_id: body.id,
      username: 'ci@acme.test',
    });
    const again = await admin.call('GET', path);
    expect(again.text).not.toContain(String(key.d));
    const rows = await mandate.store.db.selectFrom('changes').selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain(String(key.d));
    // A key is no secret to send along.
    const basic = { id: body.id, secret: 'any' };
    expect((await askToken(mandate.issuer, { grant_type: 'client_credentials' }, basic)).status).toBe(401);
  });

  test('a new key pair ends the old one at once', async () => {
    const { body: first } = await make({ generate_key: true });
    const { status, body: next } = await admin.call<Made>('POST', `${path}/${first.id}/keys`, {});
    expect(status).toBe(201);
    expect((await ask(first.id, first.private_key ?? {})).status).toBe(401);
    expect((await ask(first.id, next.private_key ?? {})).status).toBe(200);
  });

  test('a client moves from its secret to keys, and the secret ends', async () => {
    const { body } = await make({});
    const secret = { id: body.id, secret: body.client_secret ?? '' };
    const bySecret = () => askToken(mandate.issuer, { grant_type: 'client_credentials' }, secret);
    expect((await bySecret()).status).toBe(200);
    const own = await keyPair('own');
    const moved = await admin.call<Made>('POST', `${path}/${body.id}/keys`, {
      jwks: { keys: [own.publicKey] },
    });
    expect(moved).toMatchObject({ status: 201, body: { client_secret: null, private_key: null } });
    expect((await bySecret()).status).toBe(401);
    expect((await ask(body.id, own.privateKey)).status).toBe(200);
  });

  test('a browser that was left open does not replace keys', async () => {
    const { body } = await make({ generate_key: true });
    mandate.clock.advance(660);
    const replaced = await admin.call<Made>('POST', `${path}/${body.id}/keys`, {});
    expect(replaced).toMatchObject({ status: 403, body: { code: 'sign_in_again' } });
    expect((await ask(body.id, body.private_key ?? {})).status).toBe(200);
  });

  test('keys that cannot be used are refused', async () => {
    const own = await keyPair('own');
    for (const proof of [
      { jwks: { keys: [] } },
      { jwks: { keys: [own.privateKey] } },
      { jwks: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] } },
      { jwks: { keys: [{ kty: 'RSA', n: 'AQAB', e: 'AQAB' }] } },
      { jwks: { keys: [{ kty: 'EC', crv: 'P-256', x: 'no', y: 'no' }] } },
      { jwks: { keys: [own.publicKey] }, generate_key: true },
      { jwks_uri: 'http://keys.example/jwks.json' },
    ]) {
      expect((await make(proof)).status).toBe(422);
    }
  });

  describe('keys at an address', () => {
    const uri = 'https://keys.example/jwks.json';
    const publish = (...keys: JWK[]) => internet.serve(uri, { keys });
    beforeEach(() => {
      internet.turn('keys.example', 'on');
      // What a story before left fresh is past.
      mandate.clock.advance(100_000);
    });

    test('are asked for once by a burst, and by nobody within the minute', async () => {
      const own = await keyPair('own');
      publish(own.publicKey);
      const { body } = await make({ jwks_uri: uri });
      const burst = await Promise.all(Array.from({ length: 10 }, () => ask(body.id, own.privateKey)));
      expect(burst.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
      mandate.clock.advance(59);
      const other = await make({ jwks_uri: uri });
      expect((await ask(other.body.id, own.privateKey)).status).toBe(200);
      expect(internet.asked).toEqual([uri]);
    });

    test('of a host that is down stand in for a day', async () => {
      const own = await keyPair('own');
      publish(own.publicKey);
      const { body } = await make({ jwks_uri: uri });
      expect((await ask(body.id, own.privateKey)).status).toBe(200);
      internet.turn('keys.example', 'off');
      mandate.clock.advance(86_000);
      const later = await make({ jwks_uri: uri });
      expect((await ask(later.body.id, own.privateKey)).status).toBe(200);
      mandate.clock.advance(500);
      const muchLater = await make({ jwks_uri: uri });
      expect((await ask(muchLater.body.id, own.privateKey)).status).toBe(401);
    });

    test('that are too old to stand in are not kept', async () => {
      const own = await keyPair('own');
      const addresses = [uri, 'https://keys.example/later.json'] as const;
      for (const address of addresses) internet.serve(address, { keys: [own.publicKey] });
      const kept = () => mandate.store.db.selectFrom('client_key_sets').select('uri').execute();
      const first = await make({ jwks_uri: addresses[0] });
      expect((await ask(first.body.id, own.privateKey)).status).toBe(200);
      expect(await kept()).toContainEqual({ uri: addresses[0] });
      mandate.clock.advance(86_401);
      const second = await make({ jwks_uri: addresses[1] });
      expect((await ask(second.body.id, own.privateKey)).status).toBe(200);
      expect(await kept()).toEqual([{ uri: addresses[1] }]);
    });

    test.each<[string, Parameters<Internet['serve']>[1]]>([
      ['404', (_request, response) => void response.writeHead(404).end()],
      ['64 KB + 1', { keys: [], padding: 'x'.repeat(65_537) }],
      ['private keys', { keys: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y', d: 'd' }] }],
      ['nothing to verify with', { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] }],
      ['elsewhere', (_request, response) => void response.writeHead(302, { Location: uri }).end()],
    ])('RG-06: that answers %s give nothing, and are left alone for a while', async (_what, answer) => {
      const own = await keyPair('own');
      internet.serve('https://keys.example/other.json', answer);
      const { body } = await make({ jwks_uri: 'https://keys.example/other.json' });
      for (const _ of [1, 2, 3]) expect((await ask(body.id, own.privateKey)).status).toBe(401);
      expect(internet.asked).toHaveLength(1);
      mandate.clock.advance(60);
    });

    test('RG-06: inside are never asked for', async () => {
      internet.name('inside.example', ['10.0.0.1']);
      const own = await keyPair('own');
      const { body } = await make({ jwks_uri: 'https://inside.example/jwks.json' });
      expect((await ask(body.id, own.privateKey)).body.error).toBe('invalid_client');
      expect(internet.asked).toEqual([]);
    });
  });

  test('the pages make a client with a key pair, and replace it', async () => {
    const browser = createBrowserlessClient(mandate.issuer);
    const account = path.split('/')[2] ?? '';
    const first = await browser.get(`/admin/service-accounts/${account}`, { follow: true });
    const credentials = { Email: 'owner@acme.test', Password: demo.password };
    const page = await browser.submit(first, 'Sign in', credentials, { follow: true });
    const shown = await browser.submit(
      page,
      'Add a client',
      {
        Id: 'by-page',
        Name: 'By page',
        'It shows who it is by': 'a key pair made here, its private key shown once',
      },
      { follow: true },
    );
    const text = /data-copy="([^"]+)"/.exec(shown.body)?.[1]?.replaceAll('&#34;', '"') ?? '{}';
    expect((await ask('by-page', JSON.parse(text) as JWK)).status).toBe(200);
    const profile = await browser.get(`/admin/service-accounts/${account}`);
    expect(profile.text).toContain('New key pair');
  });
});
