import { describe, expect, test } from '@jest/globals';
import { describeEffect } from '../../../src/account/change-words.ts';
import { effectsOf } from '../../../src/account/effect.ts';
import { effective } from '../../../src/policy/effective.ts';
import type { Slice } from '../../../src/policy/key-decision.ts';
import { noLimits } from '../../../src/policy/limits.ts';
import type { Live } from '../../../src/policy/vocabulary.ts';
import { messages } from '../../support/sample-pages.ts';
import { live, world } from '../policy/acme.ts';

const words = messages.words('en');
const slice: Slice = {
  capabilities: ['api', 'flows:edit', 'mcp'],
  roles: [],
  projects: [{ id: 'prj_atlas', roles: ['rol_admin'] }],
  mcpServers: ['mcp_atlas'],
};
const holds = (granted: Slice, owner: Live = live) =>
  effective({ standing: 'active', ...granted }, owner, world, noLimits);
const effects = (granted: Slice, owner: Live = live) =>
  effectsOf({
    granted,
    effective: holds(granted, owner),
    world,
    ownerRoles: new Map([['prj_atlas', 'Editor']]),
    reader: 'owner',
    words,
  });

describe('granted and effective, side by side', () => {
  test('a role above the owner’s own: granted Admin, effective Editor, and why', () => {
    expect(effects(slice).projects.get('prj_atlas')).toEqual({
      tone: 'partly',
      granted: 'admin',
      effective: 'Editor',
      reasons: ['You are Editor in atlas now.'],
    });
  });

  test('what holds has no reason', () => {
    const { capabilities, mcpServers } = effects(slice);
    expect(capabilities.get('api')).toEqual({ tone: 'held', granted: 'yes', effective: 'yes', reasons: [] });
    expect(capabilities.get('flows:edit')).toMatchObject({ tone: 'held', effective: 'in atlas' });
    expect(mcpServers.get('mcp_atlas')).toMatchObject({ tone: 'held' });
  });

  test('lost access is said of the project, the server and the capability', () => {
    const away = { ...live, projects: new Map() };
    const { capabilities, projects, mcpServers } = effects(slice, away);
    const reasons = ['You have no access to atlas at the moment.'];
    expect(projects.get('prj_atlas')).toMatchObject({ tone: 'withheld', effective: 'nothing', reasons });
    expect(mcpServers.get('mcp_atlas')?.tone).toBe('withheld');
    expect(capabilities.get('flows:edit')).toMatchObject({ tone: 'withheld', effective: 'nowhere' });
  });

  test('a capability that comes with a role of a key says so, and one without a project says what is missing', () => {
    const { capabilities } = effects({ ...slice, capabilities: [], roles: ['rol_editor'], projects: [] });
    expect(capabilities.get('api')).toMatchObject({ granted: 'through a role', tone: 'held' });
    expect(capabilities.get('flows:edit')).toMatchObject({
      tone: 'withheld',
      reasons: ['No project is picked.'],
    });
  });
});

describe('what a change means', () => {
  const says = (before: Slice, after: Slice) =>
    describeEffect('Tool', holds(before), holds(after), world, words);

  test('a project, a capability and a server that are lost are named', () => {
    expect(says(slice, { ...slice, projects: [] })).toEqual(['Tool loses access to atlas at once.']);
    expect(says(slice, { ...slice, capabilities: ['api', 'mcp'] })).toEqual([
      'Tool can no longer use “flows:edit” in atlas, at once.',
    ]);
    expect(says(slice, { ...slice, mcpServers: [] })).toEqual([
      'Tool can no longer call atlas-flows, at once.',
    ]);
  });

  test('what is gained is named, and what is not effective is not', () => {
    expect(says({ ...slice, projects: [] }, slice)).toEqual([
      'Tool can use “flows:edit” in atlas from now on.',
    ]);
    expect(says(slice, { ...slice, capabilities: [...slice.capabilities, 'secrets:edit'] })).toEqual([
      'Tool can do what it could before.',
    ]);
  });
});
