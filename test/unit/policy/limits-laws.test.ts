import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { clientRefusal } from '../../../src/policy/client-permission.ts';
import { effective } from '../../../src/policy/effective.ts';
import { type Delegation, limitsOf, noLimits } from '../../../src/policy/limits.ts';
import type { HostRule, Policy } from '../../../src/policy/policy.ts';
import type { Effective, Limits } from '../../../src/policy/vocabulary.ts';
import { addition, capabilityNames, granted, live, world } from './arbitraries.ts';

const runs = { numRuns: 2000 };
const hostNames = ['one.test', 'two.test', '__proto__'];

const entriesOf = <Value>(names: readonly string[], value: fc.Arbitrary<Value>) =>
  fc
    .uniqueArray(fc.tuple(fc.constantFrom(...names), value), { selector: ([name]) => name })
    .map((entries): ReadonlyMap<string, Value> => new Map(entries));

const limits: fc.Arbitrary<Limits> = fc.record({
  everything: fc.oneof(
    { weight: 5, arbitrary: fc.constant(undefined) },
    fc.constantFrom('too_old' as const, 'client_not_permitted' as const),
  ),
  capabilities: entriesOf(capabilityNames, fc.constantFrom('policy' as const, 'approval_pending' as const)),
});

const seconds = fc.option(fc.integer({ min: 1, max: 20 }));
const policy: fc.Arbitrary<Policy> = fc.record({
  longest: fc.record({ oauth2: seconds, api_key: seconds }),
  capabilities: entriesOf(capabilityNames, fc.record({ longest: seconds, approval: fc.boolean() })),
  clients: fc.record({
    permitted: fc.constantFrom('any' as const, 'hosts' as const, 'verified' as const),
    hosts: entriesOf(hostNames, fc.constantFrom<HostRule>('verify', 'allow', 'deny')),
  }),
});
const client = fc.record({
  verified: fc.boolean(),
  hasDocument: fc.boolean(),
  hosts: fc.array(fc.constantFrom(...hostNames, null), { maxLength: 3 }),
});
const delegation: fc.Arbitrary<Delegation> = fc.record({
  kind: fc.constantFrom('oauth2' as const, 'api_key' as const),
  renewedAt: fc.integer({ min: 0, max: 20 }),
  followsOwner: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, fc.constant(true)),
  client: fc.option(client, { nil: undefined }),
  approvals: entriesOf(
    capabilityNames,
    fc.constantFrom('pending' as const, 'approved' as const, 'declined' as const),
  ),
  additions: fc.array(addition, { maxLength: 3 }),
});
const instant = fc.integer({ min: 0, max: 50 });

const shorter = (one: number | null, other: number | null) =>
  one === null ? other : other === null ? one : Math.min(one, other);
const strictest = ['any', 'hosts', 'verified'] as const;

/** What either policy bounds: never laxer than the first. */
function stricter(one: Policy, other: Policy): Policy {
  const capabilities = new Map(one.capabilities);
  for (const [name, { longest, approval }] of other.capabilities) {
    const was = capabilities.get(name);
    capabilities.set(name, {
      longest: shorter(was?.longest ?? null, longest),
      approval: approval || was?.approval === true,
    });
  }
  const hosts = new Map(one.clients.hosts);
  for (const [host, rule] of other.clients.hosts) {
    if (rule === 'deny') hosts.set(host, rule);
    else if (rule === 'allow' && hosts.get(host) === 'verify') hosts.set(host, rule);
  }
  const permitted =
    strictest[
      Math.max(strictest.indexOf(one.clients.permitted), strictest.indexOf(other.clients.permitted))
    ] ?? 'verified';
  return {
    longest: {
      oauth2: shorter(one.longest.oauth2, other.longest.oauth2),
      api_key: shorter(one.longest.api_key, other.longest.api_key),
    },
    capabilities,
    clients: { permitted, hosts },
  };
}

/** Every fact of a result as one string, so that results compare as sets. */
function facts({ organization, projects, mcpServers }: Effective): Set<string> {
  return new Set([
    ...organization.map((name) => `organization ${name}`),
    ...projects.flatMap(({ id, roles, actions }) => [
      `project ${id}`,
      ...roles.map((slug) => `role ${id} ${slug}`),
      ...actions.map((name) => `project ${id} ${name}`),
    ]),
    ...mcpServers.flatMap(({ id, actions }) => [
      `mcp_server ${id}`,
      ...actions.map((name) => `mcp_server ${id} ${name}`),
    ]),
  ]);
}

const within = (one: Effective, other: Effective) =>
  expect([...facts(one)].filter((fact) => !facts(other).has(fact))).toEqual([]);

describe('the laws of limits', () => {
  test('what a limit leaves is within what holds without it', () => {
    fc.assert(
      fc.property(granted, live, world, limits, (said, held, exists, taken) => {
        within(effective(said, held, exists, taken), effective(said, held, exists, noLimits));
      }),
      runs,
    );
  });

  test('what is limited holds nowhere, neither by name nor as an implication', () => {
    fc.assert(
      fc.property(granted, live, world, limits, (said, held, exists, taken) => {
        const { organization, projects, mcpServers } = effective(said, held, exists, taken);
        const names = [...organization, ...[...projects, ...mcpServers].flatMap(({ actions }) => actions)];
        expect(names.filter((name) => taken.capabilities.has(name))).toEqual([]);
        if (taken.everything) expect([organization, projects, mcpServers]).toEqual([[], [], []]);
      }),
      runs,
    );
  });

  test('what only a limit takes is withheld with the reason of that limit', () => {
    fc.assert(
      fc.property(granted, live, world, limits, (said, held, exists, taken) => {
        fc.pre(said.standing === 'active' && held.status === 'active' && !taken.everything);
        const without = effective(said, held, exists, noLimits);
        const { withheld } = effective(said, held, exists, taken);
        for (const [dimension, places] of [
          ['project', without.projects],
          ['mcp_server', without.mcpServers],
        ] as const) {
          for (const { id, actions } of places) {
            for (const name of actions.filter((one) => taken.capabilities.has(one))) {
              const entry = { dimension, identifier: id, capability: name };
              expect(withheld).toContainEqual({ ...entry, reason: taken.capabilities.get(name) });
            }
          }
        }
        for (const name of without.organization.filter((one) => taken.capabilities.has(one))) {
          const entry = { dimension: 'capability', identifier: name };
          expect(withheld).toContainEqual({ ...entry, reason: taken.capabilities.get(name) });
        }
      }),
      runs,
    );
  });

  test('everything that was granted either holds or is withheld, once', () => {
    fc.assert(
      fc.property(granted, live, world, limits, (said, held, exists, taken) => {
        fc.pre(said.standing === 'active');
        const result = effective(said, held, exists, taken);
        const keys = result.withheld.map(({ dimension, identifier, capability }) =>
          [dimension === 'capability' ? 'organization' : dimension, identifier, capability]
            .filter((part) => part !== undefined)
            .join(' '),
        );
        const holds = facts(result);
        expect(new Set(keys).size).toBe(keys.length);
        expect(keys.filter((key) => holds.has(key))).toEqual([]);
        for (const id of said.mcpServers) {
          const explains = keys.some(
            (key) => key === `mcp_server ${id}` || key.startsWith(`mcp_server ${id} `),
          );
          expect(holds.has(`mcp_server ${id}`) || explains).toBe(true);
        }
      }),
      runs,
    );
  });
});

describe('the laws of policies', () => {
  test('a stricter policy never gives more', () => {
    fc.assert(
      fc.property(
        fc.tuple(granted, live, world),
        fc.tuple(policy, policy, delegation, instant),
        ([said, held, exists], [one, other, facts, now]) => {
          const before = limitsOf(one, facts, now);
          const after = limitsOf(stricter(one, other), facts, now);
          within(effective(said, held, exists, after), effective(said, held, exists, before));
        },
      ),
      runs,
    );
  });

  test('limits are the same from `since` to just before `until`, and change there', () => {
    fc.assert(
      fc.property(policy, delegation, instant, (rules, facts, now) => {
        const found = limitsOf(rules, facts, now);
        for (let at = 0; at <= 50; at++) {
          const then = limitsOf(rules, facts, at);
          if (found.since <= at && at < found.until) expect(then).toEqual(found);
        }
        expect(found.since <= now && now < found.until).toBe(true);
        if (found.until !== Number.POSITIVE_INFINITY) {
          expect(limitsOf(rules, facts, found.until).since).toBe(found.until);
        }
      }),
      runs,
    );
  });

  test('what is announced to end does not end before, and has ended then', () => {
    fc.assert(
      fc.property(policy, delegation, instant, (rules, facts, now) => {
        const { end, ends, everything, capabilities } = limitsOf(rules, facts, now);
        for (const [name, at] of ends) {
          expect(at).toBeGreaterThan(now);
          expect(limitsOf(rules, facts, at).capabilities.get(name)).toBe('policy');
          expect(limitsOf(rules, facts, at - 1).capabilities.get(name)).toBe(capabilities.get(name));
        }
        if (end > now && end !== Number.POSITIVE_INFINITY) {
          expect(limitsOf(rules, facts, end).everything).toBeDefined();
          expect(limitsOf(rules, facts, end - 1).everything).toBe(everything);
        }
      }),
      runs,
    );
  });

  test('whatever `verified` lets in, `hosts` does, and whatever `hosts` lets in, `any` does', () => {
    fc.assert(
      fc.property(client, policy, (who, { clients: { hosts } }) => {
        const lets = strictest.map((permitted) => clientRefusal(who, { permitted, hosts }) === undefined);
        expect(lets[0] || !lets[1]).toBe(true);
        expect(lets[1] || !lets[2]).toBe(true);
      }),
      runs,
    );
  });
});
