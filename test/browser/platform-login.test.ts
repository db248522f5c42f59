/** A website that logs people in with Mandate and shows, at every refresh, what they handed over and still hold. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Platform } from '../../examples/platform/platform.ts';
import { axeViolations, closeBrowser } from '../support/browser.ts';
import type { TestMandate } from '../support/mandate.ts';
import { openPage, signIn, tick } from '../support/person.ts';
import { startPlatformOnMandate } from '../support/platform-on-mandate.ts';

let mandate: TestMandate;
let platform: Platform;
let stop: () => Promise<void>;
beforeAll(async () => {
  ({ mandate, platform, stop } = await startPlatformOnMandate());
});
afterAll(async () => {
  await closeBrowser();
  await stop();
});

test('a login leads through consent to the rights that hold now, and follows them as they change', async () => {
  const { page, complaints } = await openPage([mandate.issuer, platform.origin]);
  await page.goto(platform.origin);
  await page.getByRole('link', { name: 'Log in with Mandate' }).click();
  await signIn(page, 'editor@acme.test');
  await tick(page, 'atlas', 'borealis');
  await page.getByRole('button', { name: 'Authorize' }).click();

  await page.waitForURL(`${platform.origin}/rights`);
  const row = (name: string) => page.getByRole('row', { name }).getByRole('cell');
  expect(await page.getByRole('status').textContent()).toContain('Signed in as editor@acme.test');
  expect(await row('Project atlas').textContent()).toContain('flows:edit');
  expect(await row('Project borealis').textContent()).toBe('nothing beyond reading');
  expect(await axeViolations(page)).toEqual([]);

  const editor = await mandate.stores.users.findByEmail('editor@acme.test');
  await mandate.stores.users.suspend({ id: 'command' }, editor?.id ?? '');
  await page.getByRole('button', { name: 'Refresh' }).click();
  expect(await page.getByRole('status').textContent()).toContain('holds nothing any more');
  await mandate.stores.users.resume({ id: 'command' }, editor?.id ?? '');
  await page.getByRole('button', { name: 'Refresh' }).click();
  expect(await row('Project atlas').textContent()).toContain('flows:edit');

  await page.getByRole('button', { name: 'Log out' }).click();
  await page.waitForURL(`${platform.origin}/`);
  // /rights asks to log in again; the suspension ended where the person was signed in at Mandate.
  await page.goto(`${platform.origin}/rights`);
  await signIn(page, 'editor@acme.test');
  expect(await page.getByText('would like to act for you').isVisible()).toBe(true);
  expect(complaints()).toEqual([]);
});

test('a person who denies is not logged in', async () => {
  const { page } = await openPage([mandate.issuer, platform.origin]);
  await page.goto(`${platform.origin}/login`);
  await signIn(page, 'viewer@acme.test');
  await page.getByRole('button', { name: 'Deny' }).click();
  await page.getByText('The login did not complete (access_denied)').waitFor();
  expect(new URL(page.url()).origin).toBe(platform.origin);
});
