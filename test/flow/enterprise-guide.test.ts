/** docs/enterprise.md, run as a reader would: its file of issuers, its command, its tool and its request. */
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Platform } from '../../examples/platform/platform.ts';
import { movableClock } from '../support/clock.ts';
import { blocksOf, createWorkbench, type Workbench } from '../support/guide.ts';
import {
  assistant,
  type IdentityProvider,
  issuersIn,
  startIdentityProvider,
} from '../support/identity-provider.ts';
import { administratorsCommandLine } from '../support/logged-in-command-line.ts';
import type { MandateOptions, TestMandate } from '../support/mandate.ts';
import { startPlatformOnMandate } from '../support/platform-on-mandate.ts';

const clock = movableClock();
const issuers: NonNullable<MandateOptions['assertionIssuers']>[number][] = [];
let idp: IdentityProvider;
let mandate: TestMandate;
let platform: Platform;
let stop: () => Promise<void>;
let workbench: Workbench;
let blocks: ReadonlyMap<string, string>;
let secret: string;

beforeAll(async () => {
  idp = await startIdentityProvider(clock);
  ({ mandate, platform, stop } = await startPlatformOnMandate({ clock, assertionIssuers: issuers }));
  idp.audience = mandate.issuer;
  idp.people.set('u-1', { email: 'editor@acme.test', email_verified: true });
  workbench = await createWorkbench();
  await chmod(join(workbench.folder, 'mandate'), 0o755);
  blocks = await blocksOf('../enterprise.md');
});
afterAll(async () => {
  await workbench.clear();
  await stop();
  await idp.stop();
});

const atlas = () => `${platform.origin}/mcp/atlas`;
const block = (name: string) => {
  const content = blocks.get(name);
  if (content === undefined) throw new Error(`there is no block ${name}`);
  return content;
};

test('the file of issuers can be started with', async () => {
  const text = block('issuers.yaml')
    .replaceAll('https://login.acme.example', idp.issuer)
    .replaceAll('https://mcp.acme.example/atlas', atlas())
    .replaceAll('acme.example', 'acme.test');
  issuers.push(...(await issuersIn(text)));
  expect(issuers).toMatchObject([{ issuer: idp.issuer, clients: ['acme-assistant'], tokenSeconds: 900 }]);
});

test('the command registers the client', async () => {
  const [program, ...words] = (block('register.sh').match(/"[^"]*"|\S+/g) ?? []).map((word) =>
    word.replaceAll('"', ''),
  );
  expect(program).toBe('mandate');
  const admin = await administratorsCommandLine(mandate.issuer, 'admin@acme.test');
  const made = await admin.json<{ client_secret: string }>(...words);
  secret = made.client_secret;
});

test('the tool calls its MCP server as the person', async () => {
  await workbench.write('assistant.mjs', block('assistant.mjs'));
  const { code, stdout, stderr } = await workbench.run(process.execPath, ['assistant.mjs'], {
    IDP: idp.issuer,
    ID_TOKEN: await idp.idToken('u-1'),
    IDP_CLIENT_ID: assistant.there.id,
    IDP_CLIENT_SECRET: assistant.there.secret,
    ISSUER: mandate.issuer,
    CLIENT_ID: 'acme-assistant',
    CLIENT_SECRET: secret,
    MCP_SERVER: atlas(),
  });
  expect([code, stderr]).toEqual([0, '']);
  expect(JSON.parse(stdout)).toMatchObject({ username: 'editor@acme.test', scopes: ['mcp'] });
});

test('the request by hand gets a token for as long as the entry says', async () => {
  await workbench.write('present.sh', block('present.sh'));
  const claims = { client_id: 'acme-assistant', resource: atlas(), ...idp.people.get('u-1') };
  const { stdout } = await workbench.run('sh', ['present.sh'], {
    ISSUER: mandate.issuer,
    CLIENT_ID: 'acme-assistant',
    CLIENT_SECRET: secret,
    ASSERTION: await idp.mint({ claims }),
  });
  expect(JSON.parse(stdout)).toMatchObject({ token_type: 'Bearer', expires_in: 900, scope: 'mcp' });
});

test('there is no block that none of these tests runs', () => {
  expect([...blocks.keys()]).toEqual(['issuers.yaml', 'register.sh', 'assistant.mjs', 'present.sh']);
});
