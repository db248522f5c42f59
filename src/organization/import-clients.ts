import { isDeepStrictEqual } from 'node:util';
import type { Choice } from '../authorizations/choice-columns.ts';
import type { Catalogue } from '../policy/vocabulary.ts';
import { ImportRefused } from './import-diff.ts';
import { type ImportRun, verb } from './import-steps.ts';
import type { ClientEntry, OrganizationFile } from './organization-file.ts';

/** Makes and changes clients, and the authorization of each one that acts as a service account. */
export async function importClients(
  run: ImportRun,
  file: OrganizationFile,
  catalogue: Catalogue,
): Promise<void> {
  for (const entry of file.clients) {
    const accountId = await serviceAccountOf(run, entry);
    const before = await run.clients.find(entry.id);
    const saved = await run.clients.saveRegistered(run.actor, {
      id: entry.id,
      metadata: entry.metadata,
      serviceAccountId: accountId,
      ...(entry.secret === undefined ? {} : { secret: entry.secret }),
    });
    if (saved.outcome === 'other_kind') {
      throw new ImportRefused(`client ${entry.id}: registered itself (${saved.kind}); choose another id`);
    }
    const details: string[] = [];
    if (before) {
      if (!isDeepStrictEqual(before.metadata, saved.client.metadata)) details.push('metadata');
      if (before.secretHash !== saved.client.secretHash) details.push('secret');
      if (before.serviceAccountId !== saved.client.serviceAccountId) details.push('service account');
    }
    const { enabled } = entry;
    const switched = enabled !== undefined && enabled === saved.client.disabled;
    if (switched) {
      await (enabled ? run.clients.enable(run.actor, entry.id) : run.clients.disable(run.actor, entry.id));
      details.push(enabled ? 'enable' : 'disable');
    }
    run.entries.push({
      subject: 'client',
      name: entry.id,
      action: before ? verb(saved.changed || switched) : 'create',
      details,
    });
    if (accountId !== null) await importAuthorization(run, entry, accountId, catalogue);
    else if (before?.serviceAccountId) await endAuthorization(run, entry, before.serviceAccountId);
  }
}

/** Ends what a client holds of the account that it acts as no more: its tokens go with it. */
async function endAuthorization(
  { trx, actor, authorizations, entries }: ImportRun,
  { id }: ClientEntry,
  userId: string,
): Promise<void> {
  const known = await authorizations.findByClient(id, trx);
  if (known?.userId !== userId) return;
  await authorizations.revoke(actor, known.id, trx);
  entries.push({ subject: 'authorization', name: id, action: 'update', details: ['revoke'] });
}

async function serviceAccountOf(
  run: ImportRun,
  { id, service_account: email }: ClientEntry,
): Promise<string | null> {
  if (email === undefined) return null;
  const account = await run.users.findByEmail(email);
  if (account?.kind !== 'service_account')
    throw new ImportRefused(`client ${id}: there is no service account ${email}`);
  return account.id;
}

/** Sees to it that the client of a service account has one authorization, and that it says what the file says. */
async function importAuthorization(
  { trx, actor, authorizations, entries, ...run }: ImportRun,
  entry: ClientEntry,
  userId: string,
  catalogue: Catalogue,
): Promise<void> {
  const followsOwner = entry.authorization === undefined;
  const choice = await choiceOf(run, entry, catalogue);
  const known = await authorizations.findByClient(entry.id, trx);
  const same = known && known.userId === userId && known.followsOwner === followsOwner;
  if (same && isDeepStrictEqual(sliceOf(known), sliceOf(choice))) {
    entries.push({ subject: 'authorization', name: entry.id, action: 'unchanged', details: [] });
    return;
  }
  if (same) {
    await authorizations.replaceChoice(trx, actor, known.id, {
      ...choice,
      asked: known.asked,
      expiresAt: known.expiresAt,
    });
  } else {
    if (known) await authorizations.revoke(actor, known.id, trx);
    await authorizations.insert(trx, actor, {
      kind: 'oauth2',
      userId,
      clientId: entry.id,
      followsOwner,
      ...choice,
    });
  }
  const details = [followsOwner ? 'whatever its service account may do' : `${choice.capabilities.join(' ')}`];
  entries.push({ subject: 'authorization', name: entry.id, action: known ? 'update' : 'create', details });
}

async function choiceOf(
  run: Pick<ImportRun, 'projects' | 'roles' | 'mcpServers'>,
  { id, authorization }: ClientEntry,
  catalogue: Catalogue,
): Promise<Choice> {
  const capabilities = authorization?.capabilities ?? [];
  const unknown = capabilities.find((name) => !catalogue.has(name));
  if (unknown !== undefined) throw new ImportRefused(`client ${id}: there is no capability ${unknown}`);
  const projects = [];
  for (const [slug, roleSlugs] of Object.entries(authorization?.projects ?? {})) {
    const project = await run.projects.findBySlug(slug);
    if (!project) throw new ImportRefused(`client ${id}: there is no project ${slug}`);
    const roles = [];
    for (const roleSlug of roleSlugs) {
      const role = await run.roles.findBySlug(roleSlug);
      if (!role) throw new ImportRefused(`client ${id}: there is no role ${roleSlug}`);
      roles.push(role.id);
    }
    projects.push({ id: project.id, roles });
  }
  const mcpServers = [];
  for (const name of authorization?.mcp_servers ?? []) {
    const server = await run.mcpServers.findByName(name);
    if (!server) throw new ImportRefused(`client ${id}: there is no MCP server ${name}`);
    mcpServers.push(server.id);
  }
  return { capabilities, projects, mcpServers, asked: capabilities, expiresAt: null };
}

const sliceOf = ({
  capabilities,
  projects,
  mcpServers,
}: Pick<Choice, 'capabilities' | 'projects' | 'mcpServers'>) => ({
  capabilities,
  projects,
  mcpServers,
});
