import { writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { exportOrganization } from '../organization/organization-export.ts';
import { type Answer, done, refused } from './answer.ts';
import { harmless } from './harmless.ts';
import type { Terminal } from './terminal.ts';
import type { Workspace } from './workspace.ts';

const head =
  '# An organization as `mandate import` reads it. Secrets and passwords are not in it: an import leaves them as they are.\n';

/** `export`: writes the organization down. @param path a file that must not be there yet; the standard output without one */
export async function exportFile(
  workspace: Workspace,
  terminal: Terminal,
  path: string | undefined,
): Promise<Answer> {
  const { file, leftOut } = await exportOrganization(workspace);
  for (const what of leftOut)
    terminal.tell(`left out, for the format has no place for it: ${harmless(what)}`);
  const text = `${head}${stringify(file, { lineWidth: 0 })}`;
  if (path === undefined) return done({ organization: file, left_out: leftOut }, text.trimEnd());
  try {
    await writeFile(path, text, { flag: 'wx' });
  } catch (error) {
    if (error instanceof Error && 'code' in error)
      return refused(`${path} cannot be written (${error.code})`);
    throw error;
  }
  return done({ file: path, left_out: leftOut }, `wrote ${path}`);
}
