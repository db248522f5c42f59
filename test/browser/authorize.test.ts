/** The main job as a person lives it: a real browser, the server and the command line as processes of their own. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { closeBrowser } from '../support/browser.ts';
import { runCommand } from '../support/command-line.ts';
import { type FreshDatabase, freshDatabaseUrl } from '../support/databases.ts';
import { demo } from '../support/mandate.ts';
import { askToken, introspect, postForm } from '../support/oauth.ts';
import { askAsWeb, checkbox, openPage, type PersonsPage, returnBy, signIn, tick } from '../support/person.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

let database: FreshDatabase;
let server: ServerProcess;
let person: PersonsPage;
let token = '';

beforeAll(async () => {
  database = await freshDatabaseUrl('sqlite');
  server = await startServerProcess({ databaseUrl: database.url });
  person = await openPage([server.issuer, 'http://localhost:4100']);
});
afterAll(async () => {
  await closeBrowser();
  await server.stop();
  await database.drop();
});

async function mandate(...args: string[]): Promise<string> {
  const result = await runCommand(args, { DATABASE_URL: database.url, ISSUER: server.issuer });
  expect(result).toMatchObject({ code: 0, stderr: '' });
  return result.stdout;
}

const ask = () => introspect(server.issuer, token);

/** The entry of a project in an answer. */
async function onProject(slug: string): Promise<Record<string, unknown> | undefined> {
  const { authorization_details: details = [] } = await ask();
  return (details as Record<string, unknown>[]).find((detail) => detail.slug === slug);
}

describe('an authorization of acme-web', () => {
  test('is made by signing in and choosing what to hand over', async () => {
    const { page } = person;
    const { address, verifier } = askAsWeb(server.issuer, { scope: 'api flows:edit' });
    await page.goto(address);
    await signIn(page, 'editor@acme.test');

    await expect(page.getByRole('heading', { level: 1 }).textContent()).resolves.toContain('Acme Web');
    expect(await checkbox(page, 'flows:edit').isChecked()).toBe(true);
    expect(await checkbox(page, 'cygnus').count()).toBe(0);
    await tick(page, 'mcp', 'atlas', 'borealis', 'atlas-flows');
    await page.getByLabel('Role in atlas').selectOption('Editor');
    expect(await page.getByLabel('Role in borealis').locator('option').allTextContents()).toEqual(['Viewer']);
    expect(await page.locator('#summary').textContent()).toMatch(
      /^Acme Web will be able to use the platform API, edit flows in 1 project and call 1 MCP server, until .+\. You can change this at any time\.$/,
    );

    const back = await returnBy(page, 'Authorize', demo.web.redirect);
    expect(Object.fromEntries(back.searchParams)).toMatchObject({ state: 'state', iss: server.issuer });
    const { status, body } = await askToken(
      server.issuer,
      {
        grant_type: 'authorization_code',
        code: back.searchParams.get('code') ?? '',
        redirect_uri: demo.web.redirect,
        code_verifier: verifier,
      },
      demo.web,
    );
    expect({ status, scope: body.scope }).toEqual({ status: 200, scope: 'api flows:edit' });
    token = body.access_token ?? '';
  });

  test('lists atlas with flows:edit, and borealis without: a Viewer never yields it', async () => {
    expect(await ask()).toMatchObject({
      active: true,
      username: 'editor@acme.test',
      scope: 'api flows:edit',
    });
    expect(await onProject('atlas')).toMatchObject({ roles: ['editor'], actions: ['flows:edit'] });
    expect(await onProject('borealis')).toMatchObject({ roles: ['viewer'], actions: [] });
  });

  test('loses atlas when an administrator moves its owner off it, and has it again when put back', async () => {
    await mandate('assignments', 'remove', 'editor@acme.test', '--project', 'atlas');
    expect(await onProject('atlas')).toBeUndefined();
    expect(await ask()).toMatchObject({ active: true, scope: 'api' });
    await mandate('assignments', 'add', 'editor@acme.test', '--project', 'atlas', '--role', 'editor');
    expect(await onProject('atlas')).toMatchObject({ actions: ['flows:edit'] });
  });

  test('answers exactly {"active":false} while its owner is suspended', async () => {
    await mandate('users', 'suspend', 'editor@acme.test');
    const { text } = await postForm(`${server.issuer}/introspect`, { token }, demo.apiServer);
    expect(text).toBe('{"active":false}');
    await mandate('users', 'resume', 'editor@acme.test');
    expect(await onProject('atlas')).toMatchObject({ actions: ['flows:edit'] });
  });

  test('answers exactly {"active":false} once it is revoked by its id', async () => {
    const listed = JSON.parse(
      await mandate('authorizations', 'list', '--user', 'editor@acme.test', '--json'),
    ) as { authorizations: { id: string; client_id: string; status: string }[] };
    expect(listed.authorizations).toMatchObject([{ client_id: 'acme-web', status: 'active' }]);
    expect(listed.authorizations[0]?.id).toBe((await ask()).authorization_id);
    await mandate('authorizations', 'revoke', listed.authorizations[0]?.id ?? '');
    expect(await ask()).toEqual({ active: false });
  });

  test('is not made when the person denies', async () => {
    const page = await person.page.context().newPage();
    await page.goto(askAsWeb(server.issuer, { scope: 'api' }).address);
    // Being suspended above ended where they were signed in.
    await signIn(page, 'editor@acme.test');
    const back = await returnBy(page, 'Deny', demo.web.redirect);
    expect(back.searchParams.get('error')).toBe('access_denied');
    expect(back.searchParams.has('code')).toBe(false);
  });
});

describe('a device', () => {
  let device: { device_code: string; user_code: string; verification_uri_complete: string };
  const redeem = () =>
    askToken(server.issuer, {
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      client_id: demo.cli.id,
      device_code: device.device_code,
    });

  test('is connected from the link with the code in it, which skips no step', async () => {
    const started = await postForm(`${server.issuer}/device/auth`, {
      client_id: demo.cli.id,
      scope: 'api flows:edit',
    });
    device = JSON.parse(started.text) as typeof device;
    const { page, close, complaints } = await openPage([server.issuer]);
    await page.goto(device.verification_uri_complete);
    expect(await page.getByLabel('Code').inputValue()).toBe(device.user_code);
    await page.getByRole('button', { name: 'Continue' }).click();
    expect(await page.getByRole('main').textContent()).toContain(
      'Only continue if you started this from your own terminal.',
    );
    expect(await page.locator('.code-display').textContent()).toBe(device.user_code);
    await page.getByRole('button', { name: 'Continue' }).click();
    await signIn(page, 'editor@acme.test');
    await tick(page, 'atlas');
    await page.getByRole('button', { name: 'Authorize' }).click();
    await page.getByText('Return to your terminal.').waitFor();
    expect(complaints()).toEqual([]);
    await close();

    const { body } = await redeem();
    token = body.access_token ?? '';
    expect(await ask()).toMatchObject({ active: true, client_id: 'mandate-cli', scope: 'api flows:edit' });
  });
});

test('nothing of it left a complaint in the browser', () => {
  // Nothing need listen where acme-web would.
  expect(person.complaints().filter((one) => !one.includes('ERR_CONNECTION_REFUSED'))).toEqual([]);
});
