import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '../../..');
const read = (name: string) => readFileSync(join(root, name), 'utf8');

interface Manifest {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}
interface Lock {
  packages: Record<
    string,
    {
      resolved?: string;
      integrity?: string;
      link?: boolean;
      deprecated?: string;
      optionalDependencies?: Record<string, string>;
    }
  >;
}
const readLock = () => JSON.parse(read('package-lock.json')) as Lock;
const manifest = JSON.parse(read('package.json')) as Manifest;

test('every production dependency is justified in one line of docs/dependencies.md, and no line is left over', () => {
  const rows = [...read('docs/dependencies.md').matchAll(/^\| `([^`]+)` \| (.+) \|$/gm)];
  expect(rows.map(([, name]) => name).sort()).toEqual(Object.keys(manifest.dependencies).sort());
  for (const [, , reason = ''] of rows) expect(reason.length).toBeGreaterThan(10);
});

test('versions are exact, nothing is given up by its authors, and the lock file says where nothing comes from', () => {
  const versions = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
  for (const [name, version] of versions) {
    expect(`${name} ${version}`).toMatch(/ (\d+\.\d+\.\d+(-[\w.]+)?|file:tools\/\w+)$/);
  }
  const lock = readLock();
  const entries = Object.entries(lock.packages).filter(([path]) => path.startsWith('node_modules/'));
  expect(entries.length).toBeGreaterThan(100);
  for (const [path, { resolved, integrity, link, deprecated }] of entries) {
    // npm notes there what its authors have given up.
    expect({ path, deprecated }).toEqual({ path, deprecated: undefined });
    expect({ path, address: /^\w+:\/\//.test(resolved ?? '') }).toEqual({ path, address: false });
    expect({ path, hashed: integrity !== undefined || link === true }).toEqual({ path, hashed: true });
  }
});

test('the lock file knows the packages of every platform, or npm ci would refuse it', () => {
  const entries = Object.entries(readLock().packages);
  const known = new Set(
    entries.map(([path]) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)),
  );
  const missing = entries.flatMap(([, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) => !known.has(name)),
  );
  expect(missing).toEqual([]);
});
