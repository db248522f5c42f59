/**
 * Reads which OpenID providers people may sign in through. Owns the file's format and what is refused in it; does not own what is
 * made of a sign-in there (`sign-in/upstream-decision.ts`).
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { ConfigurationError } from './config.ts';
import type { UpstreamProvider } from './sign-in/upstream-provider.ts';

const domain = z
  .string()
  .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'must be a domain in lower case, e.g. acme.example');

const providerSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,30}$/, 'must be lower case letters, digits and -'),
  label: z.string().trim().min(1).max(40),
  issuer: z.url({ protocol: /^https?$/ }),
  client_id: z.string().min(1),
  client_secret: z.string().min(1).optional(),
  client_secret_file: z.string().min(1).optional(),
  scopes: z.array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/)).default(['openid', 'email', 'profile']),
  new_accounts_from: z.array(domain).default([]),
  trust_email: z.boolean().default(false),
  trust_multi_factor: z.boolean().default(false),
  multi_factor_acr: z.array(z.string().min(1)).default([]),
});

const fileSchema = z.strictObject({ providers: z.array(providerSchema).min(1).max(8) });

type Entry = z.output<typeof providerSchema>;

/**
 * Reads the providers of a file, and the secrets that it leaves to files of their own.
 * @param path undefined: there are none
 * @throws ConfigurationError naming every mistake, never a secret
 */
export function readUpstreamProviders(path: string | undefined, production: boolean): UpstreamProvider[] {
  if (path === undefined) return [];
  return parseUpstreamProviders(readText(path, 'UPSTREAM_PROVIDERS'), {
    origin: path,
    production,
    readSecret: (file) => readText(resolve(dirname(path), file), path).trim(),
  });
}

/**
 * Reads the providers from YAML text. Pure but for `readSecret`.
 * @param origin how errors call the text
 * @throws ConfigurationError naming every mistake
 */
export function parseUpstreamProviders(
  text: string,
  {
    origin,
    production,
    readSecret,
  }: { origin: string; production: boolean; readSecret(file: string): string },
): UpstreamProvider[] {
  const parsed = fileSchema.safeParse(parsedYaml(text, origin));
  if (!parsed.success) {
    throw new ConfigurationError(
      parsed.error.issues.map(({ path, message }) => `${origin}: ${path.join('.')}: ${message}`),
    );
  }
  const { providers } = parsed.data;
  const problems = providers.flatMap((provider, index) => problemsOf(provider, index, providers, production));
  if (problems.length > 0) throw new ConfigurationError(problems.map((problem) => `${origin}: ${problem}`));
  return providers.map((entry) => ({
    name: entry.name,
    label: entry.label,
    issuer: entry.issuer,
    clientId: entry.client_id,
    clientSecret: entry.client_secret ?? readSecret(entry.client_secret_file ?? ''),
    scopes: entry.scopes,
    newAccountsFrom: entry.new_accounts_from,
    trustsEmail: entry.trust_email,
    trustsMultiFactor: entry.trust_multi_factor,
    multiFactorAcr: entry.multi_factor_acr,
  }));
}

function problemsOf(entry: Entry, index: number, all: readonly Entry[], production: boolean): string[] {
  const problems: string[] = [];
  const say = (problem: string) => void problems.push(`providers.${index} (${entry.name}): ${problem}`);
  if (all.findIndex(({ name }) => name === entry.name) !== index) say('another one has this name');
  if (all.findIndex(({ issuer }) => issuer === entry.issuer) !== index) say('another one has this issuer');
  if ((entry.client_secret === undefined) === (entry.client_secret_file === undefined)) {
    say('needs one of client_secret and client_secret_file');
  }
  if (!entry.scopes.includes('openid')) say('scopes must have openid');
  if (production && !entry.issuer.startsWith('https:')) say('production needs an https issuer');
  return problems;
}

function parsedYaml(text: string, origin: string): unknown {
  try {
    return parse(text);
  } catch {
    // The parser quotes what it does not understand, which may be a secret.
    throw new ConfigurationError([`${origin}: is not YAML`]);
  }
}

function readText(path: string, by: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigurationError([
      `${by}: ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`,
    ]);
  }
}
