import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Database } from '../../db/schema.ts';
import { engines } from '../support/databases.ts';
import { openStores, type Stores } from './open-stores.ts';

type ColumnKind<Value> =
  `${[NonNullable<Value>] extends [number] ? 'number' : 'text'}${null extends Value ? '?' : ''}`;
type Columns = { [T in keyof Database]: { [C in keyof Database[T]]: ColumnKind<Database[T][C]> } };

const versioned = { version: 'number', created_at: 'number', updated_at: 'number' } as const;

/** Every column of `db/schema.ts`; it does not compile while one is missing, too many, or of another kind. */
const columns: Columns = {
  change_counter: { id: 'number', n: 'number' },
  changes: {
    seq: 'number',
    at: 'number',
    subject: 'text',
    subject_id: 'text',
    action: 'text',
    actor: 'text',
    origin: 'text?',
    before: 'text?',
    after: 'text?',
  },
  users: {
    id: 'text',
    kind: 'text',
    email: 'text',
    email_key: 'text',
    name: 'text',
    status: 'text',
    password_hash: 'text?',
    ...versioned,
  },
  roles: { id: 'text', slug: 'text', name: 'text', built_in: 'number', permissions: 'text', ...versioned },
  role_assignments: { user_id: 'text', role_id: 'text', project_id: 'text?', created_at: 'number' },
  projects: { id: 'text', slug: 'text', name: 'text', ...versioned },
  mcp_servers: {
    id: 'text',
    name: 'text',
    project_id: 'text',
    resource: 'text',
    enabled: 'number',
    ...versioned,
  },
  resource_servers: {
    id: 'text',
    name: 'text',
    secret_hash: 'text?',
    hashed_under: 'text?',
    jwks: 'text?',
    disabled: 'number',
    ...versioned,
  },
  resource_server_audiences: { audience: 'text', resource_server_id: 'text' },
  clients: {
    id: 'text',
    kind: 'text',
    metadata: 'text',
    secret_hash: 'text?',
    hashed_under: 'text?',
    verified: 'number',
    disabled: 'number',
    service_account_id: 'text?',
    refresh_grace_seconds: 'number?',
    document_good_at: 'number?',
    token_exchange: 'text?',
    ...versioned,
  },
  client_key_sets: { uri: 'text', jwks: 'text', good_at: 'number' },
  authorizations: {
    id: 'text',
    kind: 'text',
    user_id: 'text',
    client_id: 'text?',
    resource: 'text?',
    install: 'text?',
    name: 'text?',
    status: 'text',
    follows_owner: 'number',
    capabilities: 'text',
    roles: 'text',
    projects: 'text',
    mcp_servers: 'text',
    asked: 'text',
    expires_at: 'number?',
    created_by: 'text',
    revoked_at: 'number?',
    replayed_at: 'number?',
    replayed_from: 'text?',
    last_used_at: 'number?',
    last_used_by: 'text?',
    last_used_from: 'text?',
    renewed_at: 'number?',
    parent_id: 'text?',
    handed_on: 'text?',
    additions: 'text',
    ...versioned,
  },
  api_key_secrets: {
    id: 'text',
    authorization_id: 'text',
    secret_hash: 'text',
    hashed_under: 'text?',
    last_four: 'text',
    created_by: 'text',
    created_at: 'number',
    expires_at: 'number?',
    revoked_at: 'number?',
    end_reason: 'text?',
  },
  event_receivers: {
    resource_server_id: 'text',
    endpoint: 'text',
    sealed_token: 'text?',
    after_seq: 'number',
    due_at: 'number',
    failures: 'number',
    last_failure: 'text?',
    last_told_at: 'number?',
    created_at: 'number',
  },
  authorization_uses: {
    authorization_id: 'text',
    capability: 'text',
    place: 'text',
    last_used_at: 'number',
  },
  policies: { id: 'text', content: 'text', ...versioned },
  approvals: {
    id: 'text',
    authorization_id: 'text',
    capability: 'text',
    status: 'text',
    justification: 'text',
    requested_by: 'text',
    requested_at: 'number',
    decided_by: 'text?',
    decided_at: 'number?',
    note: 'text?',
    version: 'number',
  },
  sessions: {
    id: 'text',
    uid: 'text',
    user_id: 'text',
    user_agent: 'text?',
    address: 'text?',
    signed_in_at: 'number',
    methods: 'text?',
    last_seen_at: 'number',
    expires_at: 'number',
  },
  upstream_accounts: {
    id: 'text',
    user_id: 'text',
    issuer: 'text',
    subject: 'text',
    label: 'text?',
    linked_at: 'number',
    last_used_at: 'number?',
  },
  upstream_requests: { key: 'text', browser: 'text', sealed: 'text', expires_at: 'number' },
  passkeys: {
    id: 'text',
    user_id: 'text',
    credential_id: 'text',
    public_key: 'text',
    counter: 'number',
    transports: 'text',
    synced: 'number',
    name: 'text',
    created_at: 'number',
    last_used_at: 'number?',
  },
  authenticators: {
    user_id: 'text',
    sealed_secret: 'text',
    confirmed_at: 'number?',
    last_step: 'number',
    created_at: 'number',
  },
  recovery_codes: { code_hash: 'text', user_id: 'text', used_at: 'number?' },
  challenges: { key: 'text', user_id: 'text?', answer_hash: 'text', expires_at: 'number' },
  oidc_artifacts: {
    model: 'text',
    key: 'text',
    grant_id: 'text?',
    account_id: 'text?',
    client_id: 'text?',
    uid: 'text?',
    user_code: 'text?',
    payload: 'text',
    consumed_at: 'number?',
    expires_at: 'number',
  },
  signing_keys: {
    kid: 'text',
    algorithm: 'text',
    encrypted_jwk: 'text',
    created_at: 'number',
    signs_from: 'number',
  },
  counters: { key: 'text', points: 'number', expires_at: 'number' },
  mail_outbox: {
    id: 'text',
    kind: 'text',
    locale: 'text?',
    user_id: 'text?',
    sealed: 'text?',
    attempts: 'number',
    due_at: 'number',
    created_at: 'number',
    sent_at: 'number?',
    failed_at: 'number?',
    failure: 'text?',
  },
  account_links: {
    token_hash: 'text',
    kind: 'text',
    user_id: 'text',
    bound_to: 'text',
    mail_id: 'text?',
    created_by: 'text',
    created_at: 'number',
    expires_at: 'number',
    used_at: 'number?',
  },
  activity: {
    span: 'number',
    starts_at: 'number',
    topic: 'text',
    outcome: 'text',
    party: 'text',
    n: 'number',
  },
};

/** What SQLite would let be null although it is a primary key, for reasons of its own history. */
const sqliteKeys = new Set(['change_counter.id', 'changes.seq']);

describe.each(engines)('the schema on %s', (engine) => {
  let stores: Stores;
  beforeAll(async () => {
    stores = await openStores(engine);
  });
  afterAll(() => stores.close());

  test('has exactly the tables and columns that the types say', async () => {
    const tables = await stores.store.db.introspection.getTables();
    const found = Object.fromEntries(
      tables.map((table) => [
        table.name,
        Object.fromEntries(
          table.columns.map(({ name, dataType, isNullable }) => {
            const kind = /int/i.test(dataType) ? 'number' : 'text';
            const optional = isNullable && !(engine === 'sqlite' && sqliteKeys.has(`${table.name}.${name}`));
            return [name, optional ? `${kind}?` : kind];
          }),
        ),
      ]),
    );
    expect(found).toEqual(columns);
  });

  test('answers instants as numbers', async () => {
    const row = await stores.store.db.selectFrom('change_counter').selectAll().executeTakeFirstOrThrow();
    expect(row).toEqual({ id: 1, n: 0 });
  });
});
