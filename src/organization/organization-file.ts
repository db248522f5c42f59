/**
 * The file that describes an organization. Owns its format and what is sound in itself; does not own how it compares with
 * a database (`organization-import`).
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { policySectionSchema } from './policy-section.ts';

/** An organization file that cannot be used: one line for each mistake. */
export class OrganizationFileError extends Error {
  override readonly name = 'OrganizationFileError';
  readonly problems: readonly string[];

  constructor(origin: string, problems: readonly string[]) {
    super(problems.map((problem) => `${origin}: ${problem}`).join('\n'));
    this.problems = problems;
  }
}

const slug = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower case letters, digits and dashes');
const name = z.string().trim().min(1).max(120);
const secret = z.string().min(16, 'must have at least 16 characters').max(512);
const resource = z
  .url({ protocol: /^https?$/ })
  .refine((url) => !url.includes('#'), 'must have no fragment (RFC 8707)');
/** Project slug → role slugs. */
const roleSlugsByProject = z.record(slug, z.array(slug).min(1));

const roleSchema = z.strictObject({ slug, name, permissions: z.array(z.string()) });
const projectSchema = z.strictObject({ slug, name });
const mcpServerSchema = z.strictObject({
  name: slug,
  project: slug,
  resource,
  enabled: z.boolean().optional(),
});
const userSchema = z.strictObject({
  email: z.email().max(254),
  kind: z.enum(['person', 'service_account']).default('person'),
  name,
  /** What a new one has to be is said by `directory/new-password.ts`. */
  password: z.string().min(1).optional(),
  status: z.enum(['active', 'suspended']).optional(),
  // With either of these two, the user's assignments become exactly what is written here.
  roles: z.array(slug).optional(),
  projects: roleSlugsByProject.optional(),
});
const resourceServerSchema = z.strictObject({
  name: slug,
  audiences: z.array(resource).min(1),
  secret: secret.optional(),
});
const clientSchema = z.strictObject({
  id: slug,
  /** RFC 7591 section 2. */
  metadata: z.record(z.string(), z.unknown()),
  secret: secret.optional(),
  enabled: z.boolean().optional(),
  /** E-mail address of the account that client_credentials acts as. */
  service_account: z.email().optional(),
  /** The slice that the service account hands to the client; without it, whatever the account may do. */
  authorization: z
    .strictObject({
      capabilities: z.array(z.string()),
      projects: roleSlugsByProject.default({}),
      mcp_servers: z.array(slug).default([]),
    })
    .optional(),
});

/** The format. */
export const organizationSchema = z.strictObject({
  roles: z.array(roleSchema).default([]),
  projects: z.array(projectSchema).default([]),
  mcp_servers: z.array(mcpServerSchema).default([]),
  users: z.array(userSchema).default([]),
  resource_servers: z.array(resourceServerSchema).default([]),
  clients: z.array(clientSchema).default([]),
  /** With it, the policy becomes exactly what is written here. */
  policy: policySectionSchema.optional(),
});

/** What a file says; what it does not mention is left as it is. */
export type OrganizationFile = z.infer<typeof organizationSchema>;
export type UserEntry = z.infer<typeof userSchema>;
export type ClientEntry = z.infer<typeof clientSchema>;

/** Mentions nothing: importing it brings the built-in roles up to date and changes nothing else. */
export const emptyOrganization: OrganizationFile = organizationSchema.parse({});

/**
 * Reads an organization from a file.
 * @throws OrganizationFileError naming every mistake in it; Error when the file cannot be read
 */
export function readOrganizationFile(path: string): OrganizationFile {
  return parseOrganization(readFileSync(path, 'utf8'), path);
}

/**
 * Reads an organization from YAML text. Pure.
 * @param origin how errors call it
 * @throws OrganizationFileError naming every mistake in it
 */
export function parseOrganization(text: string, origin = 'the file'): OrganizationFile {
  let content: unknown;
  try {
    content = parse(text) ?? {};
  } catch (error) {
    throw new OrganizationFileError(origin, [error instanceof Error ? error.message : 'is not YAML']);
  }
  const parsed = organizationSchema.safeParse(content);
  if (!parsed.success) {
    throw new OrganizationFileError(
      origin,
      parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`),
    );
  }
  const problems = [...duplicates(parsed.data), ...contradictions(parsed.data)];
  if (problems.length > 0) throw new OrganizationFileError(origin, problems);
  return parsed.data;
}

function duplicates(file: OrganizationFile): string[] {
  const keys: [string, string[]][] = [
    ['roles', file.roles.map((role) => role.slug)],
    ['projects', file.projects.map((project) => project.slug)],
    ['mcp_servers', file.mcp_servers.map((server) => server.name)],
    ['users', file.users.map((user) => user.email.toLowerCase())],
    ['resource_servers', file.resource_servers.map((server) => server.name)],
    ['clients', file.clients.map((client) => client.id)],
  ];
  return keys.flatMap(([list, all]) =>
    [...new Set(all.filter((key, index) => all.indexOf(key) !== index))].map(
      (key) => `${list}: ${key} is listed twice`,
    ),
  );
}

function contradictions(file: OrganizationFile): string[] {
  return [
    ...file.users
      .filter((user) => user.kind === 'service_account' && user.password !== undefined)
      .map((user) => `users: ${user.email} is a service account, which has no password`),
    ...file.clients
      .filter((client) => client.authorization && !client.service_account)
      .map((client) => `clients: ${client.id} has an authorization but no service_account to hand it out`),
    ...file.clients
      .filter((client) => 'client_secret' in client.metadata)
      .map((client) => `clients: ${client.id} has a secret in its metadata; it belongs in secret`),
  ];
}
