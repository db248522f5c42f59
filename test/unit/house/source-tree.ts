import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Source files by their path from the root of the repository, with `/` between the parts. */
export type SourceTree = ReadonlyMap<string, string>;

const folders = ['src', 'db', 'test', 'examples'];

/** Reads every source file of the house. */
export function readSourceTree(): SourceTree {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const tree = new Map<string, string>();
  for (const folder of folders) {
    for (const entry of readdirSync(`${root}${folder}`, { recursive: true, withFileTypes: true })) {
      const path = `${entry.parentPath}/${entry.name}`;
      if (!entry.isFile() || !/\.[cm]?[jt]s$/.test(entry.name) || path.includes('/node_modules/')) continue;
      tree.set(path.slice(root.length), readFileSync(path, 'utf8'));
    }
  }
  return tree;
}
