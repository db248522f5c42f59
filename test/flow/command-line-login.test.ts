/** Somebody logs a command line in: the real program in processes of its own, and the person at a browser. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { hostname, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type CommandResult, runCommand } from '../support/command-line.ts';
import { freshDatabaseUrl } from '../support/databases.ts';
import { freePort } from '../support/free-port.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { follow, openConsent } from '../support/login-process.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { introspect } from '../support/oauth.ts';
import { startServerProcess } from '../support/server-process.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const cli = join(root, 'src/cli.ts');

let mandate: TestMandate;
let folder: string;
beforeAll(async () => {
  mandate = await startMandate();
  folder = await mkdtemp(join(tmpdir(), 'mandate-login-'));
});
afterAll(async () => {
  await mandate.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A home of its own: nobody is logged in there. */
const newHome = async () => join(await mkdtemp(join(folder, 'home-')), 'mandate');
const at = (home: string) => ({ ISSUER: mandate.issuer, MANDATE_HOME: home });
const json = ({ code, stdout, stderr }: CommandResult) => {
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Record<string, unknown>;
};

const startLogin = (home: string, ...args: string[]) =>
  follow(process.execPath, [cli, 'login', ...args], at(home), folder);

async function authorizeAt(address: string): Promise<void> {
  const { browser, page } = await openConsent(address);
  const done = await browser.submit(page, 'Authorize', { atlas: true }, { follow: true });
  expect(done.text).toContain('Return to your terminal');
}

/** Logs editor@acme.test in, for flows:edit on atlas. */
async function loggedIn(): Promise<{ home: string; result: CommandResult }> {
  const home = await newHome();
  const login = startLogin(home, '--scope', 'api flows:edit', '--json');
  await authorizeAt(await login.address());
  return { home, result: await login.result() };
}

async function fileOf(home: string): Promise<string> {
  const names = (await readdir(join(home, 'logins'))).filter((name) => name.endsWith('.json'));
  expect(names).toHaveLength(1);
  return join(home, 'logins', names[0] ?? '');
}

/** Puts the end of the kept access token into the past, as an hour would. */
async function letExpire(home: string): Promise<Record<string, unknown>> {
  const path = await fileOf(home);
  const kept = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  await writeFile(path, JSON.stringify({ ...kept, expires_at: 1 }));
  return kept;
}

describe('somebody who logs in', () => {
  let home: string;
  let result: CommandResult;
  beforeAll(async () => {
    ({ home, result } = await loggedIn());
  }, 90_000);
  const run = (...args: string[]) => runCommand(args, at(home));

  test('is told the address and the code, and then what it gave', () => {
    expect(result.code).toBe(0);
    expect(result.stderr).toMatch(/check that it shows the code {2}[A-Z]{5}-[A-Z]{5}\n/);
    // Nothing is drawn where no terminal is.
    expect(result.stderr).not.toContain('\u001b');
    expect(JSON.parse(result.stdout)).toMatchObject({
      issuer: mandate.issuer,
      client_id: 'mandate-cli',
      user: { email: 'editor@acme.test', name: 'Edith Editor' },
      capabilities: ['api', 'flows:edit'],
      projects: [{ slug: 'atlas', actions: ['flows:edit'] }],
    });
  });

  test('leaves one file that nobody else can read, and nothing beside it', async () => {
    const path = await fileOf(home);
    expect(await readdir(join(home, 'logins'))).toHaveLength(1);
    for (const [place, mode] of [
      [path, 0o600],
      [join(home, 'logins'), 0o700],
      [home, 0o700],
    ] as const) {
      expect((await stat(place)).mode & 0o777).toBe(mode);
    }
  });

  test('prints the token and nothing else', async () => {
    const { code, stdout, stderr } = await run('token');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^[\w-]+\n$/);
    const { active, username, scope } = await introspect(mandate.issuer, stdout.trim());
    expect({ active, username, scope }).toEqual({
      active: true,
      username: 'editor@acme.test',
      scope: 'api flows:edit',
    });
    expect(json(await run('token', '--json'))).toMatchObject({
      access_token: stdout.trim(),
      token_type: 'Bearer',
    });
  });

  test('finds the only login where no server is named', async () => {
    const { code, stdout } = await runCommand(['token'], { MANDATE_HOME: home });
    expect({ code, stdout }).toEqual({ code: 0, stdout: (await run('token')).stdout });
  });

  test('learns what holds now, not what was given then', async () => {
    const onAtlas = ['editor@acme.test', '--project', 'atlas'];
    const administrator = (...args: string[]) => runCommand(args, { DATABASE_URL: mandate.databaseUrl });
    expect((await administrator('assignments', 'remove', ...onAtlas)).code).toBe(0);
    expect(json(await run('whoami', '--json'))).toMatchObject({ capabilities: ['api'], projects: [] });
    expect((await administrator('assignments', 'add', ...onAtlas, '--role', 'editor')).code).toBe(0);
    const { stdout } = await run('whoami');
    expect(stdout).toMatch(/^Edith Editor <editor@acme\.test> at http/);
    expect(stdout).toMatch(/^capabilities: api flows:edit$/m);
    expect(stdout).toMatch(/^atlas +editor +flows:edit$/m);
  });

  test('refreshes once when two processes find the token expired', async () => {
    const issued = async () => {
      const { authorization_id } = await introspect(mandate.issuer, (await run('token')).stdout.trim());
      const tokens = mandate.store.db
        .selectFrom('oidc_artifacts')
        .select('key')
        .where('model', '=', 'AccessToken')
        .where('grant_id', '=', String(authorization_id));
      return (await tokens.execute()).length;
    };
    const before = await issued();
    const kept = await letExpire(home);
    const [one, other] = await Promise.all([run('token'), run('token')]);
    expect([one.code, other.code]).toEqual([0, 0]);
    expect(one.stdout).toBe(other.stdout);
    expect(one.stdout.trim()).not.toBe(kept.access_token);
    expect(await issued()).toBe(before + 1);
  });

  test('goes on when a process ended in the middle of a refresh', async () => {
    await letExpire(home);
    // No process has this number.
    await writeFile(`${await fileOf(home)}.lock`, `4194999 ${hostname()}`);
    expect((await run('token')).code).toBe(0);
    expect(await readdir(join(home, 'logins'))).toHaveLength(1);
  });

  test('asks as a resource server what the token may do, and why', async () => {
    // Behind `--`: it may begin with a dash.
    const token = (await run('token')).stdout.trim();
    const caller = { RESOURCE_SERVER_ID: demo.apiServer.id, RESOURCE_SERVER_SECRET: demo.apiServer.secret };
    const asked = await runCommand(['introspect', '--json', '--', token], { ...at(home), ...caller });
    expect(json(asked)).toEqual(await introspect(mandate.issuer, token));
    const shown = await runCommand(['introspect', '--', token], { ...at(home), ...caller });
    expect(shown.stdout).toMatch(/^active\nowner +editor@acme\.test\n/);
    expect(await run('introspect', '--', token)).toMatchObject({ code: 2, stdout: '' });
    const wrong = await run('introspect', '--client-id', 'acme-api', '--client-secret', 'x', '--', token);
    expect(wrong).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('by the name acme-api with this secret'),
    });

    const id = String(json(asked).authorization_id);
    const why = async (...args: string[]) => {
      const { allowed, rule } = json(
        await runCommand(['why', id, ...args, '--json'], { DATABASE_URL: mandate.databaseUrl }),
      );
      return [allowed, rule];
    };
    expect(await why('flows:edit', 'atlas')).toEqual([true, 'holds']);
    expect(await why('flows:edit', 'borealis')).toEqual([false, 'not_picked']);
    expect(await why('mcp', 'atlas-flows')).toEqual([false, 'not_granted']);
  });

  test('logs out: the authorization ends, the file is gone', async () => {
    const token = (await run('token')).stdout.trim();
    expect(json(await run('logout', '--json'))).toEqual({ issuer: mandate.issuer, revoked: true });
    expect(await introspect(mandate.issuer, token)).toEqual({ active: false });
    expect(await readdir(join(home, 'logins'))).toEqual([]);
    for (const command of ['token', 'whoami', 'logout']) {
      expect(await run(command)).toEqual({
        code: 3,
        stdout: '',
        stderr: `mandate: you are not logged in to ${mandate.issuer}: run \`mandate login --issuer ${mandate.issuer}\`\n`,
      });
    }
  });
});

describe('a login that comes to nothing', () => {
  test('says that it was denied, and that the code expired', async () => {
    const [denied, expired] = [startLogin(await newHome()), startLogin(await newHome())];
    const [address] = await Promise.all([denied.address(), expired.address()]);
    const { browser, page } = await openConsent(address);
    await browser.submit(page, 'Deny', {}, { follow: true });
    const first = await denied.result();
    expect(first).toMatchObject({ code: 1, stdout: '' });
    expect(first.stderr).toMatch(/mandate: the request was denied in the browser: nothing was authorized\n$/);
    mandate.clock.advance(601);
    const second = await expired.result();
    expect(second).toMatchObject({ code: 1, stdout: '' });
    expect(second.stderr).toMatch(
      /mandate: the code expired before anybody finished in the browser: run `mandate login` again\n$/,
    );
  }, 120_000);

  test.each([
    [
      'a resource that does not exist',
      ['--resource', 'https://nowhere.example'],
      1,
      /refused the login: .*\(invalid_target\)/,
    ],
    [
      'a server that is not there',
      ['--issuer', 'http://localhost:1'],
      1,
      /http:\/\/localhost:1 cannot be reached/,
    ],
    ['a server that would get tokens in the clear', ['--issuer', 'http://auth.example'], 1, /needs https/],
    ['an issuer with a path', ['--issuer', 'https://auth.example/x'], 2, /is no issuer/],
  ] as const)('is refused for %s', async (_name, args, code, message) => {
    const result = await startLogin(await newHome(), ...args).result();
    expect(result).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(message) });
    expect(result.stderr).toMatch(/^mandate: [^\n]+\n$/);
  });

  test('is refused by a server that says it is another one', async () => {
    const impostor = createServer((_request, response) => {
      const metadata = { issuer: mandate.issuer, token_endpoint: `${mandate.issuer}/token` };
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(metadata));
    });
    const port = await freePort();
    await new Promise<void>((resolve) => void impostor.listen(port, resolve));
    const { code, stderr } = await startLogin(
      await newHome(),
      '--issuer',
      `http://localhost:${port}`,
    ).result();
    impostor.close();
    expect(code).toBe(1);
    expect(stderr).toBe(
      `mandate: http://localhost:${port} says that it is ${mandate.issuer}: log in to that one by its own name\n`,
    );
  });

  test('a login whose authorization was revoked elsewhere says so', async () => {
    const { home, result } = await loggedIn();
    const { authorization_id } = JSON.parse(result.stdout) as { authorization_id: string };
    await mandate.stores.authorizations.revoke({ id: 'command' }, authorization_id);
    const { code, stdout, stderr } = await runCommand(['whoami'], at(home));
    expect([code, stdout]).toEqual([3, '']);
    expect(stderr).toMatch(/gives no new token: .*\(invalid_grant\)\. Run `mandate login/);
  }, 90_000);
});

/** The search path; where there is no curl, with one that does what is needed of it here. */
async function pathWithCurl(): Promise<string> {
  const path = process.env.PATH ?? '';
  if (path.split(delimiter).some((place) => existsSync(join(place, 'curl')))) return path;
  const bin = await mkdtemp(join(folder, 'bin-'));
  const program = `#!${process.execPath}
const args = process.argv.slice(2);
const after = (flag) => args[args.indexOf(flag) + 1];
const headers = { Authorization: 'Basic ' + btoa(after('-u')), 'Content-Type': 'application/x-www-form-urlencoded' };
const response = await fetch(args.at(-1), { method: 'POST', body: after('-d'), headers });
process.stdout.write(await response.text());
`;
  await writeFile(join(bin, 'curl'), program, { mode: 0o755 });
  return `${bin}${delimiter}${path}`;
}

describe('what a first start prints', () => {
  test('works as it stands there, and the start page says the same', async () => {
    const database = await freshDatabaseUrl('sqlite');
    const server = await startServerProcess({ databaseUrl: database.url });
    try {
      const commands = [...server.output().matchAll(/^ {5}(\S.*)$/gm)].map(([, command = '']) => command);
      const [login = '', whoami = '', ask = '', takeAway = ''] = commands;
      expect(commands).toHaveLength(4);
      const page = await createBrowserlessClient(server.issuer).get('/');
      for (const command of commands) expect(page.text).toContain(command);

      const home = await newHome();
      const environment = {
        MANDATE_HOME: home,
        DATABASE_URL: database.url,
        HOME: folder,
        PATH: await pathWithCurl(),
      };
      const shell = (command: string) => follow('sh', ['-c', command], environment, root);
      const waiting = shell(login);
      await authorizeAt(await waiting.address());
      expect(await waiting.result()).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^Logged in\.\n/),
      });
      expect(await shell(whoami).result()).toMatchObject({
        ...{ code: 0, stderr: '', stdout: expect.stringMatching(/^atlas +editor +flows:edit$/m) },
      });
      const scope = async () => {
        const { stdout, stderr } = await shell(ask).result();
        expect(stderr).toBe('');
        return (JSON.parse(stdout) as { scope?: string }).scope;
      };
      expect(await scope()).toBe('api flows:edit');
      expect((await shell(takeAway).result()).stdout).toBe('editor@acme.test is no longer editor on atlas\n');
      expect(await scope()).toBe('api');

      const links = [...page.body.matchAll(/card__link" href="([^"]+)"/g)].map(([, href = '']) => href);
      expect(links).toEqual(expect.arrayContaining(['/account/authorizations', '/admin', '/device']));
      for (const href of links) {
        expect((await createBrowserlessClient(server.issuer).get(href)).status).toBeLessThan(400);
      }
    } finally {
      await server.stop();
      await database.drop();
    }
  }, 90_000);
});
