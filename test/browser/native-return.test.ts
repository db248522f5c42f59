/** Coming back to a tool in a real browser: what its policy lets a form, a link and a script do. */
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { axeViolations, closeBrowser } from '../support/browser.ts';
import { type CallbackListener, startCallbackListener } from '../support/callback-listener.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { pkce } from '../support/oauth.ts';
import { registerClient } from '../support/oauth-requests.ts';
import { checkbox, openPage, signIn } from '../support/person.ts';

const scheme = 'com.example.assistant:/callback';

let mandate: TestMandate;
let listener: CallbackListener;
let program = '';
beforeAll(async () => {
  [mandate, listener] = await Promise.all([startMandate(), startCallbackListener()]);
  program = String((await registerClient(mandate.issuer, scheme)).client_id);
});
afterAll(async () => {
  await closeBrowser();
  await listener.stop();
  await mandate.stop();
});

function addressFor(clientId: string, redirectUri: string): string {
  const request = {
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    code_challenge: pkce().challenge,
    code_challenge_method: 'S256',
    state: 'state',
  };
  return `${mandate.issuer}/authorize?${new URLSearchParams(request)}`;
}

async function atConsent(
  clientId: string,
  redirectUri: string,
  options: Parameters<typeof openPage>[1] = {},
) {
  const person = await openPage([mandate.issuer, new URL(listener.redirectUri).origin], options);
  await person.page.goto(addressFor(clientId, redirectUri));
  await signIn(person.page, 'editor@acme.test');
  return person;
}

/** Waits until the browser has complained so often. */
async function said(complaints: () => readonly string[], times: number): Promise<void> {
  for (let waits = 0; complaints().length < times && waits < 250; waits++) await setTimeout(100);
  expect(complaints()).toHaveLength(times);
}

const authorize = { name: 'Authorize', exact: true };

describe('a program behind a private scheme', () => {
  test('is opened by itself, and by a link, and no policy stands in the way', async () => {
    const { page, complaints, close } = await atConsent(program, scheme);
    await page.getByRole('button', authorize).click();
    await page.getByRole('heading', { name: 'Go back to your tool' }).waitFor();
    // Nobody here registered the scheme, so each attempt ends as a request that leads nowhere.
    await said(complaints, 1);
    await page.getByRole('link', { name: 'Open the program' }).click();
    await said(complaints, 2);
    expect(complaints().every((one) => one.startsWith(`request: ${scheme}?code=`))).toBe(true);
    expect(await axeViolations(page)).toEqual([]);
    await close();
  });

  test('is opened by the link where no script runs', async () => {
    const { page, close } = await atConsent(program, scheme, { javaScriptEnabled: false });
    await page.getByRole('button', authorize).click();
    const link = page.getByRole('link', { name: 'Open the program' });
    expect(await link.getAttribute('href')).toMatch(/^com\.example\.assistant:\/callback\?code=/);
    await close();
  });
});

describe('a tool on the loopback', () => {
  test('is redirected to', async () => {
    const { page, complaints, close } = await atConsent(demo.cli.id, listener.redirectUri);
    const arrived = listener.next();
    await page.getByRole('button', authorize).click();
    expect((await arrived).searchParams.has('code')).toBe(true);
    expect(complaints()).toEqual([]);
    await close();
  });

  test('of another computer gets its answer by hand, and the browser goes nowhere', async () => {
    const { page, complaints, close } = await atConsent(demo.cli.id, listener.redirectUri);
    await page.getByText('The tool runs on another computer?').click();
    await checkbox(page, 'Show me the answer').check();
    expect(await axeViolations(page)).toEqual([]);
    await page.getByRole('button', authorize).click();
    await page.getByRole('heading', { name: 'Carry the answer to your tool' }).waitFor();
    expect(await page.getByRole('button', { name: 'Copy' }).count()).toBe(3);
    expect(await page.locator('.copyable__text').first().textContent()).toContain(
      `curl '${listener.redirectUri}?code=`,
    );
    expect(await axeViolations(page)).toEqual([]);
    expect(complaints()).toEqual([]);
    await close();
  });
});
