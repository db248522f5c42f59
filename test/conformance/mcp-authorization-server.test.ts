/** The official conformance runner of the Model Context Protocol, with a person at its browser step. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { freePort } from '../support/free-port.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { registerClient } from '../support/oauth-requests.ts';

const runner = fileURLToPath(
  new URL('../../node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url),
);

interface Check {
  readonly id: string;
  readonly status: string;
  readonly errorMessage?: string;
}

interface Run {
  readonly exitCode: number | null;
  readonly printed: string;
  readonly checks: readonly Check[];
}

let mandate: TestMandate;
beforeAll(async () => {
  mandate = await startMandate();
});
afterAll(() => mandate.stop());

const clients = {
  'mandate-cli': async () => demo.cli.id,
  'a client that registered itself': async (port: number) =>
    String((await registerClient(mandate.issuer, `http://127.0.0.1:${port}/callback`)).client_id),
};

describe.each(Object.entries(clients))('the authorization-server scenarios, as %s', (_, clientId) => {
  test.each([
    ['without a resource', undefined],
    ['for an MCP server', demo.atlasFlows],
  ])(
    'pass %s',
    async (_case, resource) => {
      const port = await freePort();
      const { exitCode, printed, checks } = await runConformance(port, await clientId(port), resource);
      expect(Object.fromEntries(checks.map(({ id, status }) => [id, status]))).toEqual({
        'authorization-server-metadata': 'SUCCESS',
        'authorization-server-metadata-cimd': 'SUCCESS',
        'authorization-code-grant': 'SUCCESS',
      });
      expect(printed).toContain('Total: 3 passed, 0 failed');
      expect(exitCode).toBe(0);
    },
    60_000,
  );
});

const offered = offeredScenarios();

test('the runner offers these scenarios, each for versions that are run below', () => {
  expect([...offered.keys()]).toEqual(['authorization-server-metadata-endpoint', 'authorization-code-grant']);
  expect(versionsOf(offered)).toEqual(['2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28']);
});

test.each(versionsOf(offered))(
  'every scenario of %s passes',
  async (version) => {
    const port = await freePort();
    const clientId = await clients['a client that registered itself'](port);
    const { exitCode, printed, checks } = await runConformance(port, clientId, demo.atlasFlows, version);
    expect(checks.filter(({ status }) => status !== 'SUCCESS')).toEqual([]);
    const scenarios = [...offered].filter(([, versions]) => versions.includes(version));
    for (const [scenario] of scenarios) expect(printed).toContain(scenario);
    expect(printed).toContain(`Total: ${checks.length} passed, 0 failed`);
    // Metadata documents are not asked about before 2025-11-25.
    expect([exitCode, checks.length]).toEqual([0, version < '2025-11-25' ? 2 : 3]);
  },
  60_000,
);

/** Asks the runner what it has for an authorization server: scenario → versions of the specification. */
function offeredScenarios(): ReadonlyMap<string, readonly string[]> {
  const listed = execFileSync(process.execPath, [runner, 'list', '--authorization'], { encoding: 'utf8' });
  const lines = [...listed.matchAll(/^ +- (\S+) \[(.*)\]$/gm)];
  return new Map(lines.map(([, scenario = '', versions = '']) => [scenario, versions.split(',')]));
}

function versionsOf(scenarios: ReadonlyMap<string, readonly string[]>): string[] {
  return [...new Set([...scenarios.values()].flat())].toSorted();
}

/** Runs every scenario, or those of one version, and plays the person when the runner prints where to go. */
async function runConformance(
  port: number,
  clientId: string,
  resource: string | undefined,
  version?: string,
): Promise<Run> {
  const results = await mkdtemp(join(tmpdir(), 'mandate-conformance-'));
  const child = spawn(process.execPath, [
    ...[runner, 'authorization', '--url', mandate.issuer, '--client-id', clientId],
    ...['--port', String(port), '--output-dir', results],
    ...(resource === undefined ? [] : ['--resource', resource]),
    ...(version === undefined ? [] : ['--spec-version', version]),
  ]);
  let printed = '';
  let person: Promise<void> | undefined;
  child.stderr.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
    const address = /^http\S+\/authorize\?\S+$/m.exec(printed)?.[0];
    const listens = printed.includes('Callback server started');
    if (address && listens) person ??= consent(address, resource);
  });
  try {
    const exitCode = await new Promise<number | null>((resolve) => void child.once('close', resolve));
    await person;
    return { exitCode, printed, checks: await readChecks(results) };
  } finally {
    child.kill();
    await rm(results, { recursive: true, force: true });
  }
}

async function consent(address: string, resource: string | undefined): Promise<void> {
  const browser = createBrowserlessClient(mandate.issuer);
  const signIn = await browser.get(address, { follow: true });
  const answers = { Email: 'editor@acme.test', Password: demo.password };
  const page = await browser.submit(signIn, 'Sign in', answers, { follow: true });
  const choice = resource === undefined ? { api: true } : { mcp: true, 'atlas-flows': true };
  const { location } = await browser.submit(page, 'Authorize', choice, { follow: true });
  await fetch(location ?? '');
}

async function readChecks(folder: string): Promise<Check[]> {
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('checks.json'));
  const lists = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
  return lists.flatMap((text) => JSON.parse(text) as Check[]);
}
