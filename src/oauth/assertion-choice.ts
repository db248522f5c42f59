/** What an identity assertion hands over: what it names, within what its issuer may hand over. Pure; live rights bound it afterwards. */
import { spelledOut } from '../clients/resource-spelling.ts';
import { closeOver, inCatalogueOrder } from '../policy/catalogue.ts';
import { type Choice, offeredRoles } from '../policy/consent-decision.ts';
import type { Bound, Catalogue, Live, PickedProject, World } from '../policy/vocabulary.ts';
import type { Asserted } from './assertion-decision.ts';
import type { AssertionIssuer } from './assertion-issuer.ts';
import type { AssertionRefusal } from './assertion-refusal.ts';
import type { Audience } from './resources.ts';

const bounds: readonly Bound[] = ['organization', 'project', 'mcp_server'];

/**
 * Finds the resource that a token is asked for.
 * @param requested what the request names beside the assertion (RFC 8707)
 * @returns an indicator as it was written; undefined: neither names one
 */
export function decideIndicator(
  asserted: readonly string[],
  requested: readonly string[],
): { readonly kind: 'indicator'; readonly indicator: string | undefined } | AssertionRefusal {
  const [wanted, ...others] = requested;
  if (wanted === undefined) {
    if (asserted.length > 1) return { kind: 'wrong_resource', why: 'not_one' };
    return { kind: 'indicator', indicator: asserted[0] };
  }
  if (others.some((other) => spelledOut(other) !== spelledOut(wanted))) {
    return { kind: 'wrong_resource', why: 'not_one' };
  }
  const isAsserted = asserted.some((one) => spelledOut(one) === spelledOut(wanted));
  if (asserted.length > 0 && !isAsserted) return { kind: 'wrong_resource', why: 'not_asserted' };
  return { kind: 'indicator', indicator: wanted };
}

/** Tells whether an issuer may hand over anything for a resource. */
export function mayReach({ resources }: AssertionIssuer, uri: string): boolean {
  return resources.some((one) => spelledOut(one) === spelledOut(uri) && !otherQuery(uri, one));
}

/** An address that has a query is known by it. */
const otherQuery = (uri: string, one: string) => {
  const { search } = new URL(uri);
  return search !== '' && new URL(one).search !== search;
};

/**
 * Finds the names that a token got by this assertion never goes beyond, whatever its authorization says: what the issuer may hand
 * over, what the assertion names where it names any, and what the request names where it does.
 * @returns capability names with what they imply, in catalogue order
 */
export function ceilingOf(
  asserted: Asserted['scope'],
  requested: readonly string[],
  issuer: AssertionIssuer,
  catalogue: Catalogue,
): string[] {
  const known = requested.filter((name) => catalogue.has(name));
  const within = [asserted, known.length > 0 ? known : undefined]
    .filter((names) => names !== undefined)
    .map((names) => new Set(withImplied(names, catalogue)));
  return withImplied(issuer.capabilities, catalogue).filter((name) =>
    within.every((names) => names.has(name)),
  );
}

/**
 * Makes the choice that stands in the place of a person's consent. A resource that is an MCP server is picked; projects and other
 * servers only where authorization details name them. An assertion that names no scope hands over the least that is useful.
 * @param owner whose rights are handed over
 */
export function choiceOf(
  { scope, details }: Asserted,
  issuer: AssertionIssuer,
  audience: Audience,
  { live, world }: { live: Live; world: World },
): Choice {
  const capabilities = issuer.capabilities.filter((name) =>
    scope ? scope.includes(name) : isUsual(name, audience, world.catalogue),
  );
  return {
    capabilities,
    projects: projectsIn(details, capabilities, live, world),
    mcpServers: [
      ...(audience.mcpServer === undefined ? [] : [audience.mcpServer]),
      ...serversIn(details, issuer, world),
    ],
  };
}

/** What is sensitive has to be asserted by name, as it has to be asked for by name. */
function isUsual(name: string, { mcpServer }: Audience, catalogue: Catalogue): boolean {
  const capability = catalogue.get(name);
  return !capability?.sensitive && (capability?.bound === 'mcp_server') === (mcpServer !== undefined);
}

function projectsIn(
  details: Asserted['details'],
  capabilities: readonly string[],
  live: Live,
  world: World,
): PickedProject[] {
  const { projects, roles, catalogue } = world;
  const needed = capabilities.filter((name) => catalogue.get(name)?.bound === 'project');
  return details
    .filter(({ type }) => type === 'project')
    .flatMap(({ identifier, slug, roles: named }) => {
      const wanted = String(identifier ?? slug);
      const id = projects.has(wanted) ? wanted : [...projects].find(([, one]) => one.slug === wanted)?.[0];
      if (id === undefined) return [];
      if (Array.isArray(named)) {
        const picked = [...roles].filter(([role, one]) => named.includes(role) || named.includes(one.slug));
        return [{ id, roles: picked.map(([role]) => role) }];
      }
      // The weakest that is enough.
      const enough = offeredRoles(live, id, world).findLast((role) =>
        needed.every((name) => roles.get(role)?.permissions.has(name)),
      );
      return [{ id, roles: enough === undefined ? [] : [enough] }];
    });
}

function serversIn(details: Asserted['details'], issuer: AssertionIssuer, { mcpServers }: World): string[] {
  const named = details
    .filter(({ type }) => type === 'mcp_server')
    .flatMap(({ identifier, locations }) => [identifier, locations ?? []].flat())
    .filter((one) => typeof one === 'string');
  return [...mcpServers]
    .filter(([id, { resource }]) =>
      named.some((one) => one === id || (URL.canParse(one) && spelledOut(one) === spelledOut(resource))),
    )
    .filter(([, { resource }]) => mayReach(issuer, resource))
    .map(([id]) => id);
}

function withImplied(names: readonly string[], catalogue: Catalogue): string[] {
  const closed = bounds.flatMap((bound) => {
    const held = inCatalogueOrder(new Set(names), catalogue).filter(
      (name) => catalogue.get(name)?.bound === bound,
    );
    return closeOver(held, catalogue, bound);
  });
  return inCatalogueOrder(new Set(closed), catalogue);
}
