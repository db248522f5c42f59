/** Arbitrary organizations, owners and authorizations over small, colliding, partly hostile sets of names. */

import fc from 'fast-check';
import type { Addition } from '../../../src/policy/additions.ts';
import type {
  Bound,
  Capability,
  Catalogue,
  Granted,
  Live,
  McpServerFacts,
  RoleFacts,
  World,
} from '../../../src/policy/vocabulary.ts';

export const capabilityNames = [
  'c1',
  'c2',
  'c3',
  'c4',
  'c5',
  'c6',
  'users.manage',
  '__proto__',
  'constructor',
];
export const projectIds = ['prj_1', 'prj_2', 'prj_3', '__proto__', 'toString'];
export const roleIds = ['rol_1', 'rol_2', 'rol_3', 'rol_4', '__proto__'];
export const serverIds = ['mcp_1', 'mcp_2', 'mcp_3', '__proto__', 'valueOf'];

const some = (names: readonly string[]) => fc.array(fc.constantFrom(...names), { maxLength: 7 });
const setOf = (names: readonly string[]) => fc.subarray([...names]).map((picked) => new Set(picked));

function mapOf<Facts>(
  names: readonly string[],
  facts: fc.Arbitrary<Facts>,
): fc.Arbitrary<Map<string, Facts>> {
  return fc
    .shuffledSubarray([...names])
    .chain((picked) =>
      fc.tuple(...picked.map((name) => facts.map((value): [string, Facts] => [name, value]))),
    )
    .map((entries) => new Map(entries));
}

const catalogue: fc.Arbitrary<Catalogue> = mapOf(
  capabilityNames,
  fc.record({
    bound: fc.constantFrom<Bound>('organization', 'project', 'mcp_server'),
    implies: fc.array(fc.constantFrom(...capabilityNames), { maxLength: 2 }),
  }),
).map(
  (rows) =>
    new Map(
      Array.from(rows, ([name, row]): [string, Capability] => [
        name,
        { ...row, name, title: name, consequence: name, sensitive: false },
      ]),
    ),
);

export const world: fc.Arbitrary<World> = fc.record({
  catalogue,
  projects: mapOf(
    projectIds,
    fc.constantFrom('one', 'two', 'three').map((slug) => ({ slug, name: slug })),
  ),
  mcpServers: mapOf<McpServerFacts>(
    serverIds,
    fc.record({
      name: fc.constant('server'),
      project: fc.constantFrom(...projectIds),
      resource: fc.constant('http://localhost:4100/mcp'),
      enabled: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.constant(false)),
    }),
  ),
  roles: mapOf<RoleFacts>(
    roleIds,
    fc.record({
      slug: fc.constantFrom('editor', 'viewer', 'admin'),
      name: fc.constant('role'),
      permissions: setOf(capabilityNames),
    }),
  ),
});

export const live: fc.Arbitrary<Live> = fc.record({
  status: fc.oneof(
    { weight: 9, arbitrary: fc.constant('active' as const) },
    fc.constant('suspended' as const),
  ),
  organization: fc.oneof(setOf(capabilityNames), fc.constant(new Set<string>())),
  projects: mapOf(projectIds, setOf(capabilityNames)),
});

export const granted: fc.Arbitrary<Granted> = fc.record({
  standing: fc.oneof(
    { weight: 9, arbitrary: fc.constant('active' as const) },
    fc.constantFrom('suspended' as const, 'revoked' as const, 'expired' as const),
  ),
  capabilities: some([...capabilityNames, 'unheard:of']),
  roles: fc.oneof(fc.constant([]), some(roleIds)),
  projects: fc.array(fc.record({ id: fc.constantFrom(...projectIds), roles: some(roleIds) }), {
    maxLength: 6,
  }),
  mcpServers: some(serverIds),
});

/** What was added for a while, at some second up to the 20th and until one after it. */
export const addition: fc.Arbitrary<Addition> = fc
  .record({
    capabilities: some(capabilityNames),
    projects: fc.array(fc.record({ id: fc.constantFrom(...projectIds), roles: some(roleIds) }), {
      maxLength: 3,
    }),
    mcpServers: some(serverIds),
    at: fc.integer({ min: 0, max: 20 }),
    seconds: fc.integer({ min: 1, max: 25 }),
  })
  .map(({ seconds, ...rest }) => ({ ...rest, id: 'add_1', until: rest.at + seconds, by: 'usr_1' }));

export const guarded = fc.record({ api: fc.boolean(), mcpServers: setOf(serverIds) });

/** The owner with everything that either side holds: never less than the first. */
export function moreLive(one: Live, other: Live): Live {
  const projects = new Map(one.projects);
  for (const [id, permissions] of other.projects) {
    projects.set(id, new Set([...(projects.get(id) ?? []), ...permissions]));
  }
  return { status: 'active', organization: new Set([...one.organization, ...other.organization]), projects };
}

/** The authorization with everything that either side says: never less than the first. */
export function moreGranted(one: Granted, other: Granted): Granted {
  return {
    standing: 'active',
    capabilities: [...one.capabilities, ...other.capabilities],
    roles: [...one.roles, ...other.roles],
    projects: [...one.projects, ...other.projects],
    mcpServers: [...one.mcpServers, ...other.mcpServers],
  };
}
