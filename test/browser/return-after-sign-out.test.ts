/** Sign-out for a tool in a real browser: the page's policy lets its form end at the tool, and nowhere else. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { closeBrowser } from '../support/browser.ts';
import { type CallbackListener, startCallbackListener } from '../support/callback-listener.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, pkce } from '../support/oauth.ts';
import { registerClient } from '../support/oauth-requests.ts';
import { openPage, returnBy, signIn } from '../support/person.ts';

let mandate: TestMandate;
let tool: CallbackListener;
beforeAll(async () => {
  mandate = await startMandate();
  tool = await startCallbackListener();
});
afterAll(async () => {
  await closeBrowser();
  await tool.stop();
  await mandate.stop();
});

test('a tool sends its person to sign out, and has them back', async () => {
  const { issuer } = mandate;
  const { redirectUri } = tool;
  const { client_id: id } = await registerClient(issuer, redirectUri, {
    post_logout_redirect_uris: [redirectUri],
  });
  const { verifier, challenge } = pkce();
  const { page, complaints, close } = await openPage([issuer, new URL(redirectUri).origin]);
  const request = new URLSearchParams({
    client_id: String(id),
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  });
  await page.goto(`${issuer}/authorize?${request}`);
  await signIn(page, 'editor@acme.test');
  const back = await returnBy(page, 'Authorize', redirectUri);
  const { body } = await askToken(issuer, {
    grant_type: 'authorization_code',
    client_id: String(id),
    code: back.searchParams.get('code') ?? '',
    redirect_uri: redirectUri,
    code_verifier: verifier,
  });
  const leave = new URLSearchParams({
    id_token_hint: String(body.id_token),
    post_logout_redirect_uri: redirectUri,
    state: 'out',
  });
  await page.goto(`${issuer}/session/end?${leave}`);
  await page.getByText('asks to sign you out').waitFor();
  const left = await returnBy(page, 'Sign out', redirectUri);
  expect([left.searchParams.get('state'), await page.locator('body').innerText()]).toEqual([
    'out',
    'You can go back now.',
  ]);
  // Signed out already: said at once, with no form that sends itself.
  await page.goto(`${issuer}/session/end`);
  await page.getByText('You are signed out').waitFor();
  expect(complaints()).toEqual([]);
  await close();
});
