/** Somebody logs a command line in that they had logged in before: the former login ends, and nothing else. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { CommandResult } from '../support/command-line.ts';
import { engines } from '../support/databases.ts';
import { follow, openConsent } from '../support/login-process.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';
import { introspect } from '../support/oauth.ts';

const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));

describe.each(engines)('somebody who logs in again, on %s', (engine) => {
  let mandate: TestMandate;
  let folder: string;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
    folder = await mkdtemp(join(tmpdir(), 'mandate-login-'));
  });
  afterAll(async () => {
    await mandate.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const newHome = () => mkdtemp(join(folder, 'home-'));
  const fileOf = async (home: string) =>
    join(home, 'logins', (await readdir(join(home, 'logins'))).find((name) => name.endsWith('.json')) ?? '');

  /** Logs somebody in who may be logged in there already. */
  async function logIn(home: string, email?: string): Promise<CommandResult> {
    const args = [cli, 'login', '--scope', 'api flows:edit', '--json'];
    const environment = { ISSUER: mandate.issuer, MANDATE_HOME: home };
    const login = follow(process.execPath, args, environment, folder);
    const { browser, page } = await openConsent(await login.address(), email);
    await browser.submit(page, 'Authorize', {}, { follow: true });
    return login.result();
  }
  const kept = async (home: string) =>
    JSON.parse(await readFile(await fileOf(home), 'utf8')) as { access_token: string };
  interface LoggedIn {
    readonly authorization_id: string;
    readonly replaced?: { readonly authorization_id: string; readonly revoked: boolean };
  }

  test('leaves nothing of the former login of that computer, and nothing else is touched', async () => {
    const [home, elsewhere] = [await newHome(), await newHome()];
    const first = JSON.parse((await logIn(home)).stdout) as LoggedIn;
    await logIn(elsewhere);
    const former = await kept(home);
    expect(first.replaced).toBeUndefined();
    const again = await logIn(home);
    expect(again.code).toBe(0);
    const second = JSON.parse(again.stdout) as LoggedIn;
    expect(second.replaced).toEqual({ authorization_id: first.authorization_id, revoked: true });
    expect(await introspect(mandate.issuer, former.access_token)).toEqual({ active: false });
    for (const one of [home, elsewhere]) {
      const { access_token: token } = await kept(one);
      expect(await introspect(mandate.issuer, token)).toMatchObject({ active: true });
    }
    expect(await mandate.stores.authorizations.find(first.authorization_id)).toMatchObject({
      status: 'revoked',
    });
  }, 60_000);

  test('as another person leaves the first one’s alone', async () => {
    const home = await newHome();
    await logIn(home);
    const former = await kept(home);
    const { stdout } = await logIn(home, 'viewer@acme.test');
    expect(JSON.parse(stdout)).not.toHaveProperty('replaced');
    expect(await introspect(mandate.issuer, former.access_token)).toMatchObject({ active: true });
  }, 60_000);

  test('is logged in and told so where the former login cannot be ended', async () => {
    const home = await newHome();
    const first = JSON.parse((await logIn(home)).stdout) as LoggedIn;
    const path = await fileOf(home);
    const former = JSON.parse(await readFile(path, 'utf8')) as { access_token: string; id_token: string };
    // Whose it was is said by an ID token for that client.
    const [head, claims, signature] = former.id_token.split('.');
    const changed = {
      ...(JSON.parse(Buffer.from(claims ?? '', 'base64url').toString()) as object),
      aud: 'nobody',
    };
    const payload = Buffer.from(JSON.stringify(changed)).toString('base64url');
    const broken = { ...former, client_id: 'nobody', id_token: [head, payload, signature].join('.') };
    await writeFile(path, JSON.stringify(broken));
    const { code, stdout, stderr } = await logIn(home);
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as LoggedIn).replaced).toEqual({
      authorization_id: first.authorization_id,
      revoked: false,
    });
    expect(stderr).toContain(`(${first.authorization_id}) is still authorized, because`);
    expect(stderr).toContain(`${mandate.issuer}/account/authorizations`);
    expect(await introspect(mandate.issuer, former.access_token)).toMatchObject({ active: true });
    expect(await introspect(mandate.issuer, (await kept(home)).access_token)).toMatchObject({ active: true });
  }, 60_000);
});
