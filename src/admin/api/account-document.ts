/** How an account is written out: what it is, what it holds, and what that amounts to. */
import { z } from 'zod';
import { isManagementPermission } from '../../directory/management-permissions.ts';
import type { User } from '../../directory/user-store.ts';
import { delegableCapabilities } from '../../policy/consent-decision.ts';
import { livePermissionsOn } from '../../policy/live-permissions.ts';
import type { AdminDeps } from './operation.ts';
import { refusal } from './problem.ts';
import { instantSchema, versionSchema } from './schemas.ts';

export const accountSummarySchema = z
  .object({
    id: z.string(),
    kind: z.enum(['person', 'service_account']),
    email: z.string(),
    name: z.string(),
    status: z.enum(['active', 'suspended']),
    invited: z.boolean().describe('It has been invited and has not chosen a password yet'),
    version: versionSchema,
    created_at: instantSchema,
    updated_at: instantSchema,
  })
  .meta({ id: 'AccountSummary' });

const roleSchema = z.object({ id: z.string(), slug: z.string(), name: z.string() });

export const accountSchema = accountSummarySchema
  .extend({
    has_password: z.boolean().describe('Whether it can sign in'),
    invitation: z
      .object({
        sent_at: instantSchema,
        expires_at: instantSchema,
        mail: z
          .enum(['waiting', 'sent', 'failed'])
          .nullable()
          .describe('How the mail is getting on; `failed`: it was refused, or tried for hours'),
        mail_file: z
          .string()
          .nullable()
          .describe('Where the mail is, on a server that writes it to a folder'),
      })
      .nullable(),
    roles: z.array(roleSchema).describe('Held on the organization, and so on every project'),
    projects: z
      .array(
        z.object({
          id: z.string(),
          slug: z.string(),
          roles: z.array(roleSchema),
          permissions: z.array(z.string()).describe('What they amount to there, the organization included'),
        }),
      )
      .describe('Roles held on single projects'),
    permissions: z.array(z.string()).describe('Capabilities held on the organization'),
    management_permissions: z.array(z.string()),
    delegable_capabilities: z
      .array(z.string())
      .describe('What it may hand to tools now: what it holds somewhere, and so what its roles say'),
  })
  .meta({ id: 'Account' });

export type AccountSummary = z.output<typeof accountSummarySchema>;
export type Account = z.output<typeof accountSchema>;

/** Writes an account's row out. Pure. */
export function accountSummary(user: User, invited: boolean): AccountSummary {
  return {
    id: user.id,
    kind: user.kind,
    email: user.email,
    name: user.name,
    status: user.status,
    invited,
    version: user.version,
    created_at: user.createdAt,
    updated_at: user.updatedAt,
  };
}

/** Reads one account with everything that it holds. @throws Refusal `not_found`, also when it is of the other kind */
export async function readAccount(deps: AdminDeps, kind: User['kind'], id: string): Promise<Account> {
  const [user, access, roles] = await Promise.all([
    deps.users.findById(id),
    deps.liveAccess.read(id),
    deps.roles.list(),
  ]);
  if (!user || !access || user.kind !== kind) throw refusal('not_found');
  const secret = await deps.users.findByEmail(user.email);
  const invitation = (await deps.accountLinks.invitationsOf([id])).get(id);
  const world = await deps.worldSource.of({ projects: [...access.assigned.projects.keys()], mcpServers: [] });
  const named = (ids: readonly string[]) =>
    roles.filter((role) => ids.includes(role.id)).map(({ id, slug, name }) => ({ id, slug, name }));
  const held = [...access.live.organization].sort();
  return {
    ...accountSummary(user, invitation !== undefined),
    has_password: secret?.passwordHash != null,
    invitation: invitation
      ? {
          sent_at: invitation.createdAt,
          expires_at: invitation.expiresAt,
          mail: invitation.mail,
          mail_file: (invitation.mailId && deps.mail.fileOf(invitation.mailId)) ?? null,
        }
      : null,
    roles: named(access.assigned.organization),
    projects: [...access.assigned.projects]
      .map(([id, ids]) => ({
        id,
        slug: world.projects.get(id)?.slug ?? id,
        roles: named(ids),
        permissions: [...livePermissionsOn(access.live, id)]
          .filter((name) => !isManagementPermission(name))
          .sort(),
      }))
      .sort((one, other) => one.slug.localeCompare(other.slug)),
    permissions: held.filter((name) => !isManagementPermission(name)),
    management_permissions: held.filter(isManagementPermission),
    delegable_capabilities: delegableCapabilities(access.live, world),
  };
}
