import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A Chromium on this machine and the environment that it needs. */
export interface ChromiumProgram {
  readonly path: string;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Finds Debian's Chromium, else unpacks the one that npm brought (once a machine and version, about three seconds).
 * `MANDATE_TEST_CHROMIUM=npm` takes that of npm, whatever else is there.
 */
export async function findChromium(): Promise<ChromiumProgram> {
  const debian = '/usr/bin/chromium';
  if (process.env.MANDATE_TEST_CHROMIUM !== 'npm' && existsSync(debian))
    return { path: debian, environment: {} };
  const folder = await unpacked();
  const environment = {
    // It brings the libraries and the fonts that a bare machine lacks.
    LD_LIBRARY_PATH: join(folder, 'al2023', 'lib'),
    FONTCONFIG_PATH: join(folder, 'fonts'),
    HOME: process.env.HOME ?? folder,
  };
  return { path: join(folder, 'chromium'), environment };
}

async function unpacked(): Promise<string> {
  const manifest = new URL('../../node_modules/@sparticuz/chromium/package.json', import.meta.url);
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
  const folder = join(tmpdir(), `mandate-chromium-${version}-${process.getuid?.() ?? 'user'}`);
  if (existsSync(folder)) {
    if ((await stat(folder)).uid === process.getuid?.()) return folder;
    throw new Error(`${folder} belongs to somebody else; remove it`);
  }
  const staging = await mkdtemp(`${folder}-`);
  try {
    await run(process.execPath, [fileURLToPath(new URL('unpack-chromium.mjs', import.meta.url))], {
      // This name is what makes the package unpack its own libraries beside the browser.
      env: { ...process.env, TMPDIR: staging, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' },
    });
    // The package's own file knows /tmp/fonts alone; a page without fonts has no visible text.
    await writeFile(join(staging, 'fonts', 'fonts.conf'), fontConfiguration(folder));
    await rename(staging, folder).catch((error: NodeJS.ErrnoException) => {
      // Another worker was faster; its copy is whole, because it was renamed as a whole.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return folder;
}

function fontConfiguration(folder: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${join(folder, 'fonts')}</dir>
  <cachedir>${join(folder, 'fonts-cache')}</cachedir>
</fontconfig>
`;
}
