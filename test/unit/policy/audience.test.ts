import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Guarded, seenBy } from '../../../src/policy/audience.ts';
import { effective } from '../../../src/policy/effective.ts';
import { noLimits } from '../../../src/policy/limits.ts';
import * as acme from './acme.ts';
import { granted, guarded, live, world } from './arbitraries.ts';

const api: Guarded = { api: true, mcpServers: new Set() };
const gateway = (...ids: string[]): Guarded => ({ api: false, mcpServers: new Set(ids) });
const said = {
  ...acme.granted,
  capabilities: ['flows:edit', 'mcp', 'api', 'apps:admin'],
  projects: [
    { id: 'prj_atlas', roles: ['rol_editor'] },
    { id: 'prj_borealis', roles: ['rol_viewer'] },
  ],
};
const result = effective(said, acme.live, acme.world, noLimits);
const lost = { dimension: 'capability', identifier: 'apps:admin', reason: 'capability_not_held' };
const capped = {
  dimension: 'project',
  identifier: 'prj_borealis',
  capability: 'flows:edit',
  reason: 'role_capped',
};

describe('what one resource server sees', () => {
  test('the API sees the organization and every project, and no MCP server', () => {
    expect(seenBy(result, api, acme.catalogue)).toEqual({
      scope: ['api', 'flows:edit'],
      projects: result.projects,
      mcpServers: [],
      withheld: [lost, capped],
    });
  });

  test('a gateway sees its own servers with their projects, and nothing of the organization', () => {
    expect(seenBy(result, gateway('mcp_atlas', 'mcp_borealis'), acme.catalogue)).toEqual({
      scope: ['mcp', 'flows:edit'],
      projects: [result.projects[0]],
      mcpServers: result.mcpServers,
      withheld: [],
    });
  });

  test('a gateway learns nothing of a server that is not its own', () => {
    expect(seenBy(result, gateway('mcp_borealis'), acme.catalogue)).toBeUndefined();
  });

  test('a gateway whose every server is withheld is left with nothing, not with reasons', () => {
    const moved = effective(said, { ...acme.live, projects: new Map() }, acme.world, noLimits);
    expect(seenBy(moved, gateway('mcp_atlas'), acme.catalogue)).toBeUndefined();
  });

  test('a gateway is told why another of its servers is withheld', () => {
    const both = { ...said, mcpServers: ['mcp_atlas', 'mcp_gone'] };
    const seen = seenBy(
      effective(both, acme.live, acme.world, noLimits),
      gateway('mcp_atlas', 'mcp_gone'),
      acme.catalogue,
    );
    expect(seen?.withheld).toEqual([
      { dimension: 'mcp_server', identifier: 'mcp_gone', reason: 'mcp_server_disabled' },
    ]);
  });

  test('a gateway is told what is withheld on the project of its server', () => {
    const capped = { ...said, projects: [{ id: 'prj_atlas', roles: ['rol_viewer'] }] };
    const seen = seenBy(
      effective(capped, acme.live, acme.world, noLimits),
      gateway('mcp_atlas'),
      acme.catalogue,
    );
    expect(seen?.scope).toEqual(['mcp']);
    expect(seen?.withheld).toEqual([
      { dimension: 'project', identifier: 'prj_atlas', capability: 'flows:edit', reason: 'role_capped' },
    ]);
  });

  test('one that serves both sees both', () => {
    expect(seenBy(result, { api: true, mcpServers: new Set(['mcp_atlas']) }, acme.catalogue)).toEqual({
      scope: ['mcp', 'api', 'flows:edit'],
      projects: result.projects,
      mcpServers: result.mcpServers,
      withheld: [lost, capped],
    });
  });

  test('picked projects on which nothing may be done are nothing that is left', () => {
    const nothing = {
      ...said,
      capabilities: ['flows:edit'],
      projects: [{ id: 'prj_borealis', roles: ['rol_viewer'] }],
    };
    const held = effective({ ...nothing, mcpServers: [] }, acme.live, acme.world, noLimits);
    expect(held.projects).toEqual([expect.objectContaining({ id: 'prj_borealis', actions: [] })]);
    expect(seenBy(held, api, acme.catalogue)).toBeUndefined();
    // With something beside them they are listed: the API may show them.
    const some = effective(
      { ...nothing, capabilities: ['api'], mcpServers: [] },
      acme.live,
      acme.world,
      noLimits,
    );
    expect(seenBy(some, api, acme.catalogue)).toMatchObject({ scope: ['api'], projects: held.projects });
  });

  test('one that serves nothing sees nothing', () => {
    expect(seenBy(result, gateway(), acme.catalogue)).toBeUndefined();
  });
});

describe('the laws of an audience', () => {
  test('what is seen is within what holds, and guarding nothing sees nothing', () => {
    fc.assert(
      fc.property(granted, live, world, guarded, (saidNow, held, exists, guards) => {
        const whole = effective(saidNow, held, exists, noLimits);
        const seen = seenBy(whole, guards, exists.catalogue);
        expect(seenBy(whole, gateway(), exists.catalogue)).toBeUndefined();
        if (seen === undefined) return;
        expect(seen.scope.length).toBeGreaterThan(0);
        const all = [...whole.projects, ...whole.mcpServers].flatMap(({ actions }) => actions);
        const names = new Set([...whole.organization, ...all]);
        expect(seen.scope.every((name) => names.has(name))).toBe(true);
        expect(whole.projects).toEqual(expect.arrayContaining([...seen.projects]));
        expect(whole.mcpServers).toEqual(expect.arrayContaining([...seen.mcpServers]));
        expect(whole.withheld).toEqual(expect.arrayContaining([...seen.withheld]));
        expect(seen.mcpServers.every(({ id }) => guards.mcpServers.has(id))).toBe(true);
        const actions = [...seen.projects, ...seen.mcpServers].flatMap((item) => item.actions);
        expect(actions.every((name) => seen.scope.includes(name))).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test('without the API, nothing is seen beyond the guarded servers and their projects', () => {
    fc.assert(
      fc.property(granted, live, world, guarded, (saidNow, held, exists, { mcpServers }) => {
        const whole = effective(saidNow, held, exists, noLimits);
        const seen = seenBy(whole, { api: false, mcpServers }, exists.catalogue);
        expect(seen !== undefined).toBe(whole.mcpServers.some(({ id }) => mcpServers.has(id)));
        if (seen === undefined) return;
        const homes = seen.mcpServers.map(({ project }) => project);
        expect(seen.projects.every(({ id }) => homes.includes(id))).toBe(true);
        expect(seen.scope.every((name) => exists.catalogue.get(name)?.bound !== 'organization')).toBe(true);
        for (const { dimension, identifier } of seen.withheld) {
          expect(dimension === 'project' ? homes : [...mcpServers]).toContain(identifier);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('guarding more never shows less', () => {
    fc.assert(
      fc.property(granted, live, world, guarded, guarded, (saidNow, held, exists, one, other) => {
        const whole = effective(saidNow, held, exists, noLimits);
        const both = {
          api: one.api || other.api,
          mcpServers: new Set([...one.mcpServers, ...other.mcpServers]),
        };
        const less = seenBy(whole, one, exists.catalogue);
        const more = seenBy(whole, both, exists.catalogue);
        if (less === undefined) return;
        expect(more?.scope).toEqual(expect.arrayContaining([...less.scope]));
        expect(more?.projects).toEqual(expect.arrayContaining([...less.projects]));
        expect(more?.mcpServers).toEqual(expect.arrayContaining([...less.mcpServers]));
      }),
      { numRuns: 1000 },
    );
  });
});
