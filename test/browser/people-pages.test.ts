/** The pages by which people come, are helped in again, and leave: light and dark, narrow and wide, without scripts of ours. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { axeViolations, closeBrowser } from '../support/browser.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { tokenByCode } from '../support/oauth.ts';
import { openPage } from '../support/person.ts';
import { type SmtpServer, startSmtpServer } from '../support/smtp-server.ts';

const looks = [
  { colorScheme: 'light', width: 1280 },
  { colorScheme: 'dark', width: 320 },
  { colorScheme: 'light', width: 320 },
  { colorScheme: 'dark', width: 1280 },
] as const;

/** A folder to keep pictures in, for whoever wants to look: `PICTURES=folder npm test -- test/browser/people`. */
const pictures = process.env.PICTURES;
const password = 'seven quiet lanterns';

describe('the pages of people who come and leave', () => {
  let mandate: TestMandate;
  let smtp: SmtpServer;
  let editor: string;
  beforeAll(async () => {
    if (pictures !== undefined) mkdirSync(pictures, { recursive: true });
    smtp = await startSmtpServer();
    mandate = await startMandate({
      mail: { route: { kind: 'smtp', url: smtp.url }, from: 'Mandate <mandate@acme.test>', language: 'en' },
    });
    editor = (await mandate.stores.users.findByEmail('editor@acme.test'))?.id ?? '';
    const slice = { capabilities: ['api'], roles: [], projects: [], mcpServers: [], expiresAt: null };
    for (const name of ['nightly build', 'a key with a rather long name that goes on and on']) {
      await mandate.stores.apiKeys.create({ id: editor }, { userId: editor, name, ...slice });
    }
    await tokenByCode(mandate.issuer, {
      email: 'editor@acme.test',
      answers: { 'flows:edit': true, atlas: true, 'Role in atlas': 'Editor' },
    });
  });
  afterAll(async () => {
    await closeBrowser();
    await mandate.stop();
    await smtp.stop();
  });

  test.each(looks)(
    'are clean in $colorScheme at $width px',
    async ({ colorScheme, width }) => {
      const person = `ada-${colorScheme}-${width}@acme.test`;
      const visitor = await openPage([mandate.issuer], { colorScheme, viewport: { width, height: 900 } });
      const { page } = visitor;
      const wrong: string[] = [];
      const look = async (name: string) => {
        const sideways = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        if (sideways > 0) wrong.push(`${name}: ${sideways} px wider than the window`);
        wrong.push(...(await axeViolations(page)).map((one) => `${name}: ${one}`));
        if (pictures === undefined) return;
        await page.screenshot({
          path: join(pictures, `${name}-${colorScheme}-${width}.png`),
          fullPage: true,
        });
      };
      const linkIn = async () => /https?:\/\/\S+\?token=[\w-]{43}/.exec((await smtp.next()).text)?.[0] ?? '';

      await page.goto(`${mandate.issuer}/sign-in?return_to=/admin/users`);
      await look('sign-in');
      await page.getByLabel('Email').fill('admin@acme.test');
      await page.getByLabel('Password').fill(demo.password);
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.getByRole('link', { name: 'Invite somebody' }).click();
      await look('invite');
      await page.getByLabel('Email').fill(person);
      await page.getByRole('button', { name: 'Send invitation' }).click();
      await page.getByRole('button', { name: 'Send again' }).waitFor();
      await look('invited');
      const invitation = await linkIn();
      await page.goto(`${mandate.issuer}/admin/users`);
      await look('users');
      for (const way of ['suspend', 'remove']) {
        await page.goto(`${mandate.issuer}/admin/users/${editor}/${way}`);
        await look(way);
      }

      await page.goto(invitation);
      await look('invitation');
      await page.getByLabel('Name').fill('Ada Lovelace');
      await page.getByLabel('New password', { exact: true }).fill('password1');
      await page.getByLabel('New password, once more').fill('password1');
      await page.getByRole('button', { name: 'Set password and sign in' }).click();
      await page.getByRole('alert').waitFor();
      await look('invitation-refused');
      await page.getByLabel('New password', { exact: true }).fill(password);
      await page.getByLabel('New password, once more').fill(password);
      await page.getByRole('button', { name: 'Set password and sign in' }).click();
      await page.waitForURL(`${mandate.issuer}/account/authorizations`);
      await page.goto(invitation);
      await look('link-ended');

      await page.goto(`${mandate.issuer}/forgot-password`);
      await look('forgot');
      await page.getByLabel('Email').fill(person);
      await page.getByRole('button', { name: 'Send the link' }).click();
      await page.getByText('a link is on its way').waitFor();
      await look('forgot-sent');
      await page.goto(await linkIn());
      await look('reset');
      await page.getByLabel('New password', { exact: true }).fill(`${password} again`);
      await page.getByLabel('New password, once more').fill(`${password} again`);
      await page.getByRole('button', { name: 'Set new password' }).click();
      await page.getByText('Your password is set').waitFor();
      await look('password-set');
      await smtp.next();

      expect(wrong).toEqual([]);
      expect(visitor.complaints()).toEqual([]);
      await visitor.close();
    },
    120_000,
  );
});
