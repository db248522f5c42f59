/** What stands for an artifact's identifier where only the row is known, because identifiers are kept as hashes alone. */
import type { Secrets } from '../secrets.ts';

/** Names a row whose identifier is unknown: nobody outside can forge one, and it opens nothing outside. */
export function writeAlias(key: string, secrets: Secrets): string {
  return `~${key}~${secrets.keyedHash('alias', key)}`;
}

/** Reads the key out of an alias. @returns undefined for anything else, a forged one too */
export function readAlias(id: string, secrets: Secrets): string | undefined {
  if (!id.startsWith('~')) return undefined;
  const [, key = '', mark = ''] = id.split('~');
  return secrets.matches('alias', key, mark) ? key : undefined;
}
