/** What is asked of a server with a large organization: each list and search, as page and as JSON, on its first page and far behind. */
import type { Store } from '../../db/open.ts';
import { manyEmail } from '../support/large-organization.ts';

export interface Question {
  readonly name: string;
  readonly who: 'owner' | 'many';
  readonly path: string;
  /** Only until the first piece of the answer. */
  readonly firstBytes?: boolean;
  /** Sent with POST. */
  readonly body?: unknown;
}

/** Lists the questions; cursors and ids are looked up in the database. */
export async function questionsFor({ db }: Pick<Store, 'db'>): Promise<Question[]> {
  const deep = async (table: 'users' | 'projects' | 'mcp_servers' | 'clients' | 'authorizations') => {
    const { n } = await db
      .selectFrom(table)
      .select((count) => count.fn.countAll<number | string>().as('n'))
      .executeTakeFirstOrThrow();
    const row = await db
      .selectFrom(table)
      .select('id')
      .orderBy('id')
      .offset(Math.floor(Number(n) * (table === 'authorizations' ? 0.1 : 0.9)))
      .limit(1)
      .executeTakeFirstOrThrow();
    return encodeURIComponent(row.id);
  };
  const many = await db
    .selectFrom('users')
    .select('id')
    .where('email_key', '=', manyEmail)
    .executeTakeFirstOrThrow();
  const oldOnes = await db
    .selectFrom('authorizations')
    .select(['id', 'kind'])
    .where('user_id', '=', many.id)
    .orderBy('created_at')
    .limit(200)
    .execute();
  const old = oldOnes.at(-1)?.id ?? '';
  const key = oldOnes.find(({ kind }) => kind === 'api_key')?.id ?? '';
  const busiest = await db
    .selectFrom('role_assignments')
    .select('project_id')
    .where('project_id', 'is not', null)
    .limit(1)
    .executeTakeFirstOrThrow();
  const { n: last } = await db.selectFrom('change_counter').select('n').executeTakeFirstOrThrow();

  const owner = (name: string, path: string, more: Partial<Question> = {}): Question => ({
    name,
    who: 'owner',
    path,
    ...more,
  });
  const own = (name: string, path: string): Question => ({ name, who: 'many', path });
  /** The same list as page and as JSON. */
  const list = (section: string, ...queries: readonly (readonly [string, string])[]) =>
    queries.flatMap(([what, query]) => [
      owner(`/admin/${section}: ${what}`, `/admin/${section}${query}`),
      owner(`/api/v1/${section}: ${what}`, `/api/v1/${section}${query}`),
    ]);
  const common = (much: string, after: string) =>
    [
      ['first page', ''],
      ['deep page', `?after=${after}`],
      ['search, much', `?search=${much}`],
      ['search, nothing', '?search=nowhere-to-be-found'],
    ] as const;
  const change = { kind: 'user_suspended', user_id: many.id };
  return [
    owner('/admin: overview', '/admin'),
    owner('/api/v1/overview', '/api/v1/overview'),
    ...list('users', ...common('acme', await deep('users'))),
    ...list('service-accounts', ...common('acme', await deep('users'))),
    ...list('roles', ['all', '']),
    ...list('projects', ...common('billing', await deep('projects'))),
    ...list('mcp-servers', ...common('tools', await deep('mcp_servers'))),
    ...list('clients', ...common('tool', await deep('clients'))),
    ...list('resource-servers', ['all', '']),
    ...list(
      'authorizations',
      ...common('acme', await deep('authorizations')),
      ['search, one owner', '?search=many@'],
      ['search, one key', '?search=key 00029'],
      ['search, tool, revoked', '?search=tool&status=revoked'],
      ['suspended keys', '?status=suspended&kind=api_key'],
      ['of one tool', '?client_id=tool-00007'],
    ),
    ...list('approvals', ['first page', '']),
    owner('/admin/audit: first page', '/admin/audit'),
    owner('/admin/audit: deep page', `/admin/audit?after=${Math.floor(last / 10)}`),
    owner('/admin/audit: one actor', `/admin/audit?actor=${many.id}`),
    owner('/admin/audit: one subject id', `/admin/audit?subject_id=${old}`),
    owner('/admin/audit: one kind', '/admin/audit?subject=role'),
    owner('/api/v1/changes: rare action', '/api/v1/changes?action=removed'),
    owner('/api/v1/changes: kind and action', '/api/v1/changes?subject=authorization&action=leaked'),
    owner('/api/v1/changes: a time long ago', '/api/v1/changes?since=1000000000&until=1000086400'),
    owner('/api/v1/changes/export: first bytes', '/api/v1/changes/export', { firstBytes: true }),
    owner('/admin/users/…: profile', `/admin/users/${many.id}`),
    owner('/admin/users/…/access', `/admin/users/${many.id}/access`),
    owner('/admin/users/…/authorizations', `/admin/users/${many.id}/authorizations`),
    owner('/admin/users/…/authorizations: deep page', `/admin/users/${many.id}/authorizations?after=${old}`),
    owner('/admin/users/…/remove: what would stop', `/admin/users/${many.id}/remove`),
    owner('/api/v1/users/…/departure', `/api/v1/users/${many.id}/departure`),
    owner('/api/v1/simulate: suspend', '/api/v1/simulate', { body: { change } }),
    owner('/admin/projects/…', `/admin/projects/${busiest.project_id}`),
    owner('/admin/authorizations/…', `/admin/authorizations/${old}`),
    owner('/account/api-keys/new: every project', '/account/api-keys/new'),
    owner("/account/authorizations: everybody's keys", '/account/authorizations?tab=api-keys'),
    owner('/account/authorizations: a key of many', '/account/authorizations?tab=api-keys&q=billing'),
    owner('/account/authorizations: no such key', '/account/authorizations?tab=api-keys&q=nowhere'),
    own('/account/authorizations: first page', '/account/authorizations'),
    own('/account/authorizations: deep page', `/account/authorizations?before=${old}`),
    own('/account/authorizations: search, much', '/account/authorizations?q=tool'),
    own('/account/authorizations: search, nothing', '/account/authorizations?q=nowhere'),
    own('/account/authorizations: own keys', '/account/authorizations?tab=api-keys'),
    own('/account/authorizations: own keys, deep', `/account/authorizations?tab=api-keys&before=${old}`),
    own('/account/authorizations/…: editor', `/account/authorizations/${key}`),
    own('/account/api-keys/new', '/account/api-keys/new'),
    own('/account/security', '/account/security'),
    own('/api/v1/authorizations: own', '/api/v1/authorizations'),
  ];
}
