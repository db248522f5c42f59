import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { administration } from '../../../src/policy/administration.ts';
import { effective } from '../../../src/policy/effective.ts';
import {
  effectiveUnder,
  grantedUnder,
  type HandedOn,
  limitsUnder,
  withholdAll,
} from '../../../src/policy/handed-on.ts';
import { noLimits, type TimedLimits } from '../../../src/policy/limits.ts';
import type { Effective, Withheld, World } from '../../../src/policy/vocabulary.ts';
import * as acme from './acme.ts';
import { granted, live, moreGranted, moreLive, world } from './arbitraries.ts';

const runs = { numRuns: 1000 };

/** A ceiling over names and servers of this world, and some that it does not have. */
const ceilingOver = ({ catalogue, mcpServers }: World): fc.Arbitrary<HandedOn> => {
  const names = fc.uniqueArray(fc.constantFrom(...catalogue.keys(), administration, 'unknown'));
  const servers = fc
    .uniqueArray(fc.constantFrom('mcp_unknown', ...mcpServers.keys()))
    .map((ids) => new Set(ids));
  const guarded = fc.record({ api: fc.boolean(), mcpServers: servers });
  return fc.record({
    names: fc.option(
      names.map((list) => new Set(list)),
      { nil: undefined },
    ),
    from: fc.option(guarded, { nil: undefined }),
    to: guarded,
  });
};
const situation = fc.tuple(granted, live, world).chain(([said, held, exists]) =>
  fc.record({
    said: fc.constant(said),
    held: fc.constant(held),
    exists: fc.constant(exists),
    ceiling: ceilingOver(exists),
  }),
);

function facts({ organization, projects, mcpServers }: Effective): Set<string> {
  return new Set([
    ...organization.map((name) => `capability ${name}`),
    ...projects.flatMap(({ id, actions }) => [
      `project ${id}`,
      ...actions.map((name) => `project ${id} ${name}`),
    ]),
    ...mcpServers.flatMap(({ id, actions }) => [
      `mcp_server ${id}`,
      ...actions.map((name) => `mcp_server ${id} ${name}`),
    ]),
  ]);
}
const keyOf = ({ dimension, identifier, capability }: Withheld) =>
  [dimension, identifier, capability].filter((part) => part !== undefined).join(' ');
const beyond = (some: Set<string>, others: Set<string>) => [...some].filter((fact) => !others.has(fact));

describe('TX-01: the laws of what was handed on', () => {
  test('it is within what holds of its parent', () => {
    fc.assert(
      fc.property(situation, ({ said, held, exists, ceiling }) => {
        const parent = effective(said, held, exists, noLimits);
        expect(beyond(facts(effectiveUnder(ceiling, parent, exists.catalogue)), facts(parent))).toEqual([]);
      }),
      runs,
    );
  });

  test('it is within its ceiling, and never administers', () => {
    fc.assert(
      fc.property(situation, ({ said, held, exists, ceiling }) => {
        const parent = effective(said, held, exists, noLimits);
        const child = effectiveUnder(ceiling, parent, exists.catalogue);
        const { names, to } = ceiling;
        const actions = [
          ...child.organization,
          ...[...child.projects, ...child.mcpServers].flatMap((place) => place.actions),
        ];
        const implied = (name: string): boolean =>
          names === undefined ||
          names.has(name) ||
          [...exists.catalogue].some(([other, { implies }]) => implies.includes(name) && other !== name);
        expect(actions.filter((name) => !implied(name))).toEqual([]);
        expect(actions).not.toContain(administration);
        expect(child.mcpServers.filter(({ id }) => !to.mcpServers.has(id))).toEqual([]);
        if (!to.api) {
          const homes = child.mcpServers.map(({ project }) => project);
          expect([child.organization, child.projects.filter(({ id }) => !homes.includes(id))]).toEqual([
            [],
            [],
          ]);
        }
      }),
      runs,
    );
  });

  test('what a token could not be shown is not in what is made of it, except for the server that it is for', () => {
    fc.assert(
      fc.property(situation, ({ said, held, exists, ceiling }) => {
        const parent = effective(said, held, exists, noLimits);
        const from = { api: false, mcpServers: new Set<string>() };
        const child = effectiveUnder({ ...ceiling, from }, parent, exists.catalogue);
        expect([...facts(child)].filter((fact) => !fact.startsWith('project '))).toEqual([]);
        expect(child.projects).toEqual([]);
      }),
      runs,
    );
  });

  test('a parent that holds more takes nothing away', () => {
    fc.assert(
      fc.property(situation, granted, live, ({ said, held, exists, ceiling }, alsoSaid, alsoHeld) => {
        const before = effective(said, held, exists, noLimits);
        const after = effective(moreGranted(said, alsoSaid), moreLive(held, alsoHeld), exists, noLimits);
        const [less, more] = [before, after].map((parent) =>
          facts(effectiveUnder(ceiling, parent, exists.catalogue)),
        );
        expect(beyond(less ?? new Set(), more ?? new Set())).toEqual([]);
      }),
      runs,
    );
  });

  test('a higher ceiling takes nothing away', () => {
    fc.assert(
      fc.property(situation, ({ said, held, exists, ceiling }) => {
        const parent = effective(said, held, exists, noLimits);
        const less = facts(effectiveUnder(ceiling, parent, exists.catalogue));
        for (const higher of [
          { ...ceiling, names: undefined },
          { ...ceiling, from: undefined },
          { ...ceiling, to: { api: true, mcpServers: new Set(exists.mcpServers.keys()) } },
        ]) {
          if (!ceiling.to.api && ceiling.to.mcpServers.size === 0) continue;
          expect(
            beyond(
              new Set([...less].filter((fact) => !fact.includes('unknown'))),
              facts(effectiveUnder(higher, parent, exists.catalogue)),
            ),
          ).toEqual([]);
        }
      }),
      runs,
    );
  });

  test('whatever was asked for by name holds or is withheld, for one reason', () => {
    fc.assert(
      fc.property(situation, ({ said, held, exists, ceiling }) => {
        const parent = effective(said, held, exists, noLimits);
        const child = effectiveUnder(ceiling, parent, exists.catalogue);
        const holds = facts(child);
        const keys = child.withheld.map(keyOf);
        expect(new Set(keys).size).toBe(keys.length);
        expect(keys.filter((key) => holds.has(key))).toEqual([]);
        const asked = [...(ceiling.names ?? [])].filter((name) => name !== administration);
        const boundAt = (bound: string) =>
          asked.filter((name) => exists.catalogue.get(name)?.bound === bound);
        const wanted = [
          ...(ceiling.to.api ? boundAt('organization') : []).map((name) => `capability ${name}`),
          ...child.projects.flatMap(({ id }) => boundAt('project').map((name) => `project ${id} ${name}`)),
          ...child.mcpServers.flatMap(({ id }) =>
            boundAt('mcp_server').map((name) => `mcp_server ${id} ${name}`),
          ),
        ];
        expect(wanted.filter((key) => !holds.has(key) && !keys.includes(key))).toEqual([]);
        for (const id of ceiling.to.mcpServers) {
          const told = keys.some((key) => key.startsWith(`mcp_server ${id}`));
          expect(told || holds.has(`mcp_server ${id}`)).toBe(true);
        }
      }),
      runs,
    );
  });

  test('nothing is left of it when nothing is left of its parent', () => {
    fc.assert(
      fc.property(situation, ({ said, held, exists, ceiling }) => {
        const parent = effective({ ...said, standing: 'revoked' }, held, exists, noLimits);
        expect(facts(effectiveUnder(ceiling, parent, exists.catalogue)).size).toBe(0);
      }),
      runs,
    );
  });

  test('what the policy takes whole is withheld, each item once', () => {
    fc.assert(
      fc.property(situation, ({ said, held, exists, ceiling }) => {
        const parent = effective(said, held, exists, noLimits);
        const child = effectiveUnder(ceiling, parent, exists.catalogue);
        const none = withholdAll(child);
        const keys = none.withheld.map(keyOf);
        expect([facts(none).size, new Set(keys).size]).toEqual([0, keys.length]);
        const items = [...facts(child)].filter((fact) => fact.split(' ').length === 2);
        expect(items.filter((fact) => !keys.includes(fact))).toEqual([]);
      }),
      runs,
    );
  });

  test('it stands only while both stand', () => {
    fc.assert(
      fc.property(situation, ({ said, ceiling }) => {
        expect(grantedUnder(ceiling, 'active', said).standing).toBe(said.standing);
        expect(grantedUnder(ceiling, 'suspended', said).standing).toBe('suspended');
      }),
      runs,
    );
  });

  test('its limits are right only while those of both are', () => {
    const one: TimedLimits = { ...noLimits, since: 10, until: 50, end: 70, ends: new Map([['api', 60]]) };
    const other: TimedLimits = { ...noLimits, since: 20, until: 90, end: 40, ends: new Map([['api', 80]]) };
    const united = limitsUnder(one, other, acme.catalogue);
    expect(united).toEqual(limitsUnder(other, one, acme.catalogue));
    expect(united).toMatchObject({ since: 20, until: 50, end: 40 });
    expect(united.ends.get('api')).toBe(60);
  });

  test('what another capability implies ends with that one', () => {
    const parent: TimedLimits = { ...noLimits, ends: new Map([['apps:admin', 60]]) };
    expect(limitsUnder(noLimits, parent, acme.catalogue).ends.get('apps:view')).toBe(60);
  });
});
