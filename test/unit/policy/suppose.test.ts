import { expect, test } from '@jest/globals';
import { effective } from '../../../src/policy/effective.ts';
import { noLimits } from '../../../src/policy/limits.ts';
import { type Lost, lostBetween, type Supposition, suppose } from '../../../src/policy/suppose.ts';
import type { Granted } from '../../../src/policy/vocabulary.ts';
import * as acme from './acme.ts';

const owner = {
  id: 'usr_editor',
  live: acme.live,
  assigned: {
    organization: ['rol_member'],
    projects: new Map([
      ['prj_atlas', ['rol_editor']],
      ['prj_borealis', ['rol_viewer']],
    ]),
  },
};

function lost(supposition: Supposition, granted: Granted = acme.granted): Lost[] {
  const after = suppose(supposition, owner, acme.world);
  return lostBetween(
    effective(granted, owner.live, acme.world, noLimits),
    effective(granted, after.live, after.world, noLimits),
  );
}

const all: Lost[] = [
  { dimension: 'capability', identifier: 'api' },
  { dimension: 'project', identifier: 'prj_atlas' },
  { dimension: 'mcp_server', identifier: 'mcp_atlas' },
];

test.each<[string, Supposition, Lost[]]>([
  ['suspending the owner takes everything', { kind: 'user_suspended', user: 'usr_editor' }, all],
  ['suspending somebody else takes nothing', { kind: 'user_suspended', user: 'usr_other' }, []],
  [
    'taking the role on a project takes the project and its servers',
    { kind: 'role_unassigned', user: 'usr_editor', role: 'rol_editor', project: 'prj_atlas' },
    all.slice(1),
  ],
  [
    'taking a role on another project takes nothing',
    { kind: 'role_unassigned', user: 'usr_editor', role: 'rol_viewer', project: 'prj_borealis' },
    [],
  ],
  [
    'taking the role on the organization takes what it alone gave',
    { kind: 'role_unassigned', user: 'usr_editor', role: 'rol_member', project: null },
    all.slice(0, 1),
  ],
  [
    'taking a permission out of a role takes it wherever the role gave it',
    { kind: 'role_changed', role: 'rol_editor', permissions: ['api', 'mcp'] },
    [{ dimension: 'project', identifier: 'prj_atlas', capability: 'flows:edit' }],
  ],
  [
    'changing a role that does not exist takes nothing',
    { kind: 'role_changed', role: 'rol_none', permissions: [] },
    [],
  ],
  [
    'deleting a project takes its servers too',
    { kind: 'project_deleted', project: 'prj_atlas' },
    all.slice(1),
  ],
  [
    'disabling a server takes that server',
    { kind: 'mcp_server_disabled', mcpServer: 'mcp_atlas' },
    all.slice(2),
  ],
])('%s', (_, supposition, expected) => {
  expect(lost(supposition)).toEqual(expected);
});

test('supposing leaves what is as it is', () => {
  const before = structuredClone(acme.world.roles);
  suppose({ kind: 'role_changed', role: 'rol_editor', permissions: [] }, owner, acme.world);
  expect(acme.world.roles).toEqual(before);
});
