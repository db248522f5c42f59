/** What `npm run build` makes, laid out as it is installed: the files that are published, and beside them the native packages alone. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '../..');
/** What a built server looks for outside of itself. The Containerfile takes the same two along. */
const installed = ['better-sqlite3', '@node-rs'];

export interface Installation {
  readonly folder: string;
  /** The program behind `mandate`. */
  readonly cli: string;
  /** Loads `mandate/resource-server`. */
  importKit(): Promise<Readonly<Record<string, unknown>>>;
  remove(): void;
}

/** Builds into a folder of its own. @throws Error with what was written when it does not build */
export async function buildInstallation(): Promise<Installation> {
  const folder = mkdtempSync(join(tmpdir(), 'mandate-installation-'));
  const build = join(root, 'tools/build.ts');
  await promisify(execFile)(process.execPath, [build, '--to', join(folder, 'dist')]);
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    files: string[];
    bin: { mandate: string };
    exports: { './resource-server': { default: string } };
  };
  for (const name of ['package.json', ...manifest.files.filter((name) => name !== 'dist')]) {
    cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  mkdirSync(join(folder, 'node_modules'));
  for (const name of installed) {
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
  return {
    folder,
    cli: join(folder, manifest.bin.mandate),
    importKit: () => import(pathToFileURL(join(folder, manifest.exports['./resource-server'].default)).href),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
