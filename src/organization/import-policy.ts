import { policyDifferences } from '../policies/policy-differences.ts';
import type { Catalogue } from '../policy/vocabulary.ts';
import { ImportRefused } from './import-diff.ts';
import { type ImportRun, verb } from './import-steps.ts';
import type { OrganizationFile } from './organization-file.ts';
import { policyOfSection } from './policy-section.ts';

/** Replaces the policy by what a file says; one that says nothing of it leaves it. */
export async function importPolicy(
  { trx, actor, policies, entries }: ImportRun,
  { policy: section }: OrganizationFile,
  catalogue: Catalogue,
): Promise<void> {
  if (!section) return;
  const { policy: before } = await policies.read(trx);
  const after = policyOfSection(section);
  // What the catalogue has lost since it was set is not the file's mistake.
  const unknown = [...after.capabilities.keys()].find(
    (name) => !catalogue.has(name) && !before.capabilities.has(name),
  );
  if (unknown !== undefined) throw new ImportRefused(`policy: there is no capability ${unknown}`);
  await policies.replace(trx, actor, after);
  const details = policyDifferences(before, after);
  entries.push({ subject: 'policy', name: 'organization', action: verb(details.length > 0), details });
}
