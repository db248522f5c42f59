/** A new MANDATE_SECRET, on a server that people and tools are using: nothing ends, and then the old one can go. */
import { createCipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { migrate } from '../../db/migrate.ts';
import { openDatabase } from '../../db/open.ts';
import { readCatalogue } from '../../src/catalogue.ts';
import { systemClock } from '../../src/clock.ts';
import { sealedColumns } from '../../src/secret-rotation.ts';
import { createSecrets } from '../../src/secrets.ts';
import { shippedFiles } from '../../src/shipped-files.ts';
import { createStores } from '../../src/stores.ts';
import { runCommand } from '../support/command-line.ts';
import { engines, type FreshDatabase, freshDatabaseUrl } from '../support/databases.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo } from '../support/mandate.ts';
import { askToken, authorize, introspect, pkce, tokenByCode } from '../support/oauth.ts';
import { basic } from '../support/race.ts';
import { type ServerProcess, startRefused, startServerProcess } from '../support/server-process.ts';

const first = 'the first secret of this server 0123456789';
const second = 'the second secret of this server 9876543210';
const person = { email: 'editor@acme.test', answers: { 'flows:edit': true, atlas: true } };

const place = { of: 'signing_keys.encrypted_jwk', id: 'one' };

/** As it was before anything was bound to a place: nonce, tag and ciphertext, without additional data. */
function sealedByEarlierVersion(secret: string, text: string): string {
  const key = Buffer.from(hkdfSync('sha256', secret, 'mandate', 'keys-at-rest', 32));
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url');
}

describe('what secrets make', () => {
  const before = createSecrets(first);
  const after = createSecrets(second, [first]);

  test('is recognised after a rotation, and made under the new one', () => {
    const hash = before.keyedHash('api-key', 'mk_value');
    expect(after.matches('api-key', 'mk_value', hash)).toBe(true);
    expect(after.matches('api-key', 'mk_other', hash)).toBe(false);
    expect(after.keyedHashes('api-key', 'mk_value')).toEqual([after.keyedHash('api-key', 'mk_value'), hash]);
    expect(after.cookieKeys).toEqual([createSecrets(second).cookieKeys[0], before.cookieKeys[0]]);
    expect(after.id).not.toBe(before.id);
  });

  test('is sealed anew, once', () => {
    const sealed = before.seal('a key', place);
    expect(after.unseal(sealed, place)).toBe('a key');
    const anew = after.reseal(sealed, place) ?? '';
    expect(after.reseal(anew, place)).toBeUndefined();
    expect(createSecrets(second).unseal(anew, place)).toBe('a key');
  });

  test('is bound to its place: another row, another column or no place at all opens nothing', () => {
    const sealed = before.seal('a key', place);
    for (const other of [
      { ...place, id: 'two' },
      { ...place, of: 'mail_outbox.sealed' },
      { of: 'signing_keys.encrypted', id: 'jwk one' },
    ]) {
      expect(() => before.unseal(sealed, other)).toThrow('for another place');
      expect(() => before.reseal(sealed, other)).toThrow('for another place');
      expect(() => after.reseal(sealed, other)).toThrow('for another place');
    }
    // Not as what an earlier version made either, which was bound to nothing.
    expect(() => before.unseal(sealed.slice(2), place)).toThrow();
  });

  test('is read from an earlier version, whose format bound nothing, and sealed anew for its place', () => {
    const earlier = sealedByEarlierVersion(first, 'a key');
    expect(before.unseal(earlier, place)).toBe('a key');
    for (const secrets of [before, after]) {
      const anew = secrets.reseal(earlier, place) ?? '';
      expect(secrets.unseal(anew, place)).toBe('a key');
      expect(() => secrets.unseal(anew, { ...place, id: 'two' })).toThrow();
      expect(secrets.reseal(anew, place)).toBeUndefined();
    }
  });

  test('is nothing to another secret, nor when it was altered', () => {
    const sealed = before.seal('a key', place);
    expect(() => createSecrets(second).unseal(sealed, place)).toThrow();
    const altered = sealed.endsWith('AA') ? 'BB' : 'AA';
    expect(() => before.unseal(`${sealed.slice(0, -2)}${altered}`, place)).toThrow();
    expect(() => before.unseal('short', place)).toThrow();
    expect(createSecrets(second).matches('api-key', 'v', before.keyedHash('api-key', 'v'))).toBe(false);
  });
});

test('every column that is sealed for long is sealed anew', async () => {
  const database = await freshDatabaseUrl('sqlite');
  const store = await openDatabase(database.url);
  try {
    await migrate(store);
    const tables = await store.db.introspection.getTables();
    const sealed = tables.flatMap(({ name, columns }) =>
      columns.flatMap((column) =>
        /^(sealed|encrypted)/.test(column.name) ? [`${name}.${column.name}`] : [],
      ),
    );
    // A sign-in at another provider that is under way is over in minutes.
    const lasting = sealed.filter((name) => name !== 'upstream_requests.sealed');
    expect(lasting.toSorted()).toEqual(
      sealedColumns.map(({ table, column }) => `${table}.${column}`).toSorted(),
    );
  } finally {
    await store.close();
    await database.drop();
  }
});

describe.each(engines)('a server on %s', (engine) => {
  let database: FreshDatabase;
  let node: ServerProcess;
  const start = (environment: Record<string, string>) =>
    startServerProcess({
      databaseUrl: database.url,
      ...(node ? { issuer: node.issuer, port: node.port } : {}),
      environment,
    });
  /** Two API keys of the editor, hashed under the first secret. */
  const makeKeys = async () => {
    const store = await openDatabase(database.url);
    const catalogue = readCatalogue(shippedFiles().capabilities);
    const stores = createStores({ store, clock: systemClock, secrets: createSecrets(first), catalogue });
    const owner = await stores.users.findByEmail(person.email);
    const key = () =>
      stores.apiKeys.create(
        { id: 'command' },
        {
          userId: owner?.id ?? '',
          name: 'deploys',
          capabilities: ['api'],
          roles: [],
          projects: [],
          mcpServers: [],
          expiresAt: null,
        },
      );
    const made = [(await key()).secret, (await key()).secret] as const;
    await store.close();
    return made;
  };
  const command = (...args: string[]) =>
    runCommand([...args, '--json'], {
      DATABASE_URL: database.url,
      MANDATE_SECRET: second,
      MANDATE_SECRET_PREVIOUS: first,
    });

  beforeAll(async () => {
    database = await freshDatabaseUrl(engine);
    node = await start({ MANDATE_SECRET: first });
  }, 60_000);
  afterAll(async () => {
    await node.kill();
    await database.drop();
  });

  test('keeps sessions, tokens, keys and secrets over a rotation, and then does without the old one', async () => {
    const browser = createBrowserlessClient(node.issuer);
    const tokens = await tokenByCode(node.issuer, person, { scope: 'openid api flows:edit' }, browser);
    const idle = await tokenByCode(node.issuer, person, {}, createBrowserlessClient(node.issuer));

    const [used, unused] = await makeKeys();

    await node.stop();
    const refused = await startRefused({ DATABASE_URL: database.url, MANDATE_SECRET: second });
    expect(refused.code).toBe(1);
    expect(refused.output).toContain('made under another MANDATE_SECRET');

    node = await start({ MANDATE_SECRET: second, MANDATE_SECRET_PREVIOUS: first });
    expect(await introspect(node.issuer, tokens.access_token ?? '')).toMatchObject({ active: true });
    expect(await introspect(node.issuer, used)).toMatchObject({ active: true });
    const refreshed = await askToken(
      node.issuer,
      { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '' },
      demo.web,
    );
    expect(refreshed.status).toBe(200);
    // The person is signed in still: nobody asks for a password.
    const { challenge } = pkce();
    const back = await authorize(
      node.issuer,
      {
        client_id: demo.web.id,
        response_type: 'code',
        redirect_uri: demo.web.redirect,
        code_challenge: challenge,
        code_challenge_method: 'S256',
        scope: 'api flows:edit',
      },
      { ...person, password: 'not asked for' },
      browser,
    );
    expect(back.searchParams.get('code')).toBeTruthy();

    const rotated = JSON.parse((await command('secrets', 'rotate')).stdout) as Record<string, number>;
    expect(rotated.sealed_under_earlier).toBe(0);
    // Both signing keys, and the letters that were still to be sent when the server stopped.
    expect(rotated.resealed).toBeGreaterThanOrEqual(2);
    // Those that were shown are known under the new one by now; others are named.
    const status = JSON.parse((await command('secrets', 'status')).stdout) as {
      not_seen_since: Record<string, number>;
    };
    expect(status.not_seen_since).toEqual({ api_key_secrets: 1, clients: 1, resource_servers: 1 });

    await node.stop();
    node = await start({ MANDATE_SECRET: second });
    const access = refreshed.body.access_token ?? '';
    expect(await introspect(node.issuer, access)).toMatchObject({ active: true });
    const again = await askToken(
      node.issuer,
      { grant_type: 'refresh_token', refresh_token: refreshed.body.refresh_token ?? '' },
      demo.web,
    );
    expect(again.status).toBe(200);
    expect(await introspect(node.issuer, used)).toMatchObject({ active: true });
    // What was not used meanwhile is gone with the old secret, as the runbook says.
    expect(await introspect(node.issuer, idle.access_token ?? '')).toEqual({ active: false });
    expect(await introspect(node.issuer, unused)).toEqual({ active: false });
    const ci = { headers: basic(demo.ci), body: new URLSearchParams({ grant_type: 'client_credentials' }) };
    expect((await node.send('/token', ci)).status).toBe(401);
  }, 90_000);

  test('refuses private keys that somebody exchanged in the database', async () => {
    await node.stop();
    const store = await openDatabase(database.url);
    const keys = await store.db.selectFrom('signing_keys').select(['kid', 'encrypted_jwk']).execute();
    const [one, other] = keys;
    expect(keys.every(({ encrypted_jwk }) => encrypted_jwk.startsWith('2.'))).toBe(true);
    for (const [kid, encrypted_jwk] of [
      [one?.kid ?? '', other?.encrypted_jwk ?? ''],
      [other?.kid ?? '', one?.encrypted_jwk ?? ''],
    ] as const) {
      await store.db.updateTable('signing_keys').set({ encrypted_jwk }).where('kid', '=', kid).execute();
    }
    await store.close();
    const refused = await startRefused({ DATABASE_URL: database.url, MANDATE_SECRET: second });
    expect(refused.code).toBe(1);
    expect(refused.output).toContain('signing keys');
    // Nothing is carried over to a new secret that is not in its place either.
    const rotated = await command('secrets', 'rotate');
    expect(rotated.code).toBe(1);
    expect(rotated.stderr).toContain('signing_keys.encrypted_jwk');
  }, 60_000);
});
