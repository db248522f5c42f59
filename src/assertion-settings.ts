/**
 * Reads which identity providers may hand over in people's place (ID-JAG). Owns the file's format and what is refused in it; does not
 * own what is made of an assertion (`oauth/assertion-grant.ts`).
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { readPublicKeys } from './clients/client-keys.ts';
import { spelledOut } from './clients/resource-spelling.ts';
import { ConfigurationError } from './config.ts';
import type { AssertionIssuer, IssuerKeys } from './oauth/assertion-issuer.ts';
import { accessTokenSeconds } from './oauth/token-hooks.ts';
import { administration } from './policy/administration.ts';

const leastTokenSeconds = 60;

const webAddress = z.url({ protocol: /^https?$/ });
const resource = z
  .string()
  .refine((uri) => spelledOut(uri) !== undefined, 'must be the address of a resource, without a fragment');

const issuerSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,30}$/, 'must be lower case letters, digits and -'),
  label: z.string().trim().min(1).max(40),
  issuer: webAddress,
  jwks_uri: webAddress.optional(),
  jwks: z.looseObject({ keys: z.array(z.looseObject({})) }).optional(),
  clients: z.array(z.string().min(1)).min(1),
  capabilities: z.array(z.string().min(1)).min(1),
  resources: z.array(resource).min(1),
  email_domains: z
    .array(
      z.string().regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'must be a domain in lower case, e.g. acme.example'),
    )
    .default([]),
  token_seconds: z.int().min(leastTokenSeconds).max(accessTokenSeconds).default(accessTokenSeconds),
});

const fileSchema = z.strictObject({ issuers: z.array(issuerSchema).min(1).max(8) });

type Entry = z.output<typeof issuerSchema>;

export interface AssertionSettingsContext {
  readonly production: boolean;
  /** This server's own issuer: it trusts no assertion of its own. */
  readonly issuer: string;
  /** Names of the capabilities that there are. */
  readonly capabilities: Iterable<string>;
}

/**
 * Reads the issuers of a file.
 * @param path undefined: there are none
 * @throws ConfigurationError naming every mistake
 */
export async function readAssertionIssuers(
  path: string | undefined,
  context: AssertionSettingsContext,
): Promise<AssertionIssuer[]> {
  if (path === undefined) return [];
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigurationError([`ASSERTION_ISSUERS: ${path} cannot be read (${code})`]);
  }
  return parseAssertionIssuers(text, { ...context, origin: path });
}

/**
 * Reads the issuers from YAML text. Pure.
 * @param context.origin how errors call the text
 * @throws ConfigurationError naming every mistake
 */
export async function parseAssertionIssuers(
  text: string,
  context: AssertionSettingsContext & { readonly origin: string },
): Promise<AssertionIssuer[]> {
  const fail = (problems: readonly string[]) =>
    new ConfigurationError(problems.map((problem) => `${context.origin}: ${problem}`));
  let written: unknown;
  try {
    written = parse(text);
  } catch {
    throw fail(['is not YAML']);
  }
  const parsed = fileSchema.safeParse(written);
  if (!parsed.success) {
    throw fail(parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`));
  }
  const { issuers } = parsed.data;
  const problems: string[] = [];
  const read: AssertionIssuer[] = [];
  for (const [index, entry] of issuers.entries()) {
    const say = (problem: string) => void problems.push(`issuers.${index} (${entry.name}): ${problem}`);
    for (const problem of problemsOf(entry, index, issuers, context)) say(problem);
    const keys = await keysOf(entry);
    if (typeof keys === 'string') {
      say(keys);
      continue;
    }
    read.push({
      name: entry.name,
      label: entry.label,
      issuer: entry.issuer,
      keys,
      clients: entry.clients,
      emailDomains: entry.email_domains,
      capabilities: entry.capabilities,
      resources: entry.resources,
      tokenSeconds: entry.token_seconds,
    });
  }
  if (problems.length > 0) throw fail(problems);
  return read;
}

function problemsOf(
  entry: Entry,
  index: number,
  all: readonly Entry[],
  { production, issuer, capabilities }: AssertionSettingsContext,
): string[] {
  const problems: string[] = [];
  if (all.findIndex(({ name }) => name === entry.name) !== index) problems.push('another one has this name');
  if (all.findIndex((one) => one.issuer === entry.issuer) !== index) {
    problems.push('another one has this issuer');
  }
  // The draft's section on cross-domain use: nobody gets tokens here for what was asserted here.
  if (entry.issuer === issuer) problems.push('is this server itself');
  const known = new Set(capabilities);
  for (const name of entry.capabilities) {
    if (!known.has(name)) problems.push(`there is no capability ${name}`);
    if (name === administration) problems.push(`${name} is never handed over without its person`);
  }
  if (entry.jwks_uri !== undefined && entry.jwks !== undefined) {
    problems.push('needs at most one of jwks_uri and jwks; with neither, its keys are discovered');
  }
  const addresses = [entry.issuer, ...(entry.jwks_uri === undefined ? [] : [entry.jwks_uri])];
  if (production && addresses.some((address) => !address.startsWith('https:'))) {
    problems.push('production needs https addresses');
  }
  return problems;
}

/** @returns what is wrong with them, as a text */
async function keysOf({ jwks, jwks_uri: uri }: Entry): Promise<IssuerKeys | string> {
  if (uri !== undefined) return { kind: 'address', uri };
  if (jwks === undefined) return { kind: 'discovered' };
  const found = await readPublicKeys(jwks);
  return found.kind === 'keys' ? { kind: 'fixed', jwks: found.jwks } : `jwks: ${found.reason}`;
}
