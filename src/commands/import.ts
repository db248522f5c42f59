import { createPasswords } from '../directory/passwords.ts';
import { createSigningKeys } from '../oauth/signing-keys.ts';
import { readBuiltInRoles } from '../organization/built-in-roles.ts';
import type { ImportEntry } from '../organization/import-diff.ts';
import { OrganizationFileError, readOrganizationFile } from '../organization/organization-file.ts';
import { createOrganizationImport } from '../organization/organization-import.ts';
import { shippedFiles } from '../shipped-files.ts';
import { type Answer, refused } from './answer.ts';
import { type ProposalOptions, propose } from './proposal.ts';
import type { Terminal } from './terminal.ts';
import type { Workspace } from './workspace.ts';

/** `import`: shows what would change, asks, and does it. */
export async function importFile(
  workspace: Workspace,
  terminal: Terminal,
  path: string,
  options: ProposalOptions,
): Promise<Answer> {
  return propose(terminal, options, 'Apply?', async () => {
    const file = readFileOrProblem(path);
    if (typeof file === 'string') return refused(file);
    // Secrets in the file are compared and kept as hashes under ours.
    await createSigningKeys(workspace).check();
    const builtInRoles = readBuiltInRoles(shippedFiles().roles, workspace.catalogue);
    const imports = createOrganizationImport({ ...workspace, builtInRoles, passwords: createPasswords() });
    const planned = await imports.plan(file);
    if (planned.outcome === 'refused') return refused(planned.problem);
    const { plan } = planned;
    const changed = plan.entries.filter(({ action }) => action !== 'unchanged');
    return {
      document: { changes: changed, unchanged: plan.entries.length - changed.length },
      text: describe(plan.entries),
      empty: changed.length === 0,
      async apply() {
        const applied = await imports.apply(workspace.actor, plan);
        if (applied.outcome === 'refused') return refused(applied.problem);
        return applied.outcome === 'changed_meanwhile'
          ? refused('the database changed meanwhile: look at it again')
          : undefined;
      },
    };
  });
}

function readFileOrProblem(path: string) {
  try {
    return readOrganizationFile(path);
  } catch (error) {
    if (error instanceof OrganizationFileError) return error.message;
    if (error instanceof Error && 'code' in error) return `${path} cannot be read (${error.code})`;
    throw error;
  }
}

const signs = { create: '+', update: '~', unchanged: ' ' } as const;

/** Writes a plan down for people. Pure. */
function describe(entries: readonly ImportEntry[]): string {
  const changed = entries.filter(({ action }) => action !== 'unchanged');
  const lines = changed.map(({ subject, name, action, details }) => {
    const head = `${signs[action]} ${subject.replaceAll('_', ' ')} ${name}`;
    return [head, ...details.map((detail) => `    ${detail}`)].join('\n');
  });
  const counts = `${changed.length} to change, ${entries.length - changed.length} as they should be`;
  return [...lines, counts].join('\n');
}
