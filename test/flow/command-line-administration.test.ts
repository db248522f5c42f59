/** The administration from a terminal: over the API with a login that may, on the database where nobody is logged in. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { signIn } from '../support/account.ts';
import { runCommand } from '../support/command-line.ts';
import {
  administratorsCommandLine,
  type CommandLine,
  newCommandLine,
} from '../support/logged-in-command-line.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';
import { introspect, tokenByCode } from '../support/oauth.ts';

interface Named {
  id: string;
  version: number;
}
interface Key extends Named {
  secret: string;
  username: string;
  status: string;
}

let mandate: TestMandate;
let admin: CommandLine;

beforeAll(async () => {
  mandate = await startMandate();
  admin = await administratorsCommandLine(mandate.issuer, 'admin@acme.test');
}, 60_000);
afterAll(() => mandate.stop());

const seconds = 60_000;

describe('somebody who is logged in to administer', () => {
  test(
    'looks, makes, changes and takes away, by names that people use',
    async () => {
      const list = await admin.run('users', 'list', '--search', 'editor');
      expect(list).toMatchObject({ code: 0, stderr: '' });
      expect(list.stdout).toMatch(/^ID +EMAIL +NAME .*\nusr_\w+ +editor@acme\.test +Edith Editor/);
      const project = await admin.json<Named>('projects', 'create', '--slug', 'delta', '--name', 'Delta');
      expect(project.id).toMatch(/^prj_/);
      await admin.json('projects', 'update', 'delta', '--name', 'Delta renamed');
      expect((await admin.run('projects', 'show', 'delta')).stdout).toContain('name: Delta renamed');
      const role = await admin.json<Named>(
        'roles',
        'create',
        '--slug',
        'writer',
        '--name',
        'Writer',
        '--permission',
        'api,flows:edit',
      );
      expect(role).toMatchObject({ permissions: ['api', 'flows:edit'] });
      await admin.json('assignments', 'add', 'viewer@acme.test', '--project', 'delta', '--role', 'writer');
      const viewer = await admin.json<{ projects: object[] }>('users', 'show', 'viewer@acme.test');
      expect(viewer.projects).toContainEqual(
        expect.objectContaining({ slug: 'delta', roles: [expect.objectContaining({ slug: 'writer' })] }),
      );
      const simulated = await admin.run(
        'simulate',
        'role-unassigned',
        '--user',
        'viewer@acme.test',
        '--role',
        'writer',
        '--project',
        'delta',
      );
      expect(simulated.stdout).toContain('authorizations: 0');
      expect(
        await admin.json('assignments', 'remove', 'viewer@acme.test', '--project', 'delta'),
      ).toMatchObject({ removed: ['writer'] });
      expect((await admin.run('projects', 'delete', 'delta')).code).toBe(0);
      expect(await admin.run('projects', 'show', 'delta')).toMatchObject({
        code: 2,
        stderr: 'mandate: there is no project delta\n',
      });
    },
    seconds,
  );

  test(
    'works on MCP servers, clients, resource servers and service accounts the same way',
    async () => {
      const robot = await admin.json<Named>(
        'service-accounts',
        'create',
        '--email',
        'robot@acme.test',
        '--name',
        'Robot',
        '--role',
        'member',
      );
      expect(robot.id).toMatch(/^usr_/);
      const client = await admin.json(
        'service-accounts',
        'create-client',
        'robot@acme.test',
        '--id',
        'robot-client',
        '--client-name',
        'Robot',
      );
      expect(client.client_secret).toEqual(expect.any(String));
      await admin.json('service-accounts', 'delete-client', 'robot@acme.test', 'robot-client');
      const server = await admin.json<Named>(
        'mcp-servers',
        'create',
        '--name',
        'extra',
        '--project',
        'atlas',
        '--resource',
        'http://localhost:4100/mcp/extra',
      );
      expect(server.id).toMatch(/^mcp_/);
      await admin.json('mcp-servers', 'update', 'extra', '--enabled', 'no');
      expect((await admin.run('mcp-servers', 'list', '--project', 'atlas')).stdout).toMatch(/extra +no/);
      expect(await admin.json('clients', 'verify', 'acme-web')).toMatchObject({ verified: true });
      const guard = await admin.json(
        'resource-servers',
        'create',
        '--name',
        'extra-api',
        '--audience',
        'https://extra.acme.test/api',
      );
      expect(guard.secret ?? guard.client_secret).toEqual(expect.any(String));
      expect((await admin.run('resource-servers', 'disable', 'extra-api')).code).toBe(0);
    },
    seconds,
  );

  test(
    'registers a client that logs in by device code, sees that it does, and is told why it has to',
    async () => {
      const made = await admin.json(
        'clients',
        'create',
        '--id',
        'acme-deploy',
        '--client-name',
        'Acme Deploy',
        '--confidential',
        'no',
        '--device-login',
        'yes',
      );
      expect(made).toMatchObject({ device_login: true, client_secret: null });
      expect((await admin.run('clients', 'show', 'acme-deploy')).stdout).toContain('device_login: true');
      const list = await admin.run('clients', 'list');
      expect(list.stdout).toMatch(/^ID +KIND +DISABLED +VERIFIED +DEVICE LOGIN/);
      expect(list.stdout).toMatch(/^acme-deploy +registered +no +yes +yes/m);
      expect(list.stdout).toMatch(/^acme-web +registered +no +yes +no/m);
      const on = await admin.json('clients', 'update', 'acme-web', '--device-login', 'yes');
      expect(on).toMatchObject({ device_login: true });
      await admin.json('clients', 'update', 'acme-web', '--device-login', 'no');
      const refused = { code: 1, stderr: expect.stringContaining('or choose device login') };
      expect(await admin.run('clients', 'update', 'acme-deploy', '--device-login', 'no')).toMatchObject(
        refused,
      );
      const without = ['--id', 'nowhere', '--client-name', 'Nowhere', '--confidential', 'no'];
      expect(await admin.run('clients', 'create', ...without)).toMatchObject(refused);
      const unsure = await admin.run('clients', 'create', ...without, '--device-login', 'perhaps');
      expect(unsure).toMatchObject({ code: 2, stderr: expect.stringContaining('give yes or no') });
    },
    seconds,
  );

  test(
    'makes keys for others, looks through them, changes, rotates and ends them',
    async () => {
      const made = await admin.json<Key>(
        'keys',
        'create',
        '--user',
        'editor@acme.test',
        '--name',
        'nightly',
        '--capability',
        'api,flows:edit',
        '--project',
        'atlas=editor',
        '--lifetime',
        '12h',
      );
      expect(made).toMatchObject({ username: 'editor@acme.test', expires_at: mandate.clock.now() + 43_200 });
      expect(await introspect(mandate.issuer, made.secret)).toMatchObject({ scope: 'api flows:edit' });
      expect((await admin.run('keys', 'list')).stdout).toContain('nightly');
      const why = await admin.run('why', made.id, 'flows:edit', 'atlas');
      expect(why.stdout).toBe(
        `yes: ${made.id} may flows:edit on atlas: it was granted, and its owner holds it (holds)\n`,
      );
      await admin.json('keys', 'edit', 'nightly', '--capability', 'api', '--project', 'none');
      expect((await introspect(mandate.issuer, made.secret)).scope).toBe('api');
      const rotated = await admin.json<Key>('keys', 'rotate', 'nightly', '--overlap-hours', '1');
      expect(await introspect(mandate.issuer, rotated.secret)).toMatchObject({ active: true });
      expect(await admin.json('keys', 'revoke', made.id)).toMatchObject({ status: 'revoked' });
      expect(await introspect(mandate.issuer, rotated.secret)).toEqual({ active: false });
    },
    seconds,
  );

  test(
    'sees, narrows and ends authorizations, and does not widen its own',
    async () => {
      const { access_token: token = '' } = await tokenByCode(mandate.issuer, {
        email: 'admin@acme.test',
        answers: { api: true, 'flows:edit': true, atlas: true },
      });
      const listed = await admin.json<{ items: { id: string; client_id: string }[] }>(
        'authorizations',
        'list',
        '--user',
        'admin@acme.test',
        '--client',
        'acme-web',
      );
      const id = listed.items[0]?.id ?? '';
      await admin.json('authorizations', 'edit', id, '--capability', 'api');
      expect((await introspect(mandate.issuer, token)).scope).toBe('api');
      const wider = await admin.run('authorizations', 'edit', id, '--capability', 'api,apps:view');
      expect(wider).toMatchObject({ code: 1, stderr: expect.stringContaining('A token cannot do this') });
      await admin.json('authorizations', 'revoke', id);
      expect(await introspect(mandate.issuer, token)).toEqual({ active: false });
    },
    seconds,
  );

  test(
    'reads who changed what, and takes it away as JSON lines',
    async () => {
      const listed = await admin.run(
        'audit',
        'list',
        '--subject',
        'project',
        '--since',
        '1h',
        '--limit',
        '5',
      );
      expect(listed.stdout).toMatch(/^SEQ +AT +ACTOR +ACTION/);
      expect((await admin.run('audit', 'list', '--actor', 'admin@acme.test')).stdout).toContain('created');
      expect((await admin.run('audit', 'list', '--actor', 'system', '--limit', '1')).stdout).toContain(
        'system',
      );
      const exported = await admin.run('audit', 'export', '--subject', 'role');
      const lines = exported.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { subject: string });
      expect(lines.every(({ subject }) => subject === 'role')).toBe(true);
      expect(lines.length).toBeGreaterThan(1);
    },
    seconds,
  );

  test(
    'is told what was refused, why, and what was not understood',
    async () => {
      expect(
        await admin.run(
          'roles',
          'create',
          '--slug',
          'boss',
          '--name',
          'Boss',
          '--permission',
          'users.manage',
        ),
      ).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('A token cannot do this'),
      });
      expect(await admin.run('projects', 'create', '--slug', 'BAD', '--name', 'Bad')).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('slug: must be lower case'),
      });
      for (const args of [
        ['projects', 'create', '--slug', 'x'],
        ['users', 'show', 'nobody@acme.test'],
        ['keys', 'rotate', 'nightly', '--overlap-hours', 'soon'],
        ['audit', 'list', '--since', 'yesterday'],
        ['users', 'paint'],
      ]) {
        expect((await admin.run(...args)).code).toBe(2);
      }
    },
    seconds,
  );
});

describe('somebody who is not', () => {
  test(
    'is told to log in, with what, and gets another exit code',
    async () => {
      const nobody = await newCommandLine(mandate.issuer);
      expect(await nobody.run('keys', 'list')).toEqual({
        code: 3,
        stdout: '',
        stderr: `mandate: you are not logged in to ${mandate.issuer}: run \`mandate login --issuer ${mandate.issuer} --scope mandate:admin\`\n`,
      });
    },
    seconds,
  );

  test(
    'is told so too where there is no database that would do instead',
    async () => {
      // In a process of its own, which starts where no database is.
      const { code, stderr } = await runCommand(['users', 'list'], { MANDATE_HOME: '/nowhere' });
      expect(code).toBe(3);
      expect(stderr).toContain('mandate login --scope mandate:admin');
    },
    seconds,
  );

  test(
    'works on the database of the machine with the commands that can, as before',
    async () => {
      const operator = await newCommandLine(mandate.issuer, { DATABASE_URL: mandate.databaseUrl });
      expect((await operator.run('users', 'list', '--kind', 'service_account')).stdout).toContain(
        'ci@acme.test',
      );
      const both = await administratorsCommandLine(mandate.issuer, 'owner@acme.test', {
        DATABASE_URL: mandate.databaseUrl,
      });
      expect(await both.json('users', 'list', '--local')).toHaveProperty('users');
      expect(await both.json('users', 'list')).toHaveProperty('items');
    },
    seconds,
  );
});

test(
  'a key of one’s own is made on its page, filled in from the command; a token makes none',
  async () => {
    const nobody = await newCommandLine(mandate.issuer);
    const { address } = await nobody.json<{ address: string }>(
      ...[
        'keys',
        'create',
        '--name',
        'my laptop',
        '--capability',
        'api,flows:edit',
        '--project',
        'atlas=editor',
      ],
      ...['--mcp-server', 'atlas-flows', '--lifetime', '7d'],
    );
    const editor = await signIn(mandate.issuer, 'editor@acme.test');
    const made = await editor.submit(await editor.get(address.replace(mandate.issuer, '')), 'Create key', {});
    const secret = /mk_[0-9A-Za-z]{49}/.exec(made.body)?.[0] ?? '';
    expect(await introspect(mandate.issuer, secret)).toMatchObject({
      username: 'editor@acme.test',
      scope: 'api flows:edit',
      exp: mandate.clock.now() + 7 * 86_400,
    });
    const own = await admin.run(
      'keys',
      'create',
      '--name',
      'own',
      '--capability',
      'api',
      '--user',
      'admin@acme.test',
    );
    expect(own).toMatchObject({ code: 1, stderr: expect.stringContaining('A token cannot do this') });
  },
  seconds,
);

test(
  'completes nouns, verbs, options and choices in three shells',
  async () => {
    const someone = await newCommandLine(mandate.issuer);
    const complete = async (...words: string[]) =>
      (await someone.run('__complete', '--', ...words)).stdout.trim().split('\n');
    expect(await complete('au')).toEqual(['audit', 'authorizations'].filter((word) => word.startsWith('au')));
    expect(await complete('keys', 'r')).toEqual(['resume', 'revoke', 'rotate']);
    expect(await complete('keys', 'create', '--cap')).toEqual(['--capability']);
    expect(await complete('authorizations', 'list', '--kind', '')).toEqual(['oauth2', 'api_key']);
    for (const shell of ['bash', 'zsh', 'fish']) {
      expect((await someone.run('completion', shell)).stdout).toContain('mandate __complete');
    }
    expect((await someone.run('completion', 'tcsh')).code).toBe(2);
  },
  seconds,
);
