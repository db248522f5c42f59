/** The first schema. Each index names the question that it answers. */
import { type CreateTableBuilder, type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('change_counter')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('n', 'bigint', (column) => column.notNull())
    .execute();
  await sql`insert into change_counter (id, n) values (1, 0)`.execute(db);

  await db.schema
    .createTable('changes')
    .addColumn('seq', 'bigint', (column) => column.primaryKey())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('subject_id', 'text', (column) => column.notNull())
    .addColumn('action', 'text', (column) => column.notNull())
    .addColumn('actor', 'text', (column) => column.notNull())
    .addColumn('origin', 'text')
    .addColumn('before', 'text')
    .addColumn('after', 'text')
    .execute();
  // What happened to this subject?
  await db.schema
    .createIndex('changes_by_subject')
    .on('changes')
    .columns(['subject', 'subject_id', 'seq'])
    .execute();

  await withVersion(
    db.schema
      .createTable('users')
      .addColumn('id', 'text', (column) => column.primaryKey().notNull())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('email', 'text', (column) => column.notNull())
      .addColumn('email_key', 'text', (column) => column.notNull().unique())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('status', 'text', (column) => column.notNull())
      .addColumn('password_hash', 'text'),
  ).execute();

  await withVersion(
    db.schema
      .createTable('roles')
      .addColumn('id', 'text', (column) => column.primaryKey().notNull())
      .addColumn('slug', 'text', (column) => column.notNull().unique())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('built_in', 'integer', (column) => column.notNull())
      .addColumn('permissions', 'text', (column) => column.notNull()),
  ).execute();

  await withVersion(
    db.schema
      .createTable('projects')
      .addColumn('id', 'text', (column) => column.primaryKey().notNull())
      .addColumn('slug', 'text', (column) => column.notNull().unique())
      .addColumn('name', 'text', (column) => column.notNull()),
  ).execute();

  await db.schema
    .createTable('role_assignments')
    .addColumn('user_id', 'text', (column) => column.notNull().references('users.id').onDelete('cascade'))
    .addColumn('role_id', 'text', (column) => column.notNull().references('roles.id'))
    .addColumn('project_id', 'text', (column) => column.references('projects.id').onDelete('cascade'))
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
  // What may this user do? Also: an assignment exists once.
  await sql`create unique index role_assignments_once on role_assignments (user_id, role_id, coalesce(project_id, ''))`.execute(
    db,
  );
  // Who has access to this project? Who holds this role?
  await db.schema
    .createIndex('role_assignments_by_project')
    .on('role_assignments')
    .column('project_id')
    .execute();
  await db.schema.createIndex('role_assignments_by_role').on('role_assignments').column('role_id').execute();

  await withVersion(
    db.schema
      .createTable('mcp_servers')
      .addColumn('id', 'text', (column) => column.primaryKey().notNull())
      .addColumn('name', 'text', (column) => column.notNull().unique())
      .addColumn('project_id', 'text', (column) =>
        column.notNull().references('projects.id').onDelete('cascade'),
      )
      .addColumn('resource', 'text', (column) => column.notNull().unique())
      .addColumn('enabled', 'integer', (column) => column.notNull()),
  ).execute();
  // Which servers belong to this project?
  await db.schema.createIndex('mcp_servers_by_project').on('mcp_servers').column('project_id').execute();

  await withVersion(
    db.schema
      .createTable('resource_servers')
      .addColumn('id', 'text', (column) => column.primaryKey().notNull())
      .addColumn('name', 'text', (column) => column.notNull().unique())
      .addColumn('secret_hash', 'text')
      .addColumn('jwks', 'text')
      .addColumn('disabled', 'integer', (column) => column.notNull()),
  ).execute();
  await db.schema
    .createTable('resource_server_audiences')
    .addColumn('audience', 'text', (column) => column.primaryKey().notNull())
    .addColumn('resource_server_id', 'text', (column) =>
      column.notNull().references('resource_servers.id').onDelete('cascade'),
    )
    .execute();
  // Which audiences does this resource server own?
  await db.schema
    .createIndex('resource_server_audiences_by_server')
    .on('resource_server_audiences')
    .column('resource_server_id')
    .execute();

  await withVersion(
    db.schema
      .createTable('clients')
      .addColumn('id', 'text', (column) => column.primaryKey().notNull())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('metadata', 'text', (column) => column.notNull())
      .addColumn('secret_hash', 'text')
      .addColumn('verified', 'integer', (column) => column.notNull())
      .addColumn('disabled', 'integer', (column) => column.notNull())
      .addColumn('service_account_id', 'text', (column) => column.references('users.id').onDelete('cascade')),
  ).execute();

  await withVersion(
    db.schema
      .createTable('authorizations')
      .addColumn('id', 'text', (column) => column.primaryKey().notNull())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('user_id', 'text', (column) => column.notNull())
      .addColumn('client_id', 'text')
      .addColumn('resource', 'text')
      .addColumn('install', 'text')
      .addColumn('name', 'text')
      .addColumn('status', 'text', (column) => column.notNull())
      .addColumn('follows_owner', 'integer', (column) => column.notNull())
      .addColumn('capabilities', 'text', (column) => column.notNull())
      .addColumn('roles', 'text', (column) => column.notNull())
      .addColumn('projects', 'text', (column) => column.notNull())
      .addColumn('mcp_servers', 'text', (column) => column.notNull())
      .addColumn('asked', 'text', (column) => column.notNull())
      .addColumn('expires_at', 'bigint')
      .addColumn('created_by', 'text', (column) => column.notNull())
      .addColumn('revoked_at', 'bigint')
      .addColumn('replayed_at', 'bigint')
      .addColumn('replayed_from', 'text'),
  ).execute();
  // What did this person hand out, newest first?
  await db.schema
    .createIndex('authorizations_by_user')
    .on('authorizations')
    .columns(['user_id', 'created_at'])
    .execute();
  // What was handed to this client? Did this install of it get something before?
  await db.schema
    .createIndex('authorizations_by_client')
    .on('authorizations')
    .columns(['client_id', 'user_id'])
    .execute();

  await db.schema
    .createTable('oidc_artifacts')
    .addColumn('model', 'text', (column) => column.notNull())
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('grant_id', 'text')
    .addColumn('account_id', 'text')
    .addColumn('client_id', 'text')
    .addColumn('uid', 'text')
    .addColumn('user_code', 'text')
    .addColumn('payload', 'text', (column) => column.notNull())
    .addColumn('consumed_at', 'bigint')
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('oidc_artifacts_pk', ['model', 'key'])
    .execute();
  // Everything that hangs on this authorization, for revocation.
  await sql`create index oidc_artifacts_by_grant on oidc_artifacts (grant_id) where grant_id is not null`.execute(
    db,
  );
  // Which session has this uid? Which device code has this user code? Both exist once.
  await sql`create unique index oidc_artifacts_by_uid on oidc_artifacts (uid) where uid is not null`.execute(
    db,
  );
  await sql`create unique index oidc_artifacts_by_user_code on oidc_artifacts (user_code) where user_code is not null`.execute(
    db,
  );
  // Whose sessions end when this account is suspended?
  await sql`create index oidc_artifacts_by_account on oidc_artifacts (account_id, model) where account_id is not null`.execute(
    db,
  );
  // Which client's artifacts go with it?
  await sql`create index oidc_artifacts_by_client on oidc_artifacts (client_id) where client_id is not null`.execute(
    db,
  );
  // What can be collected?
  await db.schema.createIndex('oidc_artifacts_by_expiry').on('oidc_artifacts').column('expires_at').execute();

  await db.schema
    .createTable('signing_keys')
    .addColumn('kid', 'text', (column) => column.primaryKey().notNull())
    .addColumn('algorithm', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('encrypted_jwk', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();

  await db.schema
    .createTable('counters')
    .addColumn('key', 'text', (column) => column.primaryKey().notNull())
    .addColumn('points', 'integer', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('counters_by_expiry').on('counters').column('expires_at').execute();
}

function withVersion<Table extends string, Column extends string>(table: CreateTableBuilder<Table, Column>) {
  return table
    .addColumn('version', 'integer', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull());
}
