/** What is added for a while: the union with what is granted for good, its end to the second, and how a choice is parted. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type Addition,
  addsNothing,
  runningAdditions,
  splitAddition,
  withAdditions,
} from '../../../src/policy/additions.ts';
import { type Seen, seenBy } from '../../../src/policy/audience.ts';
import { effective } from '../../../src/policy/effective.ts';
import { isWithin } from '../../../src/policy/is-within.ts';
import type { Slice } from '../../../src/policy/key-decision.ts';
import { limitsOf, noLimits } from '../../../src/policy/limits.ts';
import { narrowTo } from '../../../src/policy/narrow.ts';
import { openPolicy } from '../../../src/policy/policy.ts';
import { rightUntil } from '../../../src/policy/right-until.ts';
import type { Effective } from '../../../src/policy/vocabulary.ts';
import { addition, capabilityNames, granted, guarded, live, world } from './arbitraries.ts';

const runs = { numRuns: 1000 };
const some = fc.array(addition, { maxLength: 4 });
const instant = fc.integer({ min: 0, max: 50 });

const base: Slice = {
  capabilities: ['api', 'flows:edit'],
  roles: [],
  projects: [{ id: 'prj_atlas', roles: ['rol_viewer'] }],
  mcpServers: [],
};
const hour: Addition = {
  id: 'add_1',
  capabilities: ['flows:edit'],
  projects: [{ id: 'prj_borealis', roles: ['rol_editor'] }],
  mcpServers: ['mcp_1'],
  at: 100,
  until: 3_700,
  by: 'usr_1',
};

describe('what is granted at a moment', () => {
  test('is the slice and every addition that has not ended', () => {
    expect(withAdditions(base, [hour], 3_699)).toEqual({
      capabilities: ['api', 'flows:edit'],
      roles: [],
      projects: [
        { id: 'prj_atlas', roles: ['rol_viewer'] },
        { id: 'prj_borealis', roles: ['rol_editor'] },
      ],
      mcpServers: ['mcp_1'],
    });
  });

  test('is the slice itself from the very second of the end on', () => {
    expect(withAdditions(base, [hour], 3_700)).toBe(base);
    expect(runningAdditions([hour], 3_700)).toEqual([]);
  });

  test('unites the roles on one project', () => {
    const more = { ...hour, projects: [{ id: 'prj_atlas', roles: ['rol_editor'] }] };
    expect(withAdditions(base, [more], 200).projects).toEqual([
      { id: 'prj_atlas', roles: ['rol_viewer', 'rol_editor'] },
    ]);
  });

  test('is never less than the slice, never more than slice and additions, and only shrinks with time', () => {
    fc.assert(
      fc.property(granted, some, instant, instant, (said, additions, one, other) => {
        const [early, late] = [Math.min(one, other), Math.max(one, other)];
        const then = withAdditions(said, additions, early);
        expect(isWithin(said, then)).toBe(true);
        expect(isWithin(withAdditions(said, additions, late), then)).toBe(true);
        for (const running of runningAdditions(additions, early)) {
          expect(isWithin({ ...running, roles: [] }, then)).toBe(true);
        }
        expect(withAdditions(said, additions, 50)).toBe(said);
      }),
      runs,
    );
  });

  test('granting more for a while never takes anything away', () => {
    fc.assert(
      fc.property(granted, some, live, world, (said, additions, held, exists) => {
        const without = effective(said, held, exists, noLimits);
        const beside = effective(withAdditions(said, additions, 0), held, exists, noLimits);
        expect(beside.organization).toEqual(expect.arrayContaining([...without.organization]));
        for (const { id, actions } of without.projects) {
          const same = beside.projects.find((project) => project.id === id);
          expect(same?.actions).toEqual(expect.arrayContaining([...actions]));
        }
      }),
      runs,
    );
  });
});

describe('the time for which an answer is right', () => {
  /** What a resource server was shown, but for the reasons of what it was not. */
  const shown = (seen: Seen | undefined) => seen && { ...seen, withheld: [] };

  test('ends where time alone takes something from it, whatever a token is narrowed to', () => {
    const policy = fc
      .uniqueArray(fc.tuple(fc.constantFrom(...capabilityNames), fc.integer({ min: 1, max: 20 })), {
        selector: ([name]) => name,
      })
      .map((rows) => ({
        ...openPolicy,
        capabilities: new Map(rows.map(([name, longest]) => [name, { longest, approval: false }])),
      }));
    const facts = fc.tuple(granted, some, live, world, guarded, policy);
    const ceiling = fc.option(fc.subarray(capabilityNames).map((names) => new Set(names)));
    fc.assert(
      fc.property(facts, instant, ceiling, ([said, additions, held, exists, guards, rules], now, within) => {
        const delegation = {
          kind: 'oauth2' as const,
          renewedAt: 3,
          followsOwner: false,
          client: undefined,
          approvals: new Map(),
          additions,
        };
        const seenAt = (at: number) => {
          const limits = limitsOf(rules, delegation, at);
          const holds: Effective = effective(withAdditions(said, additions, at), held, exists, limits);
          const whole = seenBy(holds, guards, exists.catalogue);
          const until = whole && rightUntil(whole, limits, runningAdditions(additions, at));
          return { seen: shown(whole && within ? narrowTo(whole, within) : whole), until };
        };
        const { seen, until } = seenAt(now);
        if (until === undefined) return;
        expect(until).toBeGreaterThan(now);
        for (let at = now; at < Math.min(until, 60); at++) expect(seenAt(at).seen).toEqual(seen);
      }),
      { numRuns: 600 },
    );
  });

  test('is not bounded by what this resource server does not see', () => {
    const seen = { scope: ['api'], projects: [], mcpServers: [], withheld: [] };
    expect(rightUntil(seen, noLimits, [hour])).toBe(Number.POSITIVE_INFINITY);
    expect(rightUntil({ ...seen, scope: ['flows:edit'] }, noLimits, [hour])).toBe(3_700);
  });
});

describe('a choice for a while', () => {
  test('parts into what stays for good and what is new', () => {
    const choice = withAdditions(base, [hour], 200);
    expect(splitAddition(choice, base)).toEqual({
      base,
      added: {
        capabilities: [],
        projects: [{ id: 'prj_borealis', roles: ['rol_editor'] }],
        mcpServers: ['mcp_1'],
      },
      addedRoles: [],
    });
  });

  test('leaves the roles that a project had, so that it falls back to them', () => {
    const choice = { ...base, projects: [{ id: 'prj_atlas', roles: ['rol_editor'] }] };
    const parted = splitAddition(choice, base);
    expect(parted.base.projects).toEqual(base.projects);
    expect(parted.added.projects).toEqual([{ id: 'prj_atlas', roles: ['rol_editor'] }]);
  });

  test('takes out for good what was taken out', () => {
    const parted = splitAddition({ ...base, capabilities: ['api'], projects: [] }, base);
    expect(parted.base).toEqual({ ...base, capabilities: ['api'], projects: [] });
    expect(addsNothing(parted.added)).toBe(true);
  });

  test('never keeps for good what was not there, and together is all of the choice', () => {
    fc.assert(
      fc.property(granted, granted, (choice, before) => {
        const { base: kept, added, addedRoles } = splitAddition(choice, before);
        expect(isWithin(kept, before)).toBe(true);
        const together = withAdditions(kept, [{ ...hour, ...added }], 0);
        expect(isWithin(choice, { ...together, roles: [...together.roles, ...addedRoles] })).toBe(true);
      }),
      runs,
    );
  });
});
