import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { effective } from '../../../src/policy/effective.ts';
import { noLimits } from '../../../src/policy/limits.ts';
import { hasProjectAccess, livePermissionsOn } from '../../../src/policy/live-permissions.ts';
import type { Bound, Effective, Granted, Live, World } from '../../../src/policy/vocabulary.ts';
import { granted, live, moreGranted, moreLive, world } from './arbitraries.ts';

const runs = { numRuns: 2000 };

/** The laws' own closure, written apart from the code: rounds until nothing is new, inside one bound. */
function closure(names: Iterable<string>, { catalogue }: World, bound: Bound): Set<string> {
  const inBound = (name: string) => catalogue.get(name)?.bound === bound;
  const closed = new Set([...names].filter(inBound));
  for (let round = 0; round < catalogue.size; round++) {
    for (const name of [...closed]) {
      for (const implied of catalogue.get(name)?.implies.filter(inBound) ?? []) closed.add(implied);
    }
  }
  return closed;
}

function saidBy(said: Granted, exists: World): string[] {
  const fromRoles = said.roles.flatMap((id) => [...(exists.roles.get(id)?.permissions ?? [])]);
  return [...said.capabilities, ...fromRoles];
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

const isEmpty = (result: Effective) => facts(result).size === 0;

describe('IN-12: the laws of effective = granted ∩ live', () => {
  test('the result is within the closure of what was granted', () => {
    fc.assert(
      fc.property(granted, live, world, (said, held, exists) => {
        const result = effective(said, held, exists, noLimits);
        const names = saidBy(said, exists);
        const organization = closure(names, exists, 'organization');
        const project = closure(names, exists, 'project');
        const server = closure(names, exists, 'mcp_server');
        expect(result.organization.every((name) => organization.has(name))).toBe(true);
        for (const { id, roles, actions } of result.projects) {
          const picked = said.projects.filter((pick) => pick.id === id).flatMap((pick) => pick.roles);
          const slugs = picked.map((role) => exists.roles.get(role)?.slug);
          const capped = closure(
            picked.flatMap((role) => [...(exists.roles.get(role)?.permissions ?? [])]),
            exists,
            'project',
          );
          expect(said.projects.some((pick) => pick.id === id)).toBe(true);
          expect(roles.every((slug) => slugs.includes(slug))).toBe(true);
          expect(actions.every((name) => project.has(name) && capped.has(name))).toBe(true);
        }
        for (const { id, actions } of result.mcpServers) {
          expect(said.mcpServers).toContain(id);
          expect(actions.every((name) => server.has(name))).toBe(true);
        }
      }),
      runs,
    );
  });

  test('the result is within the closure of what the owner holds', () => {
    fc.assert(
      fc.property(granted, live, world, (said, held, exists) => {
        const result = effective(said, held, exists, noLimits);
        const organization = closure(held.organization, exists, 'organization');
        expect(result.organization.every((name) => organization.has(name))).toBe(true);
        for (const { id, actions } of result.projects) {
          const onProject = closure(livePermissionsOn(held, id), exists, 'project');
          expect(exists.projects.has(id) && hasProjectAccess(held, id, exists.catalogue)).toBe(true);
          expect(actions.every((name) => onProject.has(name))).toBe(true);
        }
        for (const { id, project, actions } of result.mcpServers) {
          const onProject = closure(livePermissionsOn(held, project), exists, 'mcp_server');
          expect(exists.projects.has(project) && exists.mcpServers.get(id)?.enabled).toBe(true);
          expect(actions.length).toBeGreaterThan(0);
          expect(actions.every((name) => onProject.has(name))).toBe(true);
        }
      }),
      runs,
    );
  });

  test('the result is exactly the closure of the intersection', () => {
    fc.assert(
      fc.property(granted, live, world, (said, held, exists) => {
        fc.pre(said.standing === 'active' && held.status === 'active');
        const result = effective(said, held, exists, noLimits);
        const names = saidBy(said, exists);
        const both = names.filter((name) => held.organization.has(name));
        expect(new Set(result.organization)).toEqual(closure(both, exists, 'organization'));
        for (const { id } of said.projects) {
          const there = livePermissionsOn(held, id);
          const picked = said.projects.filter((pick) => pick.id === id).flatMap((pick) => pick.roles);
          const onProject = names.filter(
            (name) => there.has(name) && picked.some((role) => exists.roles.get(role)?.permissions.has(name)),
          );
          const shown = result.projects.find((project) => project.id === id);
          const reachable = exists.projects.has(id) && hasProjectAccess(held, id, exists.catalogue);
          expect(shown !== undefined).toBe(reachable);
          if (shown) expect(new Set(shown.actions)).toEqual(closure(onProject, exists, 'project'));
        }
        for (const id of said.mcpServers) {
          const server = exists.mcpServers.get(id);
          const there = livePermissionsOn(held, server?.project ?? '');
          const onServer = closure(
            names.filter((name) => there.has(name)),
            exists,
            'mcp_server',
          );
          const callable =
            server?.enabled === true && exists.projects.has(server.project) && onServer.size > 0;
          const shown = result.mcpServers.find((candidate) => candidate.id === id);
          expect(shown !== undefined).toBe(callable);
          if (shown) expect(new Set(shown.actions)).toEqual(onServer);
        }
      }),
      // Ten thousand: within both, and nothing of either for an empty set, follow from this one.
      { numRuns: 10_000 },
    );
  });

  test('granting more never takes anything away', () => {
    fc.assert(
      fc.property(granted, granted, live, world, (said, also, held, exists) => {
        const before = facts(effective(said, held, exists, noLimits));
        const after = facts(effective(moreGranted(said, also), held, exists, noLimits));
        expect([...before].filter((fact) => !after.has(fact))).toEqual([]);
      }),
      runs,
    );
  });

  test('holding more never takes anything away', () => {
    fc.assert(
      fc.property(granted, live, live, world, (said, held, also, exists) => {
        const before = facts(effective(said, held, exists, noLimits));
        const after = facts(effective(said, moreLive(held, also), exists, noLimits));
        expect([...before].filter((fact) => !after.has(fact))).toEqual([]);
      }),
      runs,
    );
  });

  test('an empty set never means all: no capability, no project, no role and no server give none', () => {
    fc.assert(
      fc.property(granted, live, world, (said, held, exists) => {
        const noCapability = effective({ ...said, capabilities: [], roles: [] }, held, exists, noLimits);
        expect(noCapability.organization).toEqual([]);
        expect(noCapability.projects.every(({ actions }) => actions.length === 0)).toBe(true);
        expect(noCapability.mcpServers).toEqual([]);
        expect(effective({ ...said, projects: [] }, held, exists, noLimits).projects).toEqual([]);
        expect(effective({ ...said, mcpServers: [] }, held, exists, noLimits).mcpServers).toEqual([]);
        const noRole = { ...said, projects: said.projects.map(({ id }) => ({ id, roles: [] })) };
        for (const { roles, actions } of effective(noRole, held, exists, noLimits).projects) {
          expect([roles, actions]).toEqual([[], []]);
        }
        const holdsNothing = { ...held, organization: new Set<string>(), projects: new Map() };
        expect(isEmpty(effective(said, holdsNothing, exists, noLimits))).toBe(true);
      }),
      runs,
    );
  });

  test('an unknown name drops: it changes neither what holds nor what is withheld', () => {
    fc.assert(
      fc.property(granted, live, world, fc.string(), (said, held, exists, unknown) => {
        fc.pre(!exists.catalogue.has(unknown) && !exists.roles.has(unknown));
        const also: Granted = {
          ...said,
          capabilities: [unknown, ...said.capabilities, unknown],
          roles: [unknown, ...said.roles],
          projects: said.projects.map(({ id, roles }) => ({ id, roles: [unknown, ...roles] })),
        };
        expect(effective(also, held, exists, noLimits)).toEqual(effective(said, held, exists, noLimits));
      }),
      runs,
    );
  });

  test('nothing holds for an owner or an authorization that is not active', () => {
    fc.assert(
      fc.property(granted, live, world, (said, held, exists) => {
        fc.pre(said.standing !== 'active' || held.status !== 'active');
        expect(isEmpty(effective(said, held, exists, noLimits))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('everything that was granted either holds or is withheld, with one reason', () => {
    fc.assert(
      fc.property(granted, live, world, (said, held, exists) => {
        fc.pre(said.standing === 'active');
        const result = effective(said, held, exists, noLimits);
        const holds = facts(result);
        const keys = result.withheld.map(({ dimension, identifier, capability }) =>
          [dimension === 'capability' ? 'organization' : dimension, identifier, capability]
            .filter((part) => part !== undefined)
            .join(' '),
        );
        const why = new Set(keys);
        expect(why.size).toBe(keys.length);
        expect(keys.filter((key) => holds.has(key))).toEqual([]);
        const names = saidBy(said, exists);
        const boundAt = (bound: Bound) => names.filter((name) => exists.catalogue.get(name)?.bound === bound);
        const explained = (key: string) => expect(holds.has(key) || why.has(key)).toBe(true);
        for (const name of boundAt('organization')) explained(`organization ${name}`);
        for (const { id } of said.projects) {
          explained(`project ${id}`);
          if (!why.has(`project ${id}`)) {
            for (const name of boundAt('project')) explained(`project ${id} ${name}`);
          }
        }
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

  test('capabilities come in catalogue order, projects and servers as picked, each once', () => {
    fc.assert(
      fc.property(granted, live, world, (said, held, exists) => {
        const result = effective(said, held, exists, noLimits);
        const ordered = [...exists.catalogue.keys()];
        for (const names of [
          result.organization,
          ...[...result.projects, ...result.mcpServers].map((it) => it.actions),
        ]) {
          expect(names).toEqual(ordered.filter((name) => names.includes(name)));
        }
        const projects = result.projects.map(({ id }) => id);
        const servers = result.mcpServers.map(({ id }) => id);
        const picked = [...new Set(said.projects.map(({ id }) => id))];
        expect(projects).toEqual(picked.filter((id) => projects.includes(id)));
        expect(servers).toEqual([...new Set(said.mcpServers)].filter((id) => servers.includes(id)));
      }),
      runs,
    );
  });

  test('it is total and leaves its arguments alone, whatever the names are', () => {
    const names = fc.array(
      fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', 'constructor', '')),
    );
    const hostile = fc.record({
      standing: fc.constant('active' as const),
      capabilities: names,
      roles: names,
      projects: fc.array(fc.record({ id: fc.string({ unit: 'binary' }), roles: names })),
      mcpServers: names,
    });
    fc.assert(
      fc.property(hostile, live, world, (said, held, exists) => {
        const copies = structuredClone([said, held, exists]);
        expect(() => effective(said, held, exists, noLimits)).not.toThrow();
        expect([said, held, exists]).toEqual(copies);
      }),
      { numRuns: 1000 },
    );
  });

  test('a hundred thousand picks and a chain of ten thousand implications are no trouble', () => {
    const many = Array.from({ length: 100_000 }, (_, index) => `x${index}`);
    const chain = Array.from({ length: 10_000 }, (_, index) => ({
      name: `x${index}`,
      bound: 'organization' as const,
      title: '',
      consequence: '',
      sensitive: false,
      implies: [`x${(index + 1) % 10_000}`],
    }));
    const exists: World = {
      catalogue: new Map(chain.map((capability) => [capability.name, capability])),
      projects: new Map(),
      mcpServers: new Map(),
      roles: new Map(),
    };
    const said: Granted = {
      standing: 'active',
      capabilities: ['x7'],
      roles: many,
      projects: many.map((id) => ({ id, roles: [id] })),
      mcpServers: many,
    };
    const held: Live = { status: 'active', organization: new Set(['x7']), projects: new Map() };
    const result = effective(said, held, exists, noLimits);
    expect(result.organization).toHaveLength(10_000);
    expect(result.withheld).toHaveLength(200_000);
  });
});
