/**
 * Writes `src/directory/leaked-passwords.ts` from the dictionary of zxcvbn, a package that is no dependency:
 *
 *     npm install --no-save --prefix zxcvbn @zxcvbn-ts/language-common@4.1.3
 *     node tools/common-passwords.ts zxcvbn/node_modules/@zxcvbn-ts/language-common
 */
import { hash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bytesEach, fold } from '../src/directory/leaked-passwords-format.ts';
import { shortestPassword } from '../src/directory/new-password.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('name the folder of @zxcvbn-ts/language-common');
const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
const { dictionary } = (await import(pathToFileURL(join(folder, 'dist/index.mjs')).href)) as {
  dictionary: { 'passwords-common': string[] };
};
const long = new Set(
  dictionary['passwords-common'].map(fold).filter((one) => one.length >= shortestPassword),
);
const hashes = [...long]
  .map((one) => hash('sha256', one, 'buffer').subarray(0, bytesEach))
  .sort(Buffer.compare);
writeFileSync(
  join(import.meta.dirname, '../src/directory/leaked-passwords.ts'),
  `/**
 * Written by \`tools/common-passwords.ts\`; do not edit. ${long.size} passwords of the leaked ones that are used most, by the beginnings of
 * their SHA-256, in order: those of at least ${shortestPassword} characters in @zxcvbn-ts/language-common ${version}, MIT licence,
 * copyright 2012-2016 Dan Wheeler and Dropbox, Inc., copyright 2021 @zxcvbn-ts (https://github.com/zxcvbn-ts/zxcvbn).
 */
export const leakedPasswords =
  '${Buffer.concat(hashes).toString('base64')}';
`,
);
