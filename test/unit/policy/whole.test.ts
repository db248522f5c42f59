import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { effective } from '../../../src/policy/effective.ts';
import { noLimits } from '../../../src/policy/limits.ts';
import { hasProjectAccess, livePermissionsOn } from '../../../src/policy/live-permissions.ts';
import type { Live, World } from '../../../src/policy/vocabulary.ts';
import { type AssignedRoles, wholeOf } from '../../../src/policy/whole.ts';
import * as acme from './acme.ts';
import { projectIds, roleIds, world } from './arbitraries.ts';

const assigned: fc.Arbitrary<AssignedRoles> = fc.record({
  organization: fc.array(fc.constantFrom(...roleIds), { maxLength: 3 }),
  projects: fc
    .array(fc.tuple(fc.constantFrom(...projectIds), fc.array(fc.constantFrom(...roleIds), { maxLength: 3 })))
    .map((entries) => new Map(entries)),
});

/** What the assignments amount to: the directory's part, in two lines. */
function liveOf(roles: AssignedRoles, exists: World): Live {
  const union = (ids: readonly string[]) =>
    new Set(ids.flatMap((id) => [...(exists.roles.get(id)?.permissions ?? [])]));
  const projects = new Map(Array.from(roles.projects, ([id, ids]) => [id, union(ids)]));
  return { status: 'active', organization: union(roles.organization), projects };
}

test('the whole of an owner reaches all that it holds, on every bound', () => {
  fc.assert(
    fc.property(world, assigned, (exists, roles) => {
      const held = liveOf(roles, exists);
      const result = effective(wholeOf(held, exists, roles), held, exists, noLimits);
      const holding = (names: ReadonlySet<string>, bound: string) =>
        [...exists.catalogue.values()]
          .filter((it) => it.bound === bound && names.has(it.name))
          .map((it) => it.name);
      expect(result.organization).toEqual(expect.arrayContaining(holding(held.organization, 'organization')));
      for (const id of exists.projects.keys()) {
        const project = result.projects.find((candidate) => candidate.id === id);
        expect(project !== undefined).toBe(hasProjectAccess(held, id, exists.catalogue));
        if (project === undefined) continue;
        expect(project.actions).toEqual(
          expect.arrayContaining(holding(livePermissionsOn(held, id), 'project')),
        );
      }
      for (const [id, { enabled, project }] of exists.mcpServers) {
        const callable = holding(livePermissionsOn(held, project), 'mcp_server');
        const server = result.mcpServers.find((candidate) => candidate.id === id);
        expect(server !== undefined).toBe(enabled && exists.projects.has(project) && callable.length > 0);
        if (server) expect(server.actions).toEqual(expect.arrayContaining(callable));
      }
    }),
    { numRuns: 2000 },
  );
});

test('without implications, the whole of an owner is exactly what it holds', () => {
  fc.assert(
    fc.property(world, assigned, (arbitrary, roles) => {
      const plain = Array.from(arbitrary.catalogue, ([name, it]) => [name, { ...it, implies: [] }] as const);
      const exists = { ...arbitrary, catalogue: new Map(plain) };
      const held = liveOf(roles, exists);
      const result = effective(wholeOf(held, exists, roles), held, exists, noLimits);
      const bounded = (names: ReadonlySet<string>, bound: string) =>
        plain.filter(([name, it]) => it.bound === bound && names.has(name)).map(([name]) => name);
      expect(result.organization).toEqual(bounded(held.organization, 'organization'));
      for (const { id, actions } of result.projects) {
        expect(actions).toEqual(bounded(livePermissionsOn(held, id), 'project'));
      }
      for (const { project, actions } of result.mcpServers) {
        expect(actions).toEqual(bounded(livePermissionsOn(held, project), 'mcp_server'));
      }
    }),
    { numRuns: 1000 },
  );
});

test('a project carries the roles assigned on it and those assigned on the organization', () => {
  const roles = {
    organization: ['rol_member'],
    projects: new Map([['prj_atlas', ['rol_editor', 'rol_member']]]),
  };
  expect(
    wholeOf({ ...acme.live, projects: new Map([['prj_atlas', new Set(['mcp'])]]) }, acme.world, roles),
  ).toEqual({
    standing: 'active',
    capabilities: ['mcp', 'api', 'apps:view'],
    roles: [],
    projects: [{ id: 'prj_atlas', roles: ['rol_editor', 'rol_member'] }],
    mcpServers: ['mcp_atlas'],
  });
});

test('the whole of a suspended owner gives nothing', () => {
  const suspended: Live = { ...acme.live, status: 'suspended' };
  const whole = wholeOf(suspended, acme.world, { organization: ['rol_admin'], projects: new Map() });
  expect(effective(whole, suspended, acme.world, noLimits)).toMatchObject({
    organization: [],
    projects: [],
    mcpServers: [],
  });
});
