/** The licences of the packages within a bundle: each asks that its text goes where its code goes. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly license?: string;
  readonly author?: string | { readonly name: string };
}

/**
 * Writes name, version, licence and the licence's text of every package, in the order of their names.
 * @param modules paths of the modules in the bundle
 * @throws Error when a package says nothing of its licence
 */
export function thirdPartyNotices(modules: readonly string[]): string {
  const folders = new Set(
    modules.flatMap((module) => /^(?:.*[\\/])?node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(module) ?? []),
  );
  const notices = new Map([...folders].map((folder) => noticeOf(folder)));
  const sorted = [...notices].sort(([one], [other]) => (one < other ? -1 : 1));
  return [
    'Mandate is built with the packages below, which are part of the files in the folder server.',
    ...sorted.map(([title, text]) => `${'-'.repeat(80)}\n${title}\n\n${text}`),
  ]
    .join('\n\n')
    .concat('\n');
}

function noticeOf(folder: string): [title: string, text: string] {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  const { name, version, license, author } = manifest;
  if (!license) throw new Error(`${folder} says nothing of its licence`);
  const files = existsSync(folder)
    ? readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
    : [];
  const texts = files.sort().map((file) => readFileSync(join(folder, file), 'utf8').trim());
  const by = typeof author === 'string' ? author : author?.name;
  // A few packages ship no text of the licence that they name.
  return [`${name} ${version} (${license})`, texts.join('\n\n') || `${license}${by ? `, by ${by}` : ''}`];
}
