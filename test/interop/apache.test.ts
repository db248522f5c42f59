/** Apache in front of a site and of an API: mod_auth_openidc for people, it and mod_oauth2 for tools. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { closeBrowser } from '../support/browser.ts';
import { freePort } from '../support/free-port.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { tokenByCode } from '../support/oauth.ts';
import { registerClient } from '../support/oauth-requests.ts';
import { openPage, signIn } from '../support/person.ts';
import { describeWith } from './describe-with.ts';
import { sources } from './prepared.ts';
import { addTransportSecurity, openssl, type TransportSecurity } from './transport-security.ts';

/** Debian's places, of the packages apache2-bin, libapache2-mod-auth-openidc and libapache2-mod-oauth2. */
const program = '/usr/sbin/apache2';
const modules = ['auth_openidc', 'oauth2'].map((name) => `/usr/lib/apache2/modules/mod_${name}.so`);

describeWith([program, openssl, ...modules], 'Apache', () => {
  let mandate: TestMandate;
  let folder: string;
  let gateway: TransportSecurity;
  let apache: ChildProcess;
  let origin: string;

  beforeAll(async () => {
    mandate = await startMandate();
    const port = String(await freePort());
    origin = `http://localhost:${port}`;
    const client = await registerClient(mandate.issuer, `${origin}/people/callback`, {
      token_endpoint_auth_method: 'client_secret_basic',
    });
    folder = await mkdtemp(join(tmpdir(), 'mandate-apache-'));
    await chmod(folder, 0o755);
    gateway = await addTransportSecurity(mandate.issuer, folder);
    for (const place of ['people', 'tools', 'tools-of-mod-oauth2']) {
      await mkdir(join(folder, 'site', place), { recursive: true });
      await writeFile(join(folder, 'site', place, 'page.txt'), `Hello from ${place}`);
    }
    apache = spawn(program, ['-D', 'FOREGROUND', '-f', join(sources, 'apache/site.conf')], {
      env: {
        PATH: '/usr/bin:/bin',
        FOLDER: folder,
        PORT: port,
        ISSUER: mandate.issuer,
        GATEWAY: gateway.origin,
        CLIENT_ID: String(client.client_id),
        CLIENT_SECRET: String(client.client_secret),
        GUARD_ID: demo.apiServer.id,
        GUARD_SECRET: demo.apiServer.secret,
      },
    });
    let said = '';
    apache.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    for (let tries = 0; !(await fetch(origin).catch(() => undefined)); tries += 1) {
      if (tries === 100) throw new Error(`Apache does not answer: ${said}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
  afterAll(async () => {
    await closeBrowser();
    if (apache?.exitCode === null) {
      const ended = new Promise((resolve) => apache.once('close', resolve));
      apache.kill();
      await ended;
    }
    await gateway?.stop();
    await rm(folder, { recursive: true, force: true });
    await mandate.stop();
  });

  test('mod_auth_openidc: a person signs in on the way to a page of the site', async () => {
    const { page, close } = await openPage([mandate.issuer, origin]);
    await page.goto(`${origin}/people/page.txt`);
    await signIn(page, 'editor@acme.test');
    const arrived = page.waitForResponse(`${origin}/people/page.txt`);
    await page.getByRole('button', { name: 'Authorize', exact: true }).click();
    expect(await (await arrived).headerValue('remote-user')).toBe('editor@acme.test');
    expect(await page.locator('body').innerText()).toBe('Hello from people');
    await close();
  });

  test.each([
    ['mod_auth_openidc', '/tools/page.txt', 0],
    ['mod_oauth2', '/tools-of-mod-oauth2/page.txt', 2_100],
  ])('%s: a tool is let in by its token, until what it may do is taken away', async (_, path, patience) => {
    const call = (token: string) => fetch(origin + path, { headers: { Authorization: `Bearer ${token}` } });
    const person = { email: 'editor@acme.test', answers: { 'flows:edit': true, atlas: true } };
    const { access_token: token = '' } = await tokenByCode(mandate.issuer, person);
    const admitted = await call(token);
    expect([admitted.status, admitted.headers.get('remote-user')]).toEqual([200, 'editor@acme.test']);
    expect((await call('unknown')).status).toBe(401);
    const user = await mandate.stores.users.findByEmail(person.email);
    await mandate.stores.users.suspend({ id: 'command' }, user?.id ?? '');
    await new Promise((resolve) => setTimeout(resolve, patience));
    expect((await call(token)).status).toBe(401);
    await mandate.stores.users.resume({ id: 'command' }, user?.id ?? '');
  });
});
