/** Explains one answer of the rule: whether an authorization allows this, here, now, and which clause of the rule decides. */

import { broughtByRole } from './administration.ts';
import { closeOver, inCatalogueOrder } from './catalogue.ts';
import type { Capability, Effective, Granted, Withheld, WithheldReason, World } from './vocabulary.ts';

/** May an authorization use a capability, and where? */
export interface Question {
  readonly capability: string;
  /** Id of a project or of an MCP server; what is bounded at the organization needs none. */
  readonly on?: string | undefined;
}

/**
 * What decides. `holds`: granted, and the owner holds it. `implied`: it comes with another capability that holds.
 * Everything else is why not: the authorization itself, what it says, the question, or what its owner may do now.
 */
export type DecidingRule =
  | 'holds'
  | 'implied'
  | 'unknown_capability'
  | 'suspended'
  | 'revoked'
  | 'expired'
  | 'not_granted'
  | 'place_needed'
  | 'not_picked'
  | WithheldReason;

export interface Explanation {
  readonly allowed: boolean;
  readonly rule: DecidingRule;
}

/**
 * Says which clause of the rule decides a question. Pure and total; reads what `effective` answered, and decides nothing itself.
 *
 * @param granted What the authorization says.
 * @param effective What the rule made of it.
 */
export function why(question: Question, granted: Granted, effective: Effective, world: World): Explanation {
  const capability = world.catalogue.get(question.capability);
  if (!capability) return refuse('unknown_capability');
  if (granted.standing !== 'active') return refuse(granted.standing);
  const named = namedCapabilities(granted, world);
  if (actionsAt(capability, question.on, effective).includes(capability.name)) {
    return { allowed: true, rule: named.has(capability.name) ? 'holds' : 'implied' };
  }
  const sources = [...named].filter((name) => comesWith(name, capability, world));
  if (sources.length === 0) return refuse('not_granted');
  if (capability.bound !== 'organization') {
    if (question.on === undefined) return refuse('place_needed');
    const picked = capability.bound === 'project' ? granted.projects.map(({ id }) => id) : granted.mcpServers;
    if (!picked.includes(question.on)) return refuse('not_picked');
  }
  const reasons = effective.withheld.filter((entry) => concerns(entry, capability, question.on, sources));
  return refuse(reasons[0]?.reason ?? 'capability_not_held');
}

const refuse = (rule: DecidingRule): Explanation => ({ allowed: false, rule });

/** Granted by name or through an organization role. */
function namedCapabilities(granted: Granted, world: World): ReadonlySet<string> {
  const named = new Set(granted.capabilities);
  for (const id of granted.roles) {
    for (const name of broughtByRole(world.roles.get(id)?.permissions ?? [])) named.add(name);
  }
  return new Set(inCatalogueOrder(named, world.catalogue));
}

function comesWith(name: string, { name: wanted, bound }: Capability, { catalogue }: World): boolean {
  return catalogue.get(name)?.bound === bound && closeOver([name], catalogue, bound).includes(wanted);
}

function actionsAt({ bound }: Capability, on: string | undefined, effective: Effective): readonly string[] {
  if (bound === 'organization') return effective.organization;
  const places = bound === 'project' ? effective.projects : effective.mcpServers;
  return places.find(({ id }) => id === on)?.actions ?? [];
}

function concerns(
  entry: Withheld,
  { name, bound }: Capability,
  on: string | undefined,
  sources: readonly string[],
): boolean {
  const wanted = [name, ...sources];
  if (bound === 'organization') return entry.dimension === 'capability' && wanted.includes(entry.identifier);
  return (
    entry.dimension === bound &&
    entry.identifier === on &&
    (entry.capability === undefined || wanted.includes(entry.capability))
  );
}
