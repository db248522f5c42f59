/** oidc-provider as it comes, over a plain better-sqlite3 adapter at full durability: opaque tokens, its own introspection. */
import Sqlite from 'better-sqlite3';
import Provider, { type Adapter, type AdapterPayload, type Configuration } from 'oidc-provider';

const [, , path = ''] = process.argv;
const db = new Sqlite(path);
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
db.exec(`create table artifacts (
  model text, id text, payload text, grant_id text, uid text, user_code text, consumed integer, expires_at integer,
  primary key (model, id))`);
db.exec('create index artifacts_by_grant on artifacts (grant_id)');

const secret = 'a-secret-of-the-client-that-is-long-enough';
const clients: Record<string, AdapterPayload> = {
  tool: {
    client_id: 'tool',
    client_secret: secret,
    grant_types: ['client_credentials', 'refresh_token', 'authorization_code'],
    redirect_uris: ['https://tool.test/callback'],
    response_types: ['code'],
  } as AdapterPayload,
};

function createAdapter(model: string): Adapter {
  const upsert = db.prepare(
    `insert into artifacts (model, id, payload, grant_id, uid, user_code, expires_at) values (?, ?, ?, ?, ?, ?, ?)
     on conflict (model, id) do update set payload = excluded.payload, expires_at = excluded.expires_at`,
  );
  const find = db.prepare('select payload, consumed from artifacts where model = ? and id = ?');
  const consume = db.prepare('update artifacts set consumed = ? where model = ? and id = ?');
  const destroy = db.prepare('delete from artifacts where model = ? and id = ?');
  const revoke = db.prepare('delete from artifacts where model = ? and grant_id = ?');
  const now = () => Math.floor(Date.now() / 1_000);
  return {
    async upsert(id, payload, expiresIn) {
      const { grantId = null, uid = null, userCode = null } = payload;
      upsert.run(model, id, JSON.stringify(payload), grantId, uid, userCode, now() + (expiresIn ?? 3_600));
    },
    async find(id) {
      if (model === 'Client') return clients[id];
      const row = find.get(model, id) as { payload: string; consumed: number | null } | undefined;
      if (!row) return undefined;
      const payload = JSON.parse(row.payload) as AdapterPayload;
      return row.consumed === null ? payload : { ...payload, consumed: row.consumed };
    },
    async findByUid() {
      return undefined;
    },
    async findByUserCode() {
      return undefined;
    },
    async consume(id) {
      consume.run(now(), model, id);
    },
    async destroy(id) {
      destroy.run(model, id);
    },
    async revokeByGrantId(grantId) {
      revoke.run(model, grantId);
    },
  };
}

const configuration: Configuration = {
  adapter: createAdapter,
  scopes: ['openid', 'offline_access', 'api'],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true, allowedPolicy: async () => true },
  },
  findAccount: async (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  issueRefreshToken: async () => true,
  rotateRefreshToken: true,
  pkce: { required: () => false },
  cookies: { keys: ['a key for cookies that nobody sees'] },
  jwks: { keys: [] },
};

// The library tells its users about settings that do not matter here.
console.warn = () => {};
console.info = () => {};
const { generateKeyPair, exportJWK } = await import('jose');
const { privateKey } = await generateKeyPair('RS256', { extractable: true });
configuration.jwks = { keys: [{ ...(await exportJWK(privateKey)), use: 'sig', alg: 'RS256', kid: 'one' }] };
const provider = new Provider('http://localhost', configuration);

const refreshTokens: string[] = [];
const client = await provider.Client.find('tool');
if (!client) throw new Error('no client');
for (let family = 0; family < Number(process.argv[3] ?? 0); family++) {
  const grant = new provider.Grant({ accountId: 'somebody', clientId: 'tool' });
  grant.addOIDCScope('openid offline_access api');
  const grantId = await grant.save();
  const token = new provider.RefreshToken({
    client,
    accountId: 'somebody',
    grantId,
    scope: 'openid offline_access api',
    gty: 'authorization_code',
  } as unknown as ConstructorParameters<typeof provider.RefreshToken>[0]);
  refreshTokens.push(await token.save());
}
const access = new provider.ClientCredentials({ client, scope: 'api' } as unknown as ConstructorParameters<
  typeof provider.ClientCredentials
>[0]);
const token = await access.save();
const server = provider.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as { port: number };
  console.log(JSON.stringify({ port, token, refreshTokens, id: 'tool', secret }));
});
