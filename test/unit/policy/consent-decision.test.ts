import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type Choice,
  decideConsent,
  delegableCapabilities,
  offeredRoles,
} from '../../../src/policy/consent-decision.ts';
import { effective } from '../../../src/policy/effective.ts';
import { noLimits } from '../../../src/policy/limits.ts';
import type { Live, World } from '../../../src/policy/vocabulary.ts';
import * as acme from './acme.ts';
import { granted as choice, live, world } from './arbitraries.ts';

const chosen = (part: Partial<Choice>): Choice => ({
  capabilities: ['api'],
  projects: [],
  mcpServers: [],
  ...part,
});
const decide = (part: Partial<Choice>, held = acme.live, exists = acme.world) =>
  decideConsent(chosen(part), held, exists);

describe('what a person may hand over', () => {
  test('capabilities held where they are bounded, in catalogue order', () => {
    expect(delegableCapabilities(acme.live, acme.world)).toEqual([
      'mcp',
      'api',
      'apps:view',
      'flows:edit',
      'endpoints:access',
    ]);
  });

  test('an organization-bounded capability held on a project alone is not one of them', () => {
    const held: Live = { ...acme.live, organization: new Set() };
    expect(delegableCapabilities(held, acme.world)).not.toContain('api');
  });

  test('a capability held only on a project that no longer exists is not one of them', () => {
    expect(delegableCapabilities(acme.live, { ...acme.world, projects: new Map() })).toEqual([
      'api',
      'apps:view',
    ]);
  });

  test('an organization assignment counts for project-bounded ones', () => {
    const held: Live = { status: 'active', organization: new Set(['flows:edit']), projects: new Map() };
    expect(delegableCapabilities(held, acme.world)).toEqual(['flows:edit']);
  });

  test('roles that the person covers whole, highest first, never one without project rights', () => {
    expect(offeredRoles(acme.live, 'prj_atlas', acme.world)).toEqual(['rol_editor', 'rol_viewer']);
    expect(offeredRoles(acme.live, 'prj_borealis', acme.world)).toEqual(['rol_viewer']);
    expect(offeredRoles(acme.live, 'prj_gone', acme.world)).toEqual([]);
  });

  test('nothing at all while suspended', () => {
    const held: Live = { ...acme.live, status: 'suspended' };
    expect(delegableCapabilities(held, acme.world)).toEqual([]);
    expect(offeredRoles(held, 'prj_atlas', acme.world)).toEqual([]);
    const decision = decideConsent(acme.granted, held, acme.world);
    expect(decision.kind).toBe('refused');
    const everything = ['api', 'flows:edit', 'mcp', 'prj_atlas', 'mcp_atlas'];
    expect(decision.dropped.map(({ identifier }) => identifier)).toEqual(everything);
  });
});

describe('a posted consent', () => {
  test('grants what the person may hand over, each once', () => {
    const decision = decide({
      capabilities: ['flows:edit', 'mcp', 'flows:edit'],
      projects: [
        { id: 'prj_atlas', roles: ['rol_viewer'] },
        { id: 'prj_borealis', roles: [] },
        { id: 'prj_atlas', roles: ['rol_editor', 'rol_viewer'] },
      ],
      mcpServers: ['mcp_borealis', 'mcp_atlas', 'mcp_borealis'],
    });
    expect(decision).toEqual({
      kind: 'granted',
      granted: {
        capabilities: ['mcp', 'flows:edit'],
        projects: [
          { id: 'prj_atlas', roles: ['rol_viewer', 'rol_editor'] },
          { id: 'prj_borealis', roles: [] },
        ],
        mcpServers: ['mcp_borealis', 'mcp_atlas'],
      },
      dropped: [],
    });
  });

  test.each([
    [
      'a capability that the person does not hold is not theirs',
      { capabilities: ['api', 'secrets:edit'] },
      { dimension: 'capability', identifier: 'secrets:edit', why: 'not_yours' },
    ],
    [
      'a management permission is unknown, even to one who holds it',
      { capabilities: ['api', 'api-keys.create'] },
      { dimension: 'capability', identifier: 'api-keys.create', why: 'unknown' },
    ],
    [
      'a project that does not exist is unknown',
      { projects: [{ id: 'prj_gone', roles: ['rol_viewer'] }] },
      { dimension: 'project', identifier: 'prj_gone', why: 'unknown' },
    ],
    [
      'a role above the person on that project is not theirs',
      { projects: [{ id: 'prj_borealis', roles: ['rol_editor'] }] },
      { dimension: 'role', identifier: 'rol_editor', project: 'prj_borealis', why: 'not_yours' },
    ],
    [
      'a role that does not exist is unknown',
      { projects: [{ id: 'prj_borealis', roles: ['__proto__'] }] },
      { dimension: 'role', identifier: '__proto__', project: 'prj_borealis', why: 'unknown' },
    ],
    [
      'an MCP server that does not exist is unknown',
      { mcpServers: ['__proto__'] },
      { dimension: 'mcp_server', identifier: '__proto__', why: 'unknown' },
    ],
  ])('%s', (_sentence, part, dropped) => {
    expect(decide(part)).toMatchObject({ kind: 'granted', dropped: [dropped] });
  });

  test('a project without access and a server there are not theirs', () => {
    const held: Live = { ...acme.live, projects: new Map() };
    expect(
      decide({ projects: [{ id: 'prj_atlas', roles: [] }], mcpServers: ['mcp_atlas'] }, held),
    ).toMatchObject({
      granted: { projects: [], mcpServers: [] },
      dropped: [
        { dimension: 'project', identifier: 'prj_atlas', why: 'not_yours' },
        { dimension: 'mcp_server', identifier: 'mcp_atlas', why: 'not_yours' },
      ],
    });
  });

  test('a server that is switched off is not theirs', () => {
    const off = { ...acme.world.mcpServers.get('mcp_atlas')!, enabled: false };
    const exists: World = { ...acme.world, mcpServers: new Map([['mcp_atlas', off]]) };
    expect(decide({ mcpServers: ['mcp_atlas'] }, acme.live, exists)).toMatchObject({
      dropped: [{ dimension: 'mcp_server', identifier: 'mcp_atlas', why: 'not_yours' }],
    });
  });

  test('is refused when no capability was chosen', () => {
    const projects = [{ id: 'prj_atlas', roles: ['rol_editor'] }];
    expect(decide({ capabilities: [], projects })).toEqual({
      kind: 'refused',
      reason: 'nothing_chosen',
      dropped: [],
    });
  });

  test('is refused when no chosen capability is theirs', () => {
    expect(decide({ capabilities: ['secrets:edit', '__proto__'] })).toEqual({
      kind: 'refused',
      reason: 'nothing_chosen',
      dropped: [
        { dimension: 'capability', identifier: 'secrets:edit', why: 'not_yours' },
        { dimension: 'capability', identifier: '__proto__', why: 'unknown' },
      ],
    });
  });

  test('of a hundred thousand forged items is judged all the same', () => {
    const many = Array.from({ length: 100_000 }, (_, index) => `x${index}`);
    const projects = [...many.map((id) => ({ id, roles: [] })), { id: 'prj_atlas', roles: many }];
    const decision = decide({ capabilities: ['api', ...many], projects, mcpServers: many });
    expect(decision).toMatchObject({ kind: 'granted', granted: { capabilities: ['api'] } });
    expect(decision.dropped).toHaveLength(400_000);
  });
});

describe('the laws of consent', () => {
  test('what is granted is within what the person may hand over', () => {
    fc.assert(
      fc.property(choice, live, world, (posted, held, exists) => {
        const decision = decideConsent(posted, held, exists);
        if (decision.kind === 'refused') return;
        const { capabilities, projects, mcpServers } = decision.granted;
        const delegable = delegableCapabilities(held, exists);
        expect(capabilities.every((name) => delegable.includes(name))).toBe(true);
        expect(capabilities.every((name) => posted.capabilities.includes(name))).toBe(true);
        for (const { id, roles } of projects) {
          const picked = posted.projects.filter((pick) => pick.id === id).flatMap((pick) => pick.roles);
          const offered = offeredRoles(held, id, exists);
          expect(roles.every((role) => offered.includes(role) && picked.includes(role))).toBe(true);
        }
        expect(mcpServers.every((id) => posted.mcpServers.includes(id))).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test('deciding a decision again changes nothing and drops nothing', () => {
    fc.assert(
      fc.property(choice, live, world, (posted, held, exists) => {
        const decision = decideConsent(posted, held, exists);
        if (decision.kind === 'refused') return;
        expect(decideConsent(decision.granted, held, exists)).toEqual({ ...decision, dropped: [] });
      }),
      { numRuns: 2000 },
    );
  });

  test('every posted item is granted or dropped, once', () => {
    fc.assert(
      fc.property(choice, live, world, (posted, held, exists) => {
        const { dropped, ...decision } = decideConsent(posted, held, exists);
        const keys = dropped.map((item) =>
          [item.dimension, item.identifier, item.dimension === 'role' ? item.project : ''].join(' '),
        );
        expect(new Set(keys).size).toBe(keys.length);
        if (decision.kind === 'refused') return;
        const count = (items: readonly string[]) => new Set(items).size;
        const of = (dimension: string) => dropped.filter((item) => item.dimension === dimension).length;
        const { capabilities, projects, mcpServers } = decision.granted;
        expect(capabilities.length + of('capability')).toBe(count(posted.capabilities));
        expect(projects.length + of('project')).toBe(count(posted.projects.map(({ id }) => id)));
        expect(mcpServers.length + of('mcp_server')).toBe(count(posted.mcpServers));
      }),
      { numRuns: 1000 },
    );
  });

  test('every project that was granted holds at once, with every role that was granted on it', () => {
    fc.assert(
      fc.property(choice, live, world, (posted, held, exists) => {
        const decision = decideConsent(posted, held, exists);
        if (decision.kind === 'refused') return;
        const result = effective(
          { standing: 'active', roles: [], ...decision.granted },
          held,
          exists,
          noLimits,
        );
        expect(result.projects.map(({ id }) => id)).toEqual(decision.granted.projects.map(({ id }) => id));
        for (const [index, { roles }] of decision.granted.projects.entries()) {
          const slugs = roles.map((role) => exists.roles.get(role)?.slug);
          expect(result.projects[index]?.roles).toEqual([...new Set(slugs)]);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('it never throws, whatever was posted', () => {
    const name = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', 'constructor', ''));
    const hostile = fc.record({
      capabilities: fc.array(name),
      projects: fc.array(fc.record({ id: name, roles: fc.array(name) })),
      mcpServers: fc.array(name),
    });
    fc.assert(
      fc.property(hostile, live, world, (posted, held, exists) => {
        expect(['granted', 'refused']).toContain(decideConsent(posted, held, exists).kind);
      }),
      { numRuns: 1000 },
    );
  });
});
