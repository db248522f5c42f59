/** A tool that is refused, the link that comes with it, and the person who follows it: nothing changes before they save. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Platform } from '../../examples/platform/platform.ts';
import { signIn } from '../support/account.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, type TestMandate } from '../support/mandate.ts';
import { codeFlow } from '../support/oauth-requests.ts';
import { startPlatformOnMandate } from '../support/platform-on-mandate.ts';

let mandate: TestMandate;
let platform: Platform;
let stop: () => Promise<void>;
let origin: string;
beforeAll(async () => {
  ({ mandate, platform, stop } = await startPlatformOnMandate());
  ({ origin } = platform);
});
afterAll(async () => {
  await stop();
});

const tokenOf = async (email: string) => {
  const { body } = await codeFlow(mandate.issuer, { email, request: { scope: 'api' } });
  return body.access_token ?? '';
};
const createFlow = (token: string, project = 'atlas') =>
  fetch(`${origin}/api/projects/${project}/flows`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Made after widening' }),
  });
const linkIn = async (response: Response) => {
  const body = (await response.json()) as { authorization_page?: string };
  return body.authorization_page ?? '';
};

test('its page has the missing items chosen, saves nothing by itself, and one click widens the token in the field', async () => {
  const token = await tokenOf('editor@acme.test');
  const refused = await createFlow(token);
  expect(refused.status).toBe(403);
  const link = await linkIn(refused);
  expect(refused.headers.get('www-authenticate')).toContain(`authorization_page="${link}"`);

  const editor = await signIn(mandate.issuer, 'editor@acme.test');
  const page = await editor.get(link);
  expect(page.text).toContain('A tool needs more: flows:edit and atlas.');
  expect((await createFlow(token)).status).toBe(403);
  expect((await editor.get(new URL(link).pathname)).text).not.toContain('A tool needs more');

  const saved = await editor.submit(page, 'Save', {}, { follow: true });
  expect(saved.text).toContain('can edit flows in atlas from now on');
  expect((await createFlow(token)).status).toBe(201);
  expect((await editor.get(link)).text).toContain('is part of this authorization already');
});

test('somebody who is not signed in gets there by signing in', async () => {
  const link = await linkIn(await createFlow(await tokenOf('editor@acme.test')));
  const browser = createBrowserlessClient(mandate.issuer);
  const first = await browser.get(link, { follow: true });
  const credentials = { Email: 'editor@acme.test', Password: demo.password };
  const page = await browser.submit(first, 'Sign in', credentials, { follow: true });
  expect(page.text).toContain('A tool needs more');
});

test('what its owner does not hold is not offered, and somebody else sees nothing', async () => {
  const link = await linkIn(await createFlow(await tokenOf('viewer@acme.test')));
  const viewer = await signIn(mandate.issuer, 'viewer@acme.test');
  const page = await viewer.get(link);
  expect(page.text).toContain('A tool needs something that you cannot hand over');
  const stranger = await signIn(mandate.issuer, 'analyst@acme.test');
  expect((await stranger.get(link)).status).toBe(404);
});

test.each([
  'add=flows:edit&project=no-such-project',
  `add=${'x%20'.repeat(400)}`,
  'add=<script>alert(1)</script>&project=%00&mcp_server=javascript:alert(1)',
  'add=__proto__&project=constructor',
  'add=api&add=mcp&project=a&project=b',
])('whatever the address says, the page is a page: %#', async (query) => {
  const token = await tokenOf('editor@acme.test');
  const { pathname } = new URL(await linkIn(await createFlow(token)));
  const editor = await signIn(mandate.issuer, 'editor@acme.test');
  const page = await editor.get(`${pathname}?${query}`);
  expect(page.status).toBe(200);
  expect(page.body).not.toContain('<script>alert');
});
