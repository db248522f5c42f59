import { describe, expect, test } from '@jest/globals';
import { standingOf, toGranted } from '../../../src/authorizations/to-granted.ts';

const now = 1_790_000_000;

describe('the standing of an authorization', () => {
  test.each([
    ['active', null, 'active'],
    ['active', now + 1, 'active'],
    ['active', now, 'expired'],
    ['active', now - 1, 'expired'],
    ['suspended', now + 1, 'suspended'],
    ['suspended', now, 'suspended'],
    ['revoked', now, 'revoked'],
    ['revoked', null, 'revoked'],
  ] as const)('with status %s and end %s is %s', (status, expiresAt, standing) => {
    expect(standingOf({ status, expiresAt }, now)).toBe(standing);
  });
});

test('an authorization grants what it says, word for word', () => {
  const slice = {
    capabilities: ['api'],
    roles: ['rol_a'],
    projects: [{ id: 'prj_a', roles: ['rol_b'] }],
    mcpServers: ['mcp_a'],
  };
  expect(toGranted({ ...slice, additions: [], status: 'active', expiresAt: null }, now)).toEqual({
    ...slice,
    standing: 'active',
  });
});
