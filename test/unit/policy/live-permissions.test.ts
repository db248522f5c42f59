import { expect, test } from '@jest/globals';
import { hasProjectAccess, holdsOn, livePermissionsOn } from '../../../src/policy/live-permissions.ts';
import type { Live } from '../../../src/policy/vocabulary.ts';
import { catalogue, live } from './acme.ts';

test('what is held on a project is what is held on it and on the organization', () => {
  const held: Live = {
    status: 'active',
    organization: new Set(['api']),
    projects: new Map([['prj_atlas', new Set(['mcp'])]]),
  };
  expect(livePermissionsOn(held, 'prj_atlas')).toEqual(new Set(['api', 'mcp']));
  expect(livePermissionsOn(held, 'prj_borealis')).toEqual(new Set(['api']));
  expect(holdsOn(held, 'prj_atlas', 'api')).toBe(true);
  expect(holdsOn(held, 'prj_borealis', 'mcp')).toBe(false);
});

test('an organization-bounded right is no access to a project', () => {
  expect(hasProjectAccess({ ...live, projects: new Map() }, 'prj_atlas', catalogue)).toBe(false);
});

test.each(['mcp', 'flows:edit'])('%s on the project, or on the organization, is access to it', (name) => {
  const onProject: Live = {
    status: 'active',
    organization: new Set(),
    projects: new Map([['prj_atlas', new Set([name])]]),
  };
  expect(hasProjectAccess(onProject, 'prj_atlas', catalogue)).toBe(true);
  expect(hasProjectAccess(onProject, 'prj_borealis', catalogue)).toBe(false);
  const everywhere: Live = { status: 'active', organization: new Set([name]), projects: new Map() };
  expect(hasProjectAccess(everywhere, 'prj_borealis', catalogue)).toBe(true);
});
