import { describe, expect, test } from '@jest/globals';
import { sensitiveOperations } from '../../../src/admin/api/fresh-sign-in.ts';
import { describeApi } from '../../../src/admin/api/openapi.ts';
import { operations } from '../../../src/admin/api/operations.ts';
import { problems } from '../../../src/admin/api/problem.ts';
import { messages } from '../../support/sample-pages.ts';

const issuer = 'https://id.example';

describe('the table of operations', () => {
  test('names each operation and each route once', () => {
    expect(new Set(operations.map(({ id }) => id)).size).toBe(operations.length);
    expect(new Set(operations.map(({ method, path }) => `${method} ${path}`)).size).toBe(operations.length);
  });

  test.each(operations.map((one) => [one.id, one] as const))(
    '%s refuses members that it does not know',
    (_, one) => {
      for (const schema of [one.query, one.body]) {
        const refused = schema?.safeParse({ is_admin: true });
        expect(refused?.error?.issues.some(({ code }) => code === 'unrecognized_keys') ?? true).toBe(true);
      }
    },
  );

  test('asks for the version wherever something is changed in place or deleted', () => {
    const free = operations
      .filter(({ method, versioned }) => (method === 'patch' || method === 'delete') && !versioned)
      .map(({ id }) => id);
    // Taking away what is already gone is no lost update.
    expect(free).toEqual([
      'unassign_user_role',
      'withdraw_invitation',
      'end_user_session',
      'end_user_sessions',
      'unlink_user_upstream_account',
      'unassign_service_account_role',
      'remove_event_receiver',
    ]);
  });
});

const text = JSON.stringify(await describeApi(operations, issuer));

describe('the description', () => {
  const described = JSON.parse(text) as {
    paths: Record<string, Record<string, { parameters?: { name: string; in: string; required: boolean }[] }>>;
    components: { schemas: Record<string, unknown> };
  };

  test('has every operation, and every shape that it refers to', () => {
    const count = Object.values(described.paths).flatMap((methods) => Object.keys(methods)).length;
    expect(count).toBe(operations.length);
    const named = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name!);
    expect([...new Set(named)].filter((name) => !(name in described.components.schemas))).toEqual([]);
    expect(text).not.toContain('$defs');
  });

  test('tells parameters of the path, the query and the version apart', () => {
    const { parameters = [] } = described.paths['/users/{user_id}']?.patch ?? {};
    expect(parameters).toMatchObject([
      { name: 'user_id', in: 'path', required: true },
      { name: 'If-Match', in: 'header', required: true },
    ]);
    expect(described.paths['/users']?.get?.parameters?.map(({ name }) => name)).toEqual([
      'limit',
      'after',
      'search',
    ]);
  });
});

test('every problem has its sentence in each language', () => {
  for (const locale of ['en', 'de'] as const) {
    const { t } = messages.words(locale);
    for (const { message } of Object.values(problems)) expect(t(message)).not.toBe('');
  }
});

test('asks for a fresh sign-in where it hands out power, by names that exist', () => {
  const names = operations.map(({ id }) => id);
  expect([...sensitiveOperations.keys()].filter((id) => !names.includes(id))).toEqual([]);
  const asks = (id: string, body: object) => sensitiveOperations.get(id)?.({ body });
  expect(asks('update_user', { name: 'New name' })).toBe(false);
  expect(asks('update_user', { password: null })).toBe(true);
  expect(asks('create_user', { email: 'a@acme.test', role_ids: [] })).toBe(false);
  expect(asks('create_user', { email: 'a@acme.test', role_ids: ['rol_1'] })).toBe(true);
});
