/** Every block of docs/kit.md, run as a reader would, and every export of the kit on that page. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { exportJWK, generateKeyPair } from 'jose';
import { blocksOf, createWorkbench, type Workbench } from '../support/guide.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { tokenByCode } from '../support/oauth.ts';

const docs = join(import.meta.dirname, '../../docs');
const page = join('..', 'kit.md');

/** Block → what it prints. */
const prints: Readonly<Record<string, RegExp>> = {
  'ask.mjs': /^editor@acme\.test: api flows:edit$/,
  'signed.mjs': /^\{ active: false \}$/,
  'remember.mjs': /^true$/,
  'guard.mjs':
    /^403 http:\/\/localhost:\d+\/account\/authorizations\/az_\w+\?add=flows%3Aedit&project=borealis$/,
  'adapters.mjs': /^$/,
  'dpop.mjs': /^Bearer resource_metadata=".+", DPoP algs="ES256 EdDSA"$/,
  'metadata.mjs':
    /^\/\.well-known\/oauth-protected-resource\/api http:.*\n\{[^}]*resource_name: 'Acme'\n\}$/s,
  'uses.mjs': /^$/,
  'mcp.mjs': /^insufficient_scope: .*\n\[ 'api', 'flows:edit' \]$/,
  'parts.mjs':
    /^\[ 'api', 'flows:edit' \] \[ 'flows:edit' \] undefined\nBearer error="insufficient_scope".*\nDPoP algs="ES256" introspection_unavailable$/,
};

let mandate: TestMandate;
let workbench: Workbench;
let environment: Record<string, string>;
beforeAll(async () => {
  mandate = await startMandate();
  workbench = await createWorkbench();
  const pair = await generateKeyPair('ES256', { extractable: true });
  const jwks = { keys: [{ ...(await exportJWK(pair.publicKey)), alg: 'ES256' }] };
  const audiences = [demo.atlasFlows, demo.borealisReports];
  await mandate.stores.resourceServers.save({ id: 'test' }, { name: demo.mcpServer.id, audiences, jwks });
  const { access_token: token = '' } = await tokenByCode(mandate.issuer, {
    email: 'editor@acme.test',
    answers: { api: true, 'flows:edit': true, atlas: true },
  });
  environment = {
    ISSUER: mandate.issuer,
    CLIENT_ID: demo.apiServer.id,
    CLIENT_SECRET: demo.apiServer.secret,
    SIGNER_ID: demo.mcpServer.id,
    PRIVATE_KEY: JSON.stringify({ ...(await exportJWK(pair.privateKey)), alg: 'ES256' }),
    RESOURCE: demo.api,
    TOKEN: token,
  };
});
afterAll(async () => {
  await workbench.clear();
  await mandate.stop();
});

test.each(Object.entries(prints))('%s does what the page says', async (name, expected) => {
  const program = await workbench.write(name, (await blocksOf(page)).get(name) ?? '');
  const { code, stdout, stderr } = await workbench.run(process.execPath, [program], environment);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout.trimEnd()).toMatch(expected);
});

test('there is no block that is not run, and no export that no block shows', async () => {
  const blocks = await blocksOf(page);
  expect([...blocks.keys()].sort()).toEqual(Object.keys(prints).sort());
  const index = await readFile(join(docs, '../src/resource-server/index.ts'), 'utf8');
  const names = [...index.matchAll(/export (?!type )\{([^}]*)\}/g)].flatMap(([, list = '']) =>
    list.split(',').map((name) => name.trim()),
  );
  const values = names.filter((name) => name !== '' && !name.startsWith('type '));
  expect(values.length).toBeGreaterThan(20);
  const shown = [...blocks.values()].join('\n');
  expect(values.filter((name) => !new RegExp(`\\b${name}\\b`).test(shown))).toEqual([]);
});
