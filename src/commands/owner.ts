/**
 * `owner`: makes somebody an Owner, and prints the link with which they come in. For whoever holds the database: in an empty one there is
 * nobody who could invite them, and where no Owner can sign in any more neither.
 */
import { issueInvitation } from '../account/invitations.ts';
import { emailSchema, nameSchema } from '../admin/api/schemas.ts';
import type { Config } from '../config.ts';
import { ownerSlug } from '../directory/owners.ts';
import { createPasswords } from '../directory/passwords.ts';
import type { Role } from '../directory/role-store.ts';
import { createSigningKeys } from '../oauth/signing-keys.ts';
import { readBuiltInRoles } from '../organization/built-in-roles.ts';
import { emptyOrganization } from '../organization/organization-file.ts';
import { createOrganizationImport } from '../organization/organization-import.ts';
import { shippedFiles } from '../shipped-files.ts';
import { type Answer, done, refused, usage } from './answer.ts';
import { shownInstant } from './table.ts';
import type { Workspace } from './workspace.ts';

/**
 * Makes a person an Owner. One who has no password gets a link to choose it, as an invitation does; it opens once, for seven days.
 * @param named e-mail address
 * @param options.name of a person who is not there yet; by default the address
 */
export async function makeOwner(
  workspace: Workspace,
  { issuer }: Pick<Config, 'issuer'>,
  named: string,
  options: { name?: string },
): Promise<Answer> {
  const { store, actor } = workspace;
  const email = emailSchema.safeParse(named);
  const name = nameSchema.safeParse(options.name ?? named);
  if (!email.success) return usage(`${named} is no e-mail address`);
  if (!name.success) return usage('a name has 1 to 120 characters');
  // The link is kept as a hash under the secret: under another one it would open nothing.
  await createSigningKeys(workspace).check();
  const role = await ownerRole(workspace);
  return store.transact(async (trx): Promise<Answer> => {
    const users = workspace.users.within(trx);
    const known = await users.findByEmail(email.data);
    if (known && known.kind !== 'person') return refused(`${known.email} is a service account's`);
    if (known && known.status !== 'active')
      return refused(`${known.email} is suspended: run \`mandate users resume ${known.email}\` first`);
    const made = known
      ? undefined
      : await users.create(actor, { kind: 'person', email: email.data, name: name.data });
    const user = made?.outcome === 'created' ? made.user : known;
    if (!user) return refused(`${named} is somebody else's`);
    await users.assign(actor, { userId: user.id, roleId: role.id, projectId: null });
    const document = { id: user.id, email: user.email, created: known === undefined };
    if (known && known.passwordHash !== null) {
      return done(
        { ...document, invitation: null },
        `${user.email} is an Owner, with the password that they have`,
      );
    }
    const { token, expiresAt } = await issueInvitation(workspace, trx, actor, user);
    const url = `${issuer}/invitation?${new URLSearchParams({ token })}`;
    return done(
      { ...document, invitation: { url, expires_at: expiresAt } },
      `${user.email} is an Owner, and chooses a password here, once, until ${shownInstant(expiresAt)}:\n${url}`,
    );
  });
}

/** Finds the role; in a database that no server has started on, the built-in ones are made first. */
async function ownerRole(workspace: Workspace): Promise<Role> {
  const found = await workspace.roles.findBySlug(ownerSlug);
  if (found) return found;
  const imports = createOrganizationImport({
    ...workspace,
    builtInRoles: readBuiltInRoles(shippedFiles().roles, workspace.catalogue),
    passwords: createPasswords(),
  });
  const planned = await imports.plan(emptyOrganization);
  if (planned.outcome !== 'refused') await imports.apply(workspace.actor, planned.plan);
  const made = await workspace.roles.findBySlug(ownerSlug);
  if (!made) throw new Error('the built-in roles cannot be made: look at config/roles.yaml');
  return made;
}
