import { describe, expect, test } from '@jest/globals';
import { effective } from '../../../src/policy/effective.ts';
import { noLimits } from '../../../src/policy/limits.ts';
import type { Granted, Live, Withheld, World } from '../../../src/policy/vocabulary.ts';
import { catalogue, granted, live, world } from './acme.ts';

const nothing = { organization: [], projects: [], mcpServers: [] };
const onAtlas = (...permissions: string[]): Live => ({
  ...live,
  projects: new Map([['prj_atlas', new Set(permissions)]]),
});
const without = <Facts>(rows: ReadonlyMap<string, Facts>, id: string) =>
  new Map([...rows].filter(([key]) => key !== id));
const disabled: World = {
  ...world,
  mcpServers: new Map(Array.from(world.mcpServers, ([id, facts]) => [id, { ...facts, enabled: false }])),
};

describe('what holds', () => {
  test('everything that was granted holds while the owner holds it all', () => {
    expect(effective(granted, live, world, noLimits)).toEqual({
      organization: ['api'],
      projects: [{ id: 'prj_atlas', slug: 'atlas', roles: ['editor'], actions: ['flows:edit'] }],
      mcpServers: [
        {
          id: 'mcp_atlas',
          name: 'atlas-flows',
          project: 'prj_atlas',
          resource: 'http://localhost:4100/mcp/atlas',
          actions: ['mcp'],
        },
      ],
      withheld: [],
    });
  });

  test('an organization assignment holds on every project', () => {
    const owner: Live = { status: 'active', organization: new Set(catalogue.keys()), projects: new Map() };
    expect(effective(granted, owner, world, noLimits).projects[0]?.actions).toEqual(['flows:edit']);
  });

  test('a right on one project gives nothing on another', () => {
    const picked = { ...granted, projects: [{ id: 'prj_borealis', roles: ['rol_editor'] }] };
    expect(effective(picked, live, world, noLimits).projects[0]?.actions).toEqual([]);
  });

  test('an organization-bounded capability that is held on a project alone does not hold', () => {
    const picked = { ...granted, capabilities: ['api'] };
    expect(effective(picked, { ...live, organization: new Set() }, world, noLimits).organization).toEqual([]);
  });

  test('being a member of the organization is no access to a project', () => {
    const outsider: Live = { ...live, projects: new Map() };
    expect(effective(granted, outsider, world, noLimits).projects).toEqual([]);
  });

  test('a project without any capability stays, with no actions', () => {
    const picked = { ...granted, capabilities: ['api'] };
    expect(effective(picked, live, world, noLimits).projects).toEqual([
      { id: 'prj_atlas', slug: 'atlas', roles: ['editor'], actions: [] },
    ]);
  });

  test('a project picked without a role gives no action', () => {
    const picked = { ...granted, projects: [{ id: 'prj_atlas', roles: [] }] };
    expect(effective(picked, live, world, noLimits).projects).toEqual([
      { id: 'prj_atlas', slug: 'atlas', roles: [], actions: [] },
    ]);
  });

  test('a role that the owner no longer covers whole is not named, its other rights still hold', () => {
    const picked = { ...granted, projects: [{ id: 'prj_atlas', roles: ['rol_admin', 'rol_viewer'] }] };
    expect(effective(picked, live, world, noLimits).projects).toEqual([
      { id: 'prj_atlas', slug: 'atlas', roles: ['viewer'], actions: ['flows:edit'] },
    ]);
  });

  test('a project picked twice is one project with the roles of both', () => {
    const projects = ['rol_viewer', 'rol_editor', 'rol_viewer'].map((role) => ({
      id: 'prj_atlas',
      roles: [role],
    }));
    expect(effective({ ...granted, projects }, live, world, noLimits).projects).toEqual([
      { id: 'prj_atlas', slug: 'atlas', roles: ['viewer', 'editor'], actions: ['flows:edit'] },
    ]);
  });

  test('what a capability implies is added after the intersection', () => {
    const admin: Live = { ...live, organization: new Set(['apps:admin']) };
    const picked = { ...granted, capabilities: ['apps:admin'] };
    expect(effective(picked, admin, world, noLimits).organization).toEqual(['apps:view', 'apps:admin']);
    expect(effective(picked, live, world, noLimits).organization).toEqual([]);
  });

  test('a capability never implies one that is bounded elsewhere', () => {
    const flows = { ...catalogue.get('flows:edit')!, implies: ['apps:admin', 'mcp'] };
    const crossed: World = { ...world, catalogue: new Map([...catalogue, ['flows:edit', flows]]) };
    const picked = { ...granted, capabilities: ['flows:edit'] };
    expect(effective(picked, live, crossed, noLimits)).toMatchObject({
      organization: [],
      projects: [{ actions: ['flows:edit'] }],
      mcpServers: [],
    });
  });

  test('an organization role adds its capabilities to a key, bounded by what the owner holds', () => {
    const key: Granted = { ...granted, capabilities: [], roles: ['rol_admin', 'rol_gone'] };
    expect(effective(key, live, world, noLimits)).toMatchObject({
      organization: ['api', 'apps:view'],
      projects: [{ actions: ['flows:edit', 'endpoints:access'] }],
      mcpServers: [{ id: 'mcp_atlas' }],
    });
  });

  test('an organization role changes the key the moment it is edited', () => {
    const key: Granted = { ...granted, capabilities: [], roles: ['rol_member'] };
    const emptied = new Map(world.roles).set('rol_member', {
      slug: 'member',
      name: 'Member',
      permissions: new Set(),
    });
    expect(effective(key, live, world, noLimits).organization).toEqual(['api', 'apps:view']);
    expect(effective(key, live, { ...world, roles: emptied }, noLimits).organization).toEqual([]);
  });

  test('a replaced catalogue may bound other capabilities at MCP servers', () => {
    const write = { ...catalogue.get('mcp')!, name: 'mcp:write', implies: ['mcp'] };
    const replaced: World = { ...world, catalogue: new Map([...catalogue, ['mcp:write', write]]) };
    const picked = { ...granted, capabilities: ['mcp:write'] };
    expect(effective(picked, onAtlas('mcp:write'), replaced, noLimits).mcpServers[0]?.actions).toEqual([
      'mcp',
      'mcp:write',
    ]);
  });

  test.each(['revoked', 'expired', 'suspended'] as const)(
    'an authorization that is %s gives nothing and explains nothing',
    (standing) => {
      expect(effective({ ...granted, standing }, live, world, noLimits)).toEqual({
        ...nothing,
        withheld: [],
      });
      expect(effective({ ...granted, standing }, { ...live, status: 'suspended' }, world, noLimits)).toEqual({
        ...nothing,
        withheld: [],
      });
    },
  );
});

describe('why it is withheld', () => {
  const only = (part: Partial<Granted>): Granted => ({
    standing: 'active',
    capabilities: [],
    roles: [],
    projects: [],
    mcpServers: [],
    ...part,
  });
  const atlas = [{ id: 'prj_atlas', roles: ['rol_editor'] }];
  const rows: [sentence: string, granted: Granted, live: Live, world: World, withheld: Withheld[]][] = [
    [
      'an organization-bounded capability that the owner does not hold is capability_not_held',
      only({ capabilities: ['apps:admin'] }),
      live,
      world,
      [{ dimension: 'capability', identifier: 'apps:admin', reason: 'capability_not_held' }],
    ],
    [
      'a capability of an organization role that the owner does not hold is capability_not_held',
      only({ roles: ['rol_member'] }),
      { ...live, organization: new Set(['api']) },
      world,
      [{ dimension: 'capability', identifier: 'apps:view', reason: 'capability_not_held' }],
    ],
    [
      'a capability that comes back by implication is not withheld',
      only({ capabilities: ['apps:admin', 'apps:view'] }),
      { ...live, organization: new Set(['apps:admin']) },
      world,
      [],
    ],
    [
      'a capability that the catalogue does not list drops in silence',
      only({ capabilities: ['gone:edit'] }),
      live,
      world,
      [],
    ],
    ['a management permission drops in silence', only({ capabilities: ['users.manage'] }), live, world, []],
    [
      'a project that no longer exists is project_deleted, once',
      only({ capabilities: ['flows:edit', 'endpoints:access'], projects: [...atlas, ...atlas] }),
      live,
      { ...world, projects: without(world.projects, 'prj_atlas') },
      [{ dimension: 'project', identifier: 'prj_atlas', reason: 'project_deleted' }],
    ],
    [
      'a project that the owner was moved off is owner_lost_access, once',
      only({ capabilities: ['flows:edit', 'endpoints:access'], projects: atlas }),
      { ...live, projects: new Map() },
      world,
      [{ dimension: 'project', identifier: 'prj_atlas', reason: 'owner_lost_access' }],
    ],
    [
      'a capability that no picked role holds is role_capped',
      only({ capabilities: ['flows:edit'], projects: [{ id: 'prj_atlas', roles: ['rol_viewer'] }] }),
      live,
      world,
      [
        {
          dimension: 'project',
          identifier: 'prj_atlas',
          capability: 'flows:edit',
          reason: 'role_capped',
        },
      ],
    ],
    [
      'a capability whose picked role no longer exists is role_capped',
      only({ capabilities: ['flows:edit'], projects: [{ id: 'prj_atlas', roles: ['rol_gone'] }] }),
      live,
      world,
      [
        {
          dimension: 'project',
          identifier: 'prj_atlas',
          capability: 'flows:edit',
          reason: 'role_capped',
        },
      ],
    ],
    [
      'a capability that a picked role holds and the owner does not is capability_not_held',
      only({ capabilities: ['flows:edit'], projects: [{ id: 'prj_borealis', roles: ['rol_editor'] }] }),
      live,
      world,
      [
        {
          dimension: 'project',
          identifier: 'prj_borealis',
          capability: 'flows:edit',
          reason: 'capability_not_held',
        },
      ],
    ],
    [
      'a capability that neither a picked role nor the owner holds is role_capped',
      only({ capabilities: ['secrets:edit'], projects: atlas }),
      live,
      world,
      [
        {
          dimension: 'project',
          identifier: 'prj_atlas',
          capability: 'secrets:edit',
          reason: 'role_capped',
        },
      ],
    ],
    [
      'an MCP server that does not exist is mcp_server_disabled',
      only({ capabilities: ['mcp'], mcpServers: ['mcp_gone'] }),
      live,
      world,
      [{ dimension: 'mcp_server', identifier: 'mcp_gone', reason: 'mcp_server_disabled' }],
    ],
    [
      'an MCP server that is switched off is mcp_server_disabled',
      only({ capabilities: ['mcp'], mcpServers: ['mcp_atlas', 'mcp_atlas'] }),
      live,
      disabled,
      [{ dimension: 'mcp_server', identifier: 'mcp_atlas', reason: 'mcp_server_disabled' }],
    ],
    [
      'an MCP server whose project no longer exists is project_deleted, even when switched off',
      only({ capabilities: ['mcp'], mcpServers: ['mcp_atlas'] }),
      live,
      { ...disabled, projects: new Map() },
      [{ dimension: 'mcp_server', identifier: 'mcp_atlas', reason: 'project_deleted' }],
    ],
    [
      'an MCP server on a project that the owner was moved off is owner_lost_access',
      only({ capabilities: ['mcp'], mcpServers: ['mcp_atlas'] }),
      { ...live, projects: new Map() },
      world,
      [{ dimension: 'mcp_server', identifier: 'mcp_atlas', reason: 'owner_lost_access' }],
    ],
    [
      'an MCP server picked without mcp is capability_not_held',
      only({ capabilities: ['api'], mcpServers: ['mcp_atlas'] }),
      live,
      world,
      [
        {
          dimension: 'mcp_server',
          identifier: 'mcp_atlas',
          capability: 'mcp',
          reason: 'capability_not_held',
        },
      ],
    ],
    [
      'an MCP server whose owner lost mcp but not the project is capability_not_held',
      only({ capabilities: ['mcp'], mcpServers: ['mcp_atlas'] }),
      onAtlas('flows:edit'),
      world,
      [
        {
          dimension: 'mcp_server',
          identifier: 'mcp_atlas',
          capability: 'mcp',
          reason: 'capability_not_held',
        },
      ],
    ],
    [
      'an MCP server under a catalogue that bounds nothing at servers is capability_not_held',
      only({ capabilities: ['mcp'], mcpServers: ['mcp_atlas'] }),
      live,
      { ...world, catalogue: without(catalogue, 'mcp') },
      [{ dimension: 'mcp_server', identifier: 'mcp_atlas', reason: 'capability_not_held' }],
    ],
    [
      'everything of a suspended owner is owner_suspended',
      granted,
      { ...live, status: 'suspended' },
      world,
      [
        { dimension: 'capability', identifier: 'mcp', reason: 'owner_suspended' },
        { dimension: 'capability', identifier: 'api', reason: 'owner_suspended' },
        { dimension: 'capability', identifier: 'flows:edit', reason: 'owner_suspended' },
        { dimension: 'project', identifier: 'prj_atlas', reason: 'owner_suspended' },
        { dimension: 'mcp_server', identifier: 'mcp_atlas', reason: 'owner_suspended' },
      ],
    ],
  ];

  test.each(rows)('%s', (_sentence, said, held, exists, withheld) => {
    const result = effective(said, held, exists, noLimits);
    expect(result.withheld).toEqual(withheld);
    for (const { dimension, identifier, capability } of withheld) {
      if (capability !== undefined || dimension === 'capability') {
        expect(result.organization).not.toContain(capability ?? identifier);
      } else {
        expect([...result.projects, ...result.mcpServers].map(({ id }) => id)).not.toContain(identifier);
      }
    }
  });
});
