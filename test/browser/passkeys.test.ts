/** Passkeys with a real browser's virtual authenticator: kept at the account, used to sign in, used to confirm. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { CDPSession } from 'playwright-core';
import { axeViolations, closeBrowser } from '../support/browser.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askAsWeb, openPage, type PersonsPage, signIn } from '../support/person.ts';

const security = '/account/security';
let mandate: TestMandate;
let opened: PersonsPage[] = [];
beforeAll(async () => {
  mandate = await startMandate();
});
afterEach(async () => {
  for (const { complaints } of opened) expect(complaints()).toEqual([]);
  for (const { close } of opened) await close();
  opened = [];
});
afterAll(async () => {
  await closeBrowser();
  await mandate.stop();
});

/** A page whose browser has an authenticator of its own, such as a phone or a laptop has. */
async function withAuthenticator() {
  const person = await openPage([mandate.issuer]);
  opened.push(person);
  const cdp = await person.page.context().newCDPSession(person.page);
  await cdp.send('WebAuthn.enable');
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return { ...person, cdp, authenticatorId };
}

type Device = Awaited<ReturnType<typeof withAuthenticator>>;

async function addPasskey({ page }: Device, email: string, name: string): Promise<void> {
  await page.goto(`${mandate.issuer}${security}`);
  await signIn(page, email);
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByLabel('Name', { exact: true }).last().fill(name);
  await page.getByRole('button', { name: 'Create passkey' }).click();
  await page.getByText('The passkey is yours').waitFor();
}

async function signOut({ page }: Device): Promise<void> {
  await page.goto(`${mandate.issuer}/session/end`);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForLoadState();
}

const credentialsOf = async ({ cdp, authenticatorId }: { cdp: CDPSession; authenticatorId: string }) =>
  (await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials;

test('is made, named and renamed, signs in without an address, and signs nobody in once it is removed', async () => {
  const device = await withAuthenticator();
  const { page } = device;
  await addPasskey(device, 'editor@acme.test', 'Work laptop');
  expect(await axeViolations(page)).toEqual([]);
  const [kept] = await credentialsOf(device);
  expect(kept).toMatchObject({ isResidentCredential: true, rpId: 'localhost' });
  await page.getByLabel('Name', { exact: true }).fill('Old laptop');
  await page.getByRole('button', { name: 'Rename' }).click();
  await page.getByText('Renamed.').waitFor();

  await signOut(device);
  await page.goto(`${mandate.issuer}${security}`);
  expect(await axeViolations(page)).toEqual([]);
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await page.waitForURL(`${mandate.issuer}${security}`);
  expect(await page.getByText('Old laptop').count()).toBeGreaterThan(0);

  await page.getByRole('button', { name: 'Remove' }).click();
  await page.getByText('The passkey is removed').waitFor();
  await signOut(device);
  await page.goto(`${mandate.issuer}/sign-in`);
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await page.getByText('That passkey does not open an account').waitFor();
});

test('signs in on the way to a tool, and no code of an app is asked for beside it', async () => {
  const device = await withAuthenticator();
  const { page } = device;
  await addPasskey(device, 'viewer@acme.test', 'Phone');
  const viewer = await mandate.stores.users.findByEmail('viewer@acme.test');
  await mandate.store.db
    .insertInto('authenticators')
    .values({
      user_id: viewer?.id ?? '',
      sealed_secret: 'unread',
      confirmed_at: mandate.clock.now(),
      last_step: 0,
      created_at: mandate.clock.now(),
    })
    .execute();
  await signOut(device);
  await page.goto(askAsWeb(mandate.issuer).address);
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await page.getByRole('button', { name: 'Authorize' }).waitFor();
  expect(await page.getByText('viewer@acme.test').count()).toBeGreaterThan(0);
});

test('confirms something sensitive where the sign-in is old, and goes on where the person was', async () => {
  const device = await withAuthenticator();
  const { page } = device;
  await addPasskey(device, 'owner@acme.test', 'Key');
  mandate.clock.advance(700);
  await page.goto(`${mandate.issuer}${security}`);
  await page.getByRole('button', { name: 'Set up an app' }).click();
  await page.getByRole('heading', { name: 'Confirm that it is you' }).waitFor();
  expect(await axeViolations(page)).toEqual([]);
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await page.getByRole('heading', { name: 'Set up an authenticator app' }).waitFor();
  expect(await axeViolations(page)).toEqual([]);
});

test('is known to be on several devices once it is, and the session says how it was shown', async () => {
  const device = await withAuthenticator();
  const { page, cdp, authenticatorId } = device;
  await addPasskey(device, 'analyst@acme.test', 'Travelling key');
  expect(await page.getByText('on several devices').count()).toBe(0);
  const [kept] = await credentialsOf(device);
  const credentialId = kept?.credentialId ?? '';
  const backedUp = { backupEligibility: true, backupState: true };
  await cdp.send('WebAuthn.setCredentialProperties', { authenticatorId, credentialId, ...backedUp });
  await signOut(device);
  await page.goto(`${mandate.issuer}${security}`);
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await page.waitForURL(`${mandate.issuer}${security}`);
  await page.getByText('on several devices').waitFor();
  const { id = '' } = (await mandate.stores.users.findByEmail('analyst@acme.test')) ?? {};
  const [session] = await mandate.stores.sessionList.list(id);
  expect(session?.methods).toContain('swk');
});

test('refuses an authenticator that counts backwards, and keeps it on record', async () => {
  const device = await withAuthenticator();
  const { page } = device;
  await addPasskey(device, 'admin@acme.test', 'Copied key');
  await mandate.store.db
    .updateTable('passkeys')
    .set({ counter: 1_000 })
    .where('name', '=', 'Copied key')
    .execute();
  await signOut(device);
  await page.goto(`${mandate.issuer}/sign-in`);
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await page.getByText('That passkey does not open an account').waitFor();
  const found = await mandate.store.db
    .selectFrom('changes')
    .select('action')
    .where('action', '=', 'passkey_doubtful')
    .execute();
  expect(found).toHaveLength(1);
});

test('a challenge is answered once, and only by the browser that was asked', async () => {
  const device = await withAuthenticator();
  const { page } = device;
  await addPasskey(device, 'analyst@acme.test', 'Once');
  await signOut(device);
  await page.goto(`${mandate.issuer}/sign-in`);
  const posted = page.waitForRequest((request) => request.url().includes('/sign-in/passkey?'));
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  const answer = (await posted).postData() ?? '';
  await page.waitForURL(`${mandate.issuer}/account/authorizations`);
  const sent = new URLSearchParams(answer);
  const other = await openPage([mandate.issuer]);
  opened.push(other);
  await other.page.goto(`${mandate.issuer}/sign-in`);
  const csrf = await other.page.locator('input[name=csrf]').first().inputValue();
  const again = await other.page.evaluate(
    async ([token, passkey]) =>
      (
        await fetch('/sign-in/passkey', {
          method: 'POST',
          body: new URLSearchParams({ csrf: token ?? '', passkey: passkey ?? '' }),
        })
      ).status,
    [csrf, sent.get('passkey') ?? ''],
  );
  expect(again).toBe(401);
  // The console repeats the status; that is all it may say.
  opened = opened.filter((one) => one !== other);
  await other.close();
});

test('without JavaScript the password form stands alone', async () => {
  const person = await openPage([mandate.issuer], { javaScriptEnabled: false });
  opened.push(person);
  await person.page.goto(`${mandate.issuer}/sign-in`);
  expect(await person.page.getByRole('button', { name: 'Use a passkey' }).isVisible()).toBe(false);
  await signIn(person.page, 'editor@acme.test', demo.password);
  await person.page.waitForURL(`${mandate.issuer}/account/authorizations`);
});
