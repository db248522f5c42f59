import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { effective } from '../../../src/policy/effective.ts';
import { noLimits } from '../../../src/policy/limits.ts';
import type { Granted, Live } from '../../../src/policy/vocabulary.ts';
import { why } from '../../../src/policy/why.ts';
import * as acme from './acme.ts';
import { granted as anyGranted, live as anyLive, world as anyWorld } from './arbitraries.ts';

const ask = (capability: string, on?: string, granted: Granted = acme.granted, live: Live = acme.live) =>
  why({ capability, on }, granted, effective(granted, live, acme.world, noLimits), acme.world);

test.each([
  ['an organization capability that is granted and held', ask('api'), { allowed: true, rule: 'holds' }],
  ['a project capability where it holds', ask('flows:edit', 'prj_atlas'), { allowed: true, rule: 'holds' }],
  ['a server that is picked', ask('mcp', 'mcp_atlas'), { allowed: true, rule: 'holds' }],
  [
    'a project that was not picked',
    ask('flows:edit', 'prj_borealis'),
    { allowed: false, rule: 'not_picked' },
  ],
  ['a project capability without a project', ask('flows:edit'), { allowed: false, rule: 'place_needed' }],
  [
    'a capability that was not granted',
    ask('secrets:edit', 'prj_atlas'),
    { allowed: false, rule: 'not_granted' },
  ],
  ['a capability that is in no catalogue', ask('no:such'), { allowed: false, rule: 'unknown_capability' }],
  [
    'a suspended authorization',
    ask('api', undefined, { ...acme.granted, standing: 'suspended' }),
    { allowed: false, rule: 'suspended' },
  ],
  [
    'a suspended owner',
    ask('flows:edit', 'prj_atlas', acme.granted, { ...acme.live, status: 'suspended' }),
    { allowed: false, rule: 'owner_suspended' },
  ],
  [
    'a role that does not hold it',
    ask('flows:edit', 'prj_atlas', {
      ...acme.granted,
      projects: [{ id: 'prj_atlas', roles: ['rol_viewer'] }],
    }),
    { allowed: false, rule: 'role_capped' },
  ],
  [
    'an owner who lost the project',
    ask('flows:edit', 'prj_atlas', acme.granted, { ...acme.live, projects: new Map() }),
    { allowed: false, rule: 'owner_lost_access' },
  ],
  [
    'a capability that comes with another one',
    ask(
      'apps:view',
      undefined,
      { ...acme.granted, capabilities: ['apps:admin'] },
      { ...acme.live, organization: new Set(['apps:admin']) },
    ),
    { allowed: true, rule: 'implied' },
  ],
  [
    'a capability whose source is not held',
    ask('apps:view', undefined, { ...acme.granted, capabilities: ['apps:admin'] }),
    { allowed: false, rule: 'capability_not_held' },
  ],
])('explains %s', (_, answer, expected) => {
  expect(answer).toEqual(expected);
});

test('allows exactly what the rule allows, for any authorization, owner and world', () => {
  fc.assert(
    fc.property(anyGranted, anyLive, anyWorld, (granted, live, world) => {
      const now = effective(granted, live, world, noLimits);
      for (const [capability, { bound }] of world.catalogue) {
        const places =
          bound === 'organization' ? [undefined] : [...world.projects.keys(), ...world.mcpServers.keys()];
        for (const on of places) {
          const holds =
            bound === 'organization'
              ? now.organization
              : ((bound === 'project' ? now.projects : now.mcpServers).find(({ id }) => id === on)?.actions ??
                []);
          expect(why({ capability, on }, granted, now, world).allowed).toBe(holds.includes(capability));
        }
      }
    }),
    { numRuns: 500 },
  );
});
