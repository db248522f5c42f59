import { describe, expect, test } from '@jest/globals';
import { type ClientStanding, clientRefusal } from '../../../src/policy/client-permission.ts';
import { effective } from '../../../src/policy/effective.ts';
import { approvalsToAsk, type Delegation, limitsOf, noLimits } from '../../../src/policy/limits.ts';
import { allowsLifetime, openPolicy, type Policy } from '../../../src/policy/policy.ts';
import { why } from '../../../src/policy/why.ts';
import { granted, live, world } from './acme.ts';

const day = 86_400;
const made = 1_790_000_000;
const grant: Delegation = {
  kind: 'oauth2',
  renewedAt: made,
  followsOwner: false,
  client: { verified: false, hasDocument: true, hosts: ['tool.test'] },
  approvals: new Map(),
};
const capability = (name: string, longest: number | null, approval = false): Policy => ({
  ...openPolicy,
  capabilities: new Map([[name, { longest, approval }]]),
});
const thirtyDays: Policy = { ...openPolicy, longest: { oauth2: 30 * day, api_key: null } };

describe('a longest lifetime of 30 days', () => {
  test('leaves an authorization whole until its last second', () => {
    const limits = limitsOf(thirtyDays, grant, made + 30 * day - 1);
    expect(limits).toMatchObject({ everything: undefined, end: made + 30 * day, until: made + 30 * day });
    expect(effective(granted, live, world, limits)).toEqual(effective(granted, live, world, noLimits));
  });

  test('leaves nothing from then on, and says that a policy does', () => {
    const limits = limitsOf(thirtyDays, grant, made + 30 * day);
    expect(limits).toMatchObject({ everything: 'too_old', since: made + 30 * day });
    const result = effective(granted, live, world, limits);
    expect(result).toMatchObject({ organization: [], projects: [], mcpServers: [] });
    expect(new Set(result.withheld.map(({ reason }) => reason))).toEqual(new Set(['policy']));
    const question = { capability: 'flows:edit', on: 'prj_atlas' };
    expect(why(question, granted, result, world)).toEqual({ allowed: false, rule: 'policy' });
  });

  test('counts anew once the end is chosen again', () => {
    const renewed = { ...grant, renewedAt: made + 29 * day };
    expect(limitsOf(thirtyDays, renewed, made + 31 * day).everything).toBeUndefined();
  });

  test('is of its kind alone, and leaves alone what nobody delegated', () => {
    const later = made + 400 * day;
    expect(limitsOf(thirtyDays, { ...grant, kind: 'api_key' }, later).everything).toBeUndefined();
    expect(limitsOf(thirtyDays, { ...grant, followsOwner: true }, later)).toEqual(noLimits);
  });

  test('does not let a longer one be chosen, nor none at all', () => {
    expect(allowsLifetime('oauth2', 30 * day, thirtyDays)).toBe(true);
    expect(allowsLifetime('oauth2', 30 * day + 1, thirtyDays)).toBe(false);
    expect(allowsLifetime('oauth2', null, thirtyDays)).toBe(false);
    expect(allowsLifetime('api_key', null, thirtyDays)).toBe(true);
  });
});

test('a capability past its own longest lifetime is withheld alone', () => {
  const policy = capability('flows:edit', day);
  expect(limitsOf(policy, grant, made + day - 1)).toMatchObject({
    ends: new Map([['flows:edit', made + day]]),
    until: made + day,
  });
  const result = effective(granted, live, world, limitsOf(policy, grant, made + day));
  expect(result.organization).toEqual(['api']);
  expect(result.projects).toMatchObject([{ id: 'prj_atlas', actions: [] }]);
  expect(result.withheld).toEqual([
    { dimension: 'project', identifier: 'prj_atlas', capability: 'flows:edit', reason: 'policy' },
  ]);
});

test('a limited capability does not come back as the implication of another', () => {
  const admin = { ...granted, capabilities: ['apps:admin'], projects: [], mcpServers: [] };
  const holder = { ...live, organization: new Set(['apps:admin', 'apps:view']) };
  const result = effective(admin, holder, world, limitsOf(capability('apps:view', day), grant, made + day));
  expect(result.organization).toEqual(['apps:admin']);
  expect(why({ capability: 'apps:view' }, admin, result, world)).toEqual({ allowed: false, rule: 'policy' });
});

describe('a capability that needs approval', () => {
  const policy = capability('flows:edit', null, true);
  const holds = (approvals: Delegation['approvals']) => {
    const limits = limitsOf(policy, { ...grant, approvals }, made);
    const result = effective(granted, live, world, limits);
    return why({ capability: 'flows:edit', on: 'prj_atlas' }, granted, result, world);
  };

  test.each([
    ['nobody asked', [], { allowed: false, rule: 'policy' }],
    ['it waits', [['flows:edit', 'pending']], { allowed: false, rule: 'approval_pending' }],
    ['it was declined', [['flows:edit', 'declined']], { allowed: false, rule: 'policy' }],
    ['it was given', [['flows:edit', 'approved']], { allowed: true, rule: 'holds' }],
    ['it was given for another', [['mcp', 'approved']], { allowed: false, rule: 'policy' }],
  ] as const)('when %s', (_, approvals, expected) => {
    expect(holds(new Map(approvals))).toEqual(expected);
  });

  test('is asked for when it was not, and again after it was declined', () => {
    const ask = (...approvals: ['flows:edit', 'pending' | 'approved' | 'declined'][]) =>
      approvalsToAsk(['api', 'flows:edit'], policy, new Map(approvals));
    expect(ask()).toEqual(['flows:edit']);
    expect(ask(['flows:edit', 'declined'])).toEqual(['flows:edit']);
    expect(ask(['flows:edit', 'pending'])).toEqual([]);
    expect(ask(['flows:edit', 'approved'])).toEqual([]);
  });
});

describe('which clients may be authorized', () => {
  const document = (host: string, verified = false): ClientStanding => ({
    verified,
    hasDocument: true,
    hosts: [host],
  });
  const redirecting = (...hosts: (string | null)[]): ClientStanding => ({
    verified: false,
    hasDocument: false,
    hosts,
  });
  const hosts = new Map([
    ['vouched.test', 'verify'],
    ['named.test', 'allow'],
    ['denied.test', 'deny'],
  ] as const);

  test.each<[string, ClientStanding, string | undefined, string | undefined, string | undefined]>([
    ['a document at no listed host', document('other.test'), undefined, 'host_not_named', 'not_verified'],
    ['the same, verified', document('other.test', true), undefined, undefined, undefined],
    ['a document at a named host', document('named.test'), undefined, undefined, 'not_verified'],
    ['a document at a host vouched for', document('vouched.test'), undefined, undefined, undefined],
    ['a document at a denied host', document('denied.test'), 'host_denied', 'host_denied', 'host_denied'],
    ['the same, verified', document('denied.test', true), 'host_denied', 'host_denied', 'host_denied'],
    ['redirects to a named host', redirecting('named.test'), undefined, undefined, 'not_verified'],
    [
      'redirects to a host whose documents count',
      redirecting('vouched.test'),
      undefined,
      undefined,
      'not_verified',
    ],
    [
      'redirects to two hosts, one named',
      redirecting('named.test', 'other.test'),
      undefined,
      'host_not_named',
      'not_verified',
    ],
    [
      'redirects to two hosts, one denied',
      redirecting('named.test', 'denied.test'),
      'host_denied',
      'host_denied',
      'host_denied',
    ],
    ['a tool on the own computer', redirecting(null), undefined, 'host_not_named', 'not_verified'],
    ['no redirect at all', redirecting(), undefined, 'host_not_named', 'not_verified'],
  ])('%s', (_, client, any, named, verified) => {
    expect(clientRefusal(client, { permitted: 'any', hosts })).toBe(any);
    expect(clientRefusal(client, { permitted: 'hosts', hosts })).toBe(named);
    expect(clientRefusal(client, { permitted: 'verified', hosts })).toBe(verified);
  });

  test('withholds everything from one that may not, and from an API key nothing', () => {
    const policy: Policy = { ...openPolicy, clients: { permitted: 'verified', hosts: new Map() } };
    expect(limitsOf(policy, grant, made).everything).toBe('client_not_permitted');
    expect(limitsOf(policy, { ...grant, client: undefined }, made).everything).toBe('client_not_permitted');
    const key: Delegation = { ...grant, kind: 'api_key', client: undefined };
    expect(limitsOf(policy, key, made).everything).toBeUndefined();
  });
});
