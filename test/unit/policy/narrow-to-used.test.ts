import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { effective } from '../../../src/policy/effective.ts';
import type { Slice } from '../../../src/policy/key-decision.ts';
import { noLimits } from '../../../src/policy/limits.ts';
import { narrowToUsed, type Use } from '../../../src/policy/narrow-to-used.ts';
import type { Effective } from '../../../src/policy/vocabulary.ts';
import { world } from './acme.ts';
import * as arbitrary from './arbitraries.ts';

const slice: Slice = {
  capabilities: ['api', 'mcp', 'flows:edit'],
  roles: [],
  projects: [
    { id: 'prj_atlas', roles: ['rol_editor'] },
    { id: 'prj_borealis', roles: ['rol_viewer'] },
  ],
  mcpServers: ['mcp_atlas', 'mcp_borealis'],
};

test('keeps a capability that was used, the project it was used on, and the server that was called', () => {
  const uses: Use[] = [
    { capability: 'flows:edit', place: 'prj_atlas', at: 100 },
    { capability: 'mcp', place: 'mcp_borealis', at: 100 },
  ];
  expect(narrowToUsed(slice, uses, 100, world)).toEqual({
    capabilities: ['mcp', 'flows:edit'],
    roles: [],
    projects: [{ id: 'prj_atlas', roles: ['rol_editor'] }],
    mcpServers: ['mcp_borealis'],
  });
});

test('what was used before the instant counts for nothing', () => {
  const uses: Use[] = [{ capability: 'api', place: null, at: 99 }];
  expect(narrowToUsed(slice, uses, 100, world)).toEqual({
    capabilities: [],
    roles: [],
    projects: [],
    mcpServers: [],
  });
});

test('a role of a key gives way to those of its capabilities that were used', () => {
  const key: Slice = { capabilities: [], roles: ['rol_editor'], projects: [], mcpServers: [] };
  expect(narrowToUsed(key, [{ capability: 'api', place: null, at: 1 }], 0, world)).toEqual({
    capabilities: ['api'],
    roles: [],
    projects: [],
    mcpServers: [],
  });
});

test('is never wider: whatever was told, nothing is effective that was not', () => {
  const use = fc.record({
    capability: fc.constantFrom(...arbitrary.capabilityNames),
    place: fc.option(fc.constantFrom(...arbitrary.projectIds, ...arbitrary.serverIds)),
    at: fc.integer({ min: 0, max: 10 }),
  });
  const facts = ({ organization, projects, mcpServers }: Effective) => [
    ...organization,
    ...projects.flatMap(({ id, actions }) => [id, ...actions.map((name) => `${id} ${name}`)]),
    ...mcpServers.flatMap(({ id, actions }) => actions.map((name) => `${id} ${name}`)),
  ];
  fc.assert(
    fc.property(
      arbitrary.granted,
      arbitrary.live,
      arbitrary.world,
      fc.array(use),
      (granted, live, exists, uses) => {
        const narrowed = { ...granted, ...narrowToUsed(granted, uses, 5, exists) };
        const before = facts(effective(granted, live, exists, noLimits));
        for (const fact of facts(effective(narrowed, live, exists, noLimits))) expect(before).toContain(fact);
      },
    ),
  );
});
