/**
 * Reads the operator's catalogue of capabilities. Owns the file's format and what is a sound catalogue;
 * does not own what a capability bounds (`policy`).
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { isManagementPermission } from './directory/management-permissions.ts';
import { administration } from './policy/administration.ts';
import type { Capability, Catalogue } from './policy/vocabulary.ts';

/** A catalogue that cannot be used: one line for each mistake, in the operator's words. */
export class CatalogueError extends Error {
  override readonly name = 'CatalogueError';
  readonly problems: readonly string[];

  constructor(origin: string, problems: readonly string[]) {
    super(problems.map((problem) => `${origin}: ${problem}`).join('\n'));
    this.problems = problems;
  }
}

/** Scopes that mean something else to OAuth and OpenID Connect. */
const reserved: ReadonlySet<string> = new Set([
  'openid',
  'offline_access',
  'profile',
  'email',
  'address',
  'phone',
]);

const capabilitySchema = z.strictObject({
  // A scope-token of RFC 6749 section 3.3, without what would need quoting anywhere.
  name: z.string().regex(/^[a-z0-9][a-z0-9._:-]*$/, 'must be lower case letters, digits and any of . _ : -'),
  bound: z.enum(['organization', 'project', 'mcp_server']),
  title: z.string().trim().min(1).max(60),
  consequence: z.string().trim().min(1).max(200),
  sensitive: z.boolean().default(false),
  worst_case: z.string().trim().min(1).max(200).optional(),
  implies: z.array(z.string()).default([]),
});

const catalogueSchema = z.strictObject({ capabilities: z.array(capabilitySchema).min(1) });

type Entry = z.infer<typeof capabilitySchema>;

/**
 * Reads a catalogue from a file.
 * @throws CatalogueError naming every mistake in it; Error when the file cannot be read
 */
export function readCatalogue(path: string | URL): Catalogue {
  return parseCatalogue(readFileSync(path, 'utf8'), String(path));
}

/**
 * Reads a catalogue from YAML text. Pure.
 * @param origin how errors call it
 * @throws CatalogueError naming every mistake in it
 */
export function parseCatalogue(text: string, origin = 'the catalogue'): Catalogue {
  const parsed = catalogueSchema.safeParse(parseYaml(text, origin));
  if (!parsed.success) {
    throw new CatalogueError(
      origin,
      parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`),
    );
  }
  const entries = parsed.data.capabilities;
  const problems = entries.flatMap((entry, index) => problemsOf(entry, entries.slice(0, index), entries));
  if (problems.length > 0) throw new CatalogueError(origin, problems);
  return new Map(entries.map((entry) => [entry.name, toCapability(entry)]));
}

function parseYaml(text: string, origin: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw new CatalogueError(origin, [error instanceof Error ? error.message : 'is not YAML']);
  }
}

function problemsOf(entry: Entry, earlier: readonly Entry[], all: readonly Entry[]): string[] {
  const { name, bound, sensitive, implies } = entry;
  const problems: string[] = [];
  if (name === administration && (bound !== 'organization' || !sensitive || implies.length > 0)) {
    problems.push(`${name}: must be bound to the organization, sensitive, and imply nothing`);
  }
  if (reserved.has(name)) problems.push(`${name}: means something else in OpenID Connect`);
  if (isManagementPermission(name))
    problems.push(`${name}: is a management permission, which nobody can delegate`);
  if (earlier.some((other) => other.name === name)) problems.push(`${name}: is listed twice`);
  if (sensitive && !entry.worst_case) problems.push(`${name}: is sensitive, so it needs a worst_case`);
  if (!sensitive && entry.worst_case) problems.push(`${name}: has a worst_case, so it must be sensitive`);
  for (const implied of implies) {
    const other = all.find((candidate) => candidate.name === implied);
    if (implied === administration) problems.push(`${name}: cannot imply ${administration}`);
    if (!other) problems.push(`${name}: implies ${implied}, which is not in the catalogue`);
    // A wider bound is never implied, and a narrower one would not be bounded by what was picked.
    else if (other.bound !== bound) problems.push(`${name}: implies ${implied}, which is bounded elsewhere`);
  }
  return problems;
}

function toCapability({ worst_case: worstCase, ...entry }: Entry): Capability {
  return worstCase === undefined ? entry : { ...entry, worstCase };
}
