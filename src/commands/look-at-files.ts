/** Whether the files that the settings name can be started with, and whether the issuers in them have keys to show. */
import { readAssertionIssuers } from '../assertion-settings.ts';
import { readCatalogue } from '../catalogue.ts';
import { readPublicKeys } from '../clients/client-keys.ts';
import { type Config, ConfigurationError } from '../config.ts';
import type { AssertionIssuer } from '../oauth/assertion-issuer.ts';
import { askForKeys } from '../oauth/assertion-keys.ts';
import { shippedFiles } from '../shipped-files.ts';
import { readUpstreamProviders } from '../upstream-settings.ts';

interface Look {
  readonly what: 'sign-in providers' | 'assertion issuers';
  readonly well: boolean;
  readonly detail: string;
}

/** Looks at each file that is named; says nothing of the others. */
export async function lookAtFiles(config: Config): Promise<Look[]> {
  const { upstreamFile, assertionIssuersFile, production } = config;
  const looks: Look[] = [];
  if (upstreamFile !== undefined) {
    looks.push(
      await look('sign-in providers', async () =>
        readUpstreamProviders(upstreamFile, production).map(({ name }) => ({ name })),
      ),
    );
  }
  if (assertionIssuersFile !== undefined) {
    looks.push(
      await look('assertion issuers', async () => {
        const capabilities = readCatalogue(shippedFiles().capabilities).keys();
        const issuers = await readAssertionIssuers(assertionIssuersFile, { ...config, capabilities });
        return Promise.all(
          issuers.map(async (issuer) => ({ name: issuer.name, trouble: await troubleWithKeys(issuer) })),
        );
      }),
    );
  }
  return looks;
}

async function look(
  what: Look['what'],
  read: () => Promise<{ readonly name: string; readonly trouble?: string | undefined }[]>,
): Promise<Look> {
  try {
    const found = await read();
    const troubles = found.flatMap(({ name, trouble }) => (trouble ? [`${name}: ${trouble}`] : []));
    if (troubles.length > 0) return { what, well: false, detail: troubles.join('; ') };
    return { what, well: true, detail: found.map(({ name }) => name).join(', ') };
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return { what, well: false, detail: error.problems.join('; ') };
  }
}

/** @returns why its keys cannot be had; undefined when they can */
async function troubleWithKeys(issuer: AssertionIssuer): Promise<string | undefined> {
  const got = await askForKeys(issuer);
  if (got.kind !== 'answer') return `its keys cannot be had: ${got.reason}`;
  if (got.status !== 200) return `its keys cannot be had: the host answered ${got.status}`;
  let written: unknown;
  try {
    written = JSON.parse(got.body.toString('utf8'));
  } catch {
    return 'its keys are not JSON';
  }
  const read = await readPublicKeys(written);
  return read.kind === 'keys' ? undefined : `its keys: ${read.reason}`;
}
