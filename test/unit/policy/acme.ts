/** A small organization for the tables: the shipped catalogue, three roles, two projects, two MCP servers. */

import type { Capability, Granted, Live, World } from '../../../src/policy/vocabulary.ts';

const capability = (
  name: string,
  bound: Capability['bound'],
  implies: string[] = [],
): [string, Capability] => [name, { name, bound, title: name, consequence: name, sensitive: false, implies }];

export const catalogue = new Map([
  capability('mcp', 'mcp_server'),
  capability('api', 'organization'),
  capability('apps:view', 'organization'),
  capability('apps:admin', 'organization', ['apps:view']),
  capability('flows:edit', 'project'),
  capability('secrets:edit', 'project'),
  capability('endpoints:access', 'project'),
]);

const role = (slug: string, ...permissions: string[]) => ({
  slug,
  name: slug,
  permissions: new Set(permissions),
});
const editor = ['api', 'mcp', 'apps:view', 'flows:edit', 'endpoints:access', 'api-keys.create'];
const viewer = ['api', 'mcp', 'apps:view', 'api-keys.create'];

export const world: World = {
  catalogue,
  projects: new Map([
    ['prj_atlas', { slug: 'atlas', name: 'Atlas' }],
    ['prj_borealis', { slug: 'borealis', name: 'Borealis' }],
  ]),
  mcpServers: new Map([
    [
      'mcp_atlas',
      {
        name: 'atlas-flows',
        project: 'prj_atlas',
        resource: 'http://localhost:4100/mcp/atlas',
        enabled: true,
      },
    ],
    [
      'mcp_borealis',
      {
        name: 'borealis-reports',
        project: 'prj_borealis',
        resource: 'http://localhost:4100/mcp/borealis',
        enabled: true,
      },
    ],
  ]),
  roles: new Map([
    ['rol_member', role('member', 'api', 'apps:view', 'api-keys.create')],
    ['rol_viewer', role('viewer', ...viewer)],
    ['rol_editor', role('editor', ...editor)],
    ['rol_admin', role('admin', ...catalogue.keys(), 'users.manage')],
  ]),
};

/** Member of the organization, Editor on atlas, Viewer on borealis. */
export const live: Live = {
  status: 'active',
  organization: new Set(['api', 'apps:view', 'api-keys.create']),
  projects: new Map([
    ['prj_atlas', new Set(editor)],
    ['prj_borealis', new Set(viewer)],
  ]),
};

/** Editing flows on atlas and calling its server. */
export const granted: Granted = {
  standing: 'active',
  capabilities: ['api', 'flows:edit', 'mcp'],
  roles: [],
  projects: [{ id: 'prj_atlas', roles: ['rol_editor'] }],
  mcpServers: ['mcp_atlas'],
};
