/** What strangers, colleagues and links can write into the pages stays text: no script, no element, no dialog, no report. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { closeBrowser } from '../support/browser.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';
import { postForm } from '../support/oauth.ts';
import { register } from '../support/oauth-requests.ts';
import { askAsWeb, openPage, type PersonsPage, signIn } from '../support/person.ts';

const payloads = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "'><svg onload=alert(1)>",
  '</title><script>alert(1)</script>',
  '" autofocus onfocus="alert(1)',
  "' onmouseover='alert(1)",
  'javascript:alert(1)',
  '<%= process.exit() %><b>',
  '{{constructor.constructor("alert(1)")()}}<b>',
  '</textarea><iframe srcdoc="<script>alert(1)</script>">',
  '<!--<script>alert(1)//--><style>@import "//x.example"</style>',
  '&lt;img src=x onerror=alert(1)&gt;<base href=//x.example>',
] as const;

const redirect = 'https://assistant.example/callback';
let mandate: TestMandate;
let visitor: PersonsPage;
let person: PersonsPage;

beforeAll(async () => {
  mandate = await startMandate();
  const actor = { id: 'command' };
  const owner = await mandate.stores.users.findByEmail('owner@acme.test');
  await mandate.stores.users.update(actor, owner?.id ?? '', { name: payloads[0] });
  for (const [at, name] of payloads.entries()) {
    await mandate.stores.projects.create(actor, { slug: `hostile-${at}`, name });
  }
  visitor = await openPage([mandate.issuer]);
  person = await openPage([mandate.issuer]);
  await person.page.goto(askAsWeb(mandate.issuer).address);
  await signIn(person.page, 'owner@acme.test');
});
afterAll(async () => {
  await closeBrowser();
  await mandate.stop();
});

/** A client that calls itself so, and says the same wherever else it may. */
async function registerAs(name: string): Promise<{ client_id: string; redirect_uri: string }> {
  const metadata = {
    redirect_uris: [redirect],
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'],
    client_name: name,
    'client_name#ja': name,
  };
  const uri = `https://assistant.example/${name}`;
  const uris = { client_uri: uri, logo_uri: uri, policy_uri: uri, tos_uri: uri };
  const generous = await register(mandate.issuer, { ...metadata, ...uris });
  const { status, body } = generous.status === 201 ? generous : await register(mandate.issuer, metadata);
  expect(status).toBe(201);
  return { client_id: String(body.client_id), redirect_uri: redirect };
}

/** Elements that none of our pages has. */
const foreign = (page: Page) =>
  page
    .locator('img, iframe, base, style, object, embed, script:not([src]), body b, [onerror], [onfocus]')
    .count();

describe.each(payloads)('%s', (payload) => {
  test('CN-07, CN-09: is text in everything that a stranger or a colleague can name, and in every link', async () => {
    const client = await registerAs(payload);
    const hints = { login_hint: payload, ui_locales: payload, state: payload, scope: `api ${payload}` };

    await visitor.page.goto(askAsWeb(mandate.issuer, { ...client, login_hint: payload }).address);
    expect(await visitor.page.locator('.asker').textContent()).toContain(payload.slice(0, 59));
    expect(await visitor.page.getByLabel('Email').inputValue()).toBe(payload);
    expect(await foreign(visitor.page)).toBe(0);

    await person.page.goto(askAsWeb(mandate.issuer, client).address);
    const main = await person.page.getByRole('main').textContent();
    for (const shown of [payload.slice(0, 59), 'assistant.example']) expect(main).toContain(shown);
    for (const name of payloads) expect(main).toContain(name);
    expect(await person.page.locator('h1').textContent()).not.toContain(payload);
    expect(await foreign(person.page)).toBe(0);

    const { text } = await postForm(
      `${mandate.issuer}/device/auth`,
      { client_id: client.client_id },
      undefined,
      { 'User-Agent': payload },
    );
    const device = JSON.parse(text) as { verification_uri_complete: string };
    await person.page.goto(device.verification_uri_complete);
    await person.page.getByRole('button', { name: 'Continue' }).click();
    expect(await person.page.locator('.details-list').textContent()).toContain(payload);
    expect(await foreign(person.page)).toBe(0);

    for (const address of [
      askAsWeb(mandate.issuer, { ...client, ...hints }).address,
      askAsWeb(mandate.issuer, { ...client, prompt: payload }).address,
      askAsWeb(mandate.issuer, { client_id: payload, redirect_uri: payload }).address,
      `${mandate.issuer}/device?user_code=${encodeURIComponent(payload)}`,
      `${mandate.issuer}/${encodeURIComponent(payload)}?error_description=${encodeURIComponent(payload)}`,
    ]) {
      // A refusal may go back to the client, where nobody is at home.
      const { page } = visitor;
      await page.goto(address).catch(() => undefined);
      if (page.url().startsWith(mandate.issuer)) expect(await foreign(page)).toBe(0);
    }
    const back = (complaint: string) => complaint.includes('assistant.example/callback');
    expect([...visitor.complaints(), ...person.complaints()].filter((one) => !back(one))).toEqual([]);
  });
});

test('CN-08: a name that turns the text around, hides in it or floods the page is cut to what it is', async () => {
  const client = await registerAs('Mandate\u202e ILC\u200b\nevil');
  await person.page.goto(askAsWeb(mandate.issuer, client).address);
  expect(await person.page.locator('.facts').textContent()).toContain(
    'calls itself Mandate ILCevil; not verified',
  );
  const flood = await register(mandate.issuer, {
    redirect_uris: [redirect],
    client_name: 'A'.repeat(40_000),
  });
  expect(flood.status).toBe(400);
});
