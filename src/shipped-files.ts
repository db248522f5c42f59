import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Paths of the files under `config/` that come with Mandate. */
export interface ShippedFiles {
  readonly capabilities: string;
  readonly roles: string;
  readonly demo: string;
  /** The folder of the message catalogues. */
  readonly messages: string;
}

/**
 * Finds the files that come with Mandate, from the sources and from a build alike.
 * @throws Error when the installation has no `config` folder
 */
export function shippedFiles(): ShippedFiles {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const config = join(folder, 'config');
    if (existsSync(join(config, 'capabilities.yaml'))) {
      return {
        capabilities: join(config, 'capabilities.yaml'),
        roles: join(config, 'roles.yaml'),
        demo: join(config, 'demo.yaml'),
        messages: join(config, 'messages'),
      };
    }
    if (dirname(folder) === folder)
      throw new Error('config/capabilities.yaml is not part of this installation');
  }
}

/** The version of this installation. */
export function readVersion(): string {
  const file = join(dirname(dirname(shippedFiles().capabilities)), 'package.json');
  return existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
    : 'unknown';
}
