import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { findDemoSecrets } from '../../src/organization/demo-secrets.ts';
import type { ImportEntry } from '../../src/organization/import-diff.ts';
import { exportOrganization } from '../../src/organization/organization-export.ts';
import {
  emptyOrganization,
  parseOrganization,
  readOrganizationFile,
} from '../../src/organization/organization-file.ts';
import { effective } from '../../src/policy/effective.ts';
import { noLimits } from '../../src/policy/limits.ts';
import { wholeOf } from '../../src/policy/whole.ts';
import { shippedFiles } from '../../src/shipped-files.ts';
import { engines } from '../support/databases.ts';
import { actor, changeLog, openStores, type Stores } from './open-stores.ts';

const demo = readOrganizationFile(shippedFiles().demo);

describe.each(engines)('importing an organization on %s', (engine) => {
  let stores: Stores;
  beforeEach(async () => {
    stores = await openStores(engine);
  });
  afterEach(() => stores.close());

  async function plan(yaml: string | typeof demo) {
    const file = typeof yaml === 'string' ? parseOrganization(yaml) : yaml;
    const planned = await stores.imports.plan(file);
    if (planned.outcome !== 'planned') throw new Error(planned.problem);
    return planned.plan;
  }
  async function load(yaml: string | typeof demo) {
    const applied = await stores.imports.apply(actor, await plan(yaml));
    if (applied.outcome !== 'applied') throw new Error(applied.outcome);
    return applied.entries;
  }
  const refusal = async (yaml: string) => {
    const planned = await stores.imports.plan(parseOrganization(yaml));
    return planned.outcome === 'refused' ? planned.problem : 'not refused';
  };
  const changed = (entries: readonly ImportEntry[]) =>
    entries
      .filter(({ action }) => action !== 'unchanged')
      .map(({ subject, name, action, details }) => [action, subject, name, ...details].join(' · '));
  const userOf = async (email: string) => {
    const user = await stores.users.findByEmail(email);
    if (!user) throw new Error(`no ${email}`);
    return user;
  };
  const rightsOf = async (email: string) => {
    const access = await stores.liveAccess.read((await userOf(email)).id);
    const world = await stores.worldSource.whole();
    const onProjects = [...(access?.live.projects ?? [])].map(([id, names]) => [
      world.projects.get(id)?.slug,
      [...names].sort(),
    ]);
    return { organization: [...(access?.live.organization ?? [])].sort(), ...Object.fromEntries(onProjects) };
  };

  test('importing what was exported changes nothing, and makes the same organization elsewhere', async () => {
    await load(demo);
    await load(
      'users: [{ email: ci@acme.test, kind: service_account, name: Acme CI, status: suspended }]\n' +
        'mcp_servers: [{ name: atlas-flows, project: atlas, resource: "http://localhost:4100/mcp/atlas", enabled: false }]\n' +
        'clients: [{ id: slice, service_account: ci@acme.test, secret: a-long-enough-secret, metadata: { grant_types: [client_credentials], response_types: [], redirect_uris: [], token_endpoint_auth_method: client_secret_basic }, authorization: { capabilities: [api], projects: { atlas: [editor] }, mcp_servers: [atlas-flows] } }]',
    );
    const { file, leftOut } = await exportOrganization(stores);
    expect(leftOut).toEqual([]);
    const text = stringify(file);
    expect(text).not.toMatch(/argon2|hash|mandate-demo|not-for-production/);
    expect(changed((await plan(text)).entries)).toEqual([]);
    const other = await openStores(engine);
    const planned = await other.imports.plan(parseOrganization(text));
    if (planned.outcome !== 'planned') throw new Error(planned.problem);
    await other.imports.apply(actor, planned.plan);
    expect((await exportOrganization(other)).file).toEqual(file);
    await other.close();
  });

  test('shows what it would do and changes nothing', async () => {
    const { entries } = await plan(demo);
    expect(entries.every(({ action }) => action === 'create')).toBe(true);
    expect(await stores.users.list({ limit: 1 })).toEqual([]);
    expect(await changeLog(stores)).toEqual([]);
  });

  test('does it once: a second import finds nothing to change and writes nothing', async () => {
    await load(demo);
    const log = await changeLog(stores);
    expect(changed(await load(demo))).toEqual([]);
    expect(await changeLog(stores)).toEqual(log);
  });

  test('makes the demo organization to the letter', async () => {
    await load(demo);
    const viewer = ['api', 'apps:view', 'mcp'];
    const editor = ['api', 'apps:view', 'endpoints:access', 'flows:edit', 'mcp'];
    const member = ['api', 'api-keys.create', 'apps:view'];
    expect(await rightsOf('editor@acme.test')).toEqual({
      organization: member,
      atlas: editor,
      borealis: viewer,
    });
    expect(await rightsOf('viewer@acme.test')).toEqual({ organization: member, atlas: viewer });
    expect(await rightsOf('analyst@acme.test')).toEqual({ organization: ['api'], borealis: viewer });
    expect(await rightsOf('ci@acme.test')).toEqual({ organization: member, atlas: editor });
    expect((await rightsOf('owner@acme.test')).organization).toHaveLength(stores.catalogue.size + 12);
    const { passwordHash } = await userOf('owner@acme.test');
    expect(passwordHash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(await stores.passwords.verify(passwordHash, 'mandate-demo')).toBe(true);
    expect((await userOf('ci@acme.test')).passwordHash).toBeNull();
    const mcp = await stores.resourceServers.find('acme-mcp');
    expect(
      (await stores.resourceServers.guardedBy(mcp?.id ?? '')).mcpServers.map(({ resource }) => resource),
    ).toEqual(['http://localhost:4100/mcp/atlas', 'http://localhost:4100/mcp/borealis']);
    const web = await stores.clients.find('acme-web');
    expect(web && stores.clients.matchesSecret(web, 'acme-web-demo-secret-not-for-production')).toBe(true);
  });

  test('keeps no password and no secret of the file anywhere', async () => {
    await load(demo);
    const kept = JSON.stringify([
      await stores.store.db.selectFrom('users').selectAll().execute(),
      await stores.store.db.selectFrom('clients').selectAll().execute(),
      await stores.store.db.selectFrom('resource_servers').selectAll().execute(),
      await stores.store.db.selectFrom('changes').selectAll().execute(),
    ]);
    expect(kept).not.toContain('not-for-production');
    expect(kept).not.toContain('mandate-demo');
  });

  test('gives the client of a service account one authorization that follows its owner', async () => {
    await load(demo);
    const own = await stores.authorizations.findByClient('acme-ci');
    const account = await userOf('ci@acme.test');
    expect(own).toMatchObject({
      kind: 'oauth2',
      userId: account.id,
      followsOwner: true,
      capabilities: [],
      install: null,
    });
    const access = await stores.liveAccess.read(account.id);
    if (!access) throw new Error('no access');
    const world = await stores.worldSource.whole();
    const now = effective(wholeOf(access.live, world, access.assigned), access.live, world, noLimits);
    expect(now.organization).toEqual(['api', 'apps:view']);
    expect(now.projects.map(({ slug, actions }) => [slug, actions])).toEqual([
      ['atlas', ['flows:edit', 'endpoints:access']],
    ]);
    expect(now.mcpServers.map(({ name }) => name)).toEqual(['atlas-flows']);
  });

  test('gives it the slice that the file writes out, and changes it with the file', async () => {
    await load(demo);
    const slice = (capabilities: string) => `
clients:
  - id: acme-ci
    service_account: ci@acme.test
    metadata: { client_name: Acme CI, token_endpoint_auth_method: client_secret_basic, redirect_uris: [],
                grant_types: [client_credentials], response_types: [] }
    authorization: { capabilities: ${capabilities}, projects: { atlas: [editor] }, mcp_servers: [atlas-flows] }`;
    const before = await stores.authorizations.findByClient('acme-ci');
    expect(changed(await load(slice('[api]')))).toEqual(['update · authorization · acme-ci · api']);
    const first = await stores.authorizations.findByClient('acme-ci');
    expect(first).toMatchObject({
      followsOwner: false,
      capabilities: ['api'],
      projects: [{}],
      mcpServers: [expect.any(String)],
    });
    expect(await stores.authorizations.find(before?.id ?? '')).toMatchObject({ status: 'revoked' });
    expect(changed(await load(slice('[api, mcp]')))).toEqual(['update · authorization · acme-ci · api mcp']);
    expect(await stores.authorizations.findByClient('acme-ci')).toMatchObject({
      id: first?.id,
      capabilities: ['api', 'mcp'],
    });
    expect(changed(await load(slice('[api, mcp]')))).toEqual([]);
    expect(await refusal(slice('[everything]'))).toBe('client acme-ci: there is no capability everything');
  });

  test('a policy is compared, shown and replaced as a whole; without one it stays', async () => {
    await load(demo);
    const policy = `
policy:
  longest_lifetimes: { oauth2: 30d }
  capabilities: { secrets:edit: { longest_lifetime: 12h, needs_approval: true } }
  clients: { permitted: hosts, hosts: { tools.acme.test: verify, evil.test: deny } }`;
    expect(changed((await plan(policy)).entries)).toEqual([
      'update · policy · organization · longest lifetime of what is handed to tools: none → 30d · longest lifetime of secrets:edit: none → 12h · secrets:edit needs approval: no → yes · permitted clients: any → hosts · host evil.test: none → deny · host tools.acme.test: none → verify',
    ]);
    expect(await stores.policies.read()).toMatchObject({ version: 1 });
    await load(policy);
    expect(await stores.policies.read()).toMatchObject({
      version: 2,
      policy: { longest: { oauth2: 2_592_000, api_key: null }, clients: { permitted: 'hosts' } },
    });
    expect((await changeLog(stores)).at(-1)).toBe('policy updated');
    expect(changed((await plan(policy)).entries)).toEqual([]);
    expect(changed((await plan('projects: []')).entries)).toEqual([]);
    const { file } = await exportOrganization(stores);
    expect(file.policy).toEqual({
      longest_lifetimes: { oauth2: '30d', api_key: 'none' },
      capabilities: { 'secrets:edit': { longest_lifetime: '12h', needs_approval: true } },
      clients: { permitted: 'hosts', hosts: { 'evil.test': 'deny', 'tools.acme.test': 'verify' } },
    });
    expect(changed((await plan(stringify(file))).entries)).toEqual([]);
    expect(changed((await plan('policy: {}')).entries)).toEqual([
      expect.stringMatching(/^update · policy · .* 30d → none .* host tools\.acme\.test: verify → none$/),
    ]);
    expect(await refusal('policy: { capabilities: { fly: {} } }')).toBe('policy: there is no capability fly');
  });

  test('new passwords that somebody would guess are refused with whose they are, and nothing is imported', async () => {
    await load(demo);
    const problem = await refusal(`
projects: [{ slug: delta, name: Delta }]
users:
  - { email: ann@acme.test, name: Ann, password: Password2026! }
  - { email: bob.builder@acme.test, name: Bob, password: bob.builder }
  - { email: viewer@acme.test, name: Victor Viewer, password: short }
  - { email: owner@acme.test, name: Olivia Owner, password: mandate-demo }`);
    expect(problem.split('\n')).toEqual([
      'user ann@acme.test: the password is among the first that somebody would guess',
      'user bob.builder@acme.test: the password is little else than the name or the address',
      'user viewer@acme.test: the password has fewer than 8 characters',
    ]);
    expect(problem).not.toMatch(/2026|short/);
    expect(await stores.projects.findBySlug('delta')).toBeUndefined();
  });

  test('a password that somebody has already is not asked what a new one is asked', async () => {
    await load(demo);
    const { id } = await userOf('viewer@acme.test');
    await stores.users.update(actor, id, { passwordHash: await stores.passwords.hash('qwertyuiop') });
    const same = 'users: [{ email: viewer@acme.test, name: Victor Viewer, password: qwertyuiop }]';
    expect(changed((await plan(same)).entries)).toEqual([]);
  });

  test('says each difference and leaves what the file does not mention', async () => {
    await load(demo);
    const entries = await load(`
roles: [{ slug: analyst, name: Analyst, permissions: [api, audit.read] }]
projects: [{ slug: atlas, name: Atlas Two }]
mcp_servers: [{ name: atlas-flows, project: atlas, resource: 'http://localhost:4100/mcp/atlas', enabled: false }]
users:
  - { email: viewer@acme.test, name: Victor Viewer, password: another password }
  - { email: editor@acme.test, name: Edith, roles: [], projects: { cygnus: [editor], borealis: [viewer] } }
  - { email: admin@acme.test, name: Adam Admin, status: suspended }
resource_servers: [{ name: acme-api, audiences: ['http://localhost:4100/api', 'http://localhost:4200/api'] }]
clients: [{ id: mandate-cli, metadata: { client_name: CLI } }]`);
    expect(changed(entries)).toEqual([
      'update · role · analyst · permission: + audit.read',
      'update · project · atlas · name: Atlas → Atlas Two',
      'update · mcp_server · atlas-flows · disable',
      'update · user · viewer@acme.test · password',
      'update · user · editor@acme.test · name: Edith Editor → Edith · role: + editor on cygnus · role: − editor on atlas · role: − member',
      'update · user · admin@acme.test · suspend',
      'update · resource_server · acme-api · audience: + http://localhost:4200/api',
      'update · client · mandate-cli · metadata',
    ]);
    expect(
      await stores.passwords.verify((await userOf('viewer@acme.test')).passwordHash, 'another password'),
    ).toBe(true);
    // No roles and no projects in the file: viewer's assignments are as they were.
    expect(Object.keys(await rightsOf('viewer@acme.test'))).toEqual(['organization', 'atlas']);
    expect(Object.keys(await rightsOf('editor@acme.test')).sort()).toEqual([
      'borealis',
      'cygnus',
      'organization',
    ]);
    expect(await stores.users.list({ limit: 10 })).toHaveLength(6);
  });

  test('moves ownership from one person to another in one file, and never takes the last away', async () => {
    await load(demo);
    await load(`
users:
  - { email: owner@acme.test, name: Olivia Owner, roles: [member] }
  - { email: admin@acme.test, name: Adam Admin, roles: [owner] }`);
    expect((await rightsOf('owner@acme.test')).organization).not.toContain('users.manage');
    const last = 'users: [{ email: admin@acme.test, name: Adam Admin, roles: [admin] }]';
    expect(await refusal(last)).toBe(
      'user admin@acme.test: the organization would be left without an active Owner',
    );
  });

  test('refuses what cannot be done, and says why', async () => {
    await load(demo);
    const cases = [
      [
        'roles: [{ slug: owner, name: X, permissions: [] }]',
        'role owner: is built in and changes with Mandate alone',
      ],
      ['roles: [{ slug: x, name: X, permissions: [fly] }]', 'role x: there is no permission fly'],
      [
        "mcp_servers: [{ name: atlas-flows, project: cygnus, resource: 'http://localhost:4100/mcp/atlas' }]",
        'MCP server atlas-flows: cannot move to another project or resource; make a new one',
      ],
      ['users: [{ email: ci@acme.test, name: CI }]', 'user ci@acme.test: is a service_account, not a person'],
      ['users: [{ email: x@acme.test, name: X, roles: [nope] }]', 'user x@acme.test: there is no role nope'],
      [
        'users: [{ email: x@acme.test, name: X, projects: { nope: [editor] } }]',
        'user x@acme.test: there is no project nope',
      ],
      [
        "resource_servers: [{ name: mine, audiences: ['http://localhost:4100/api'] }]",
        'resource server mine: http://localhost:4100/api is another one’s',
      ],
      [
        'clients: [{ id: x, metadata: {}, service_account: editor@acme.test }]',
        'client x: there is no service account editor@acme.test',
      ],
    ] as const;
    for (const [yaml, problem] of cases) expect((await refusal(yaml)).replace("'", '’')).toBe(problem);
  });

  test('applies what was shown or nothing: a database that moved meanwhile is looked at again', async () => {
    const first = await plan(demo);
    await stores.projects.create(actor, { slug: 'atlas', name: 'Atlas' });
    expect(await stores.imports.apply(actor, first)).toEqual({ outcome: 'changed_meanwhile' });
    expect(await stores.users.list({ limit: 1 })).toEqual([]);
  });

  test('of nothing brings the built-in roles', async () => {
    expect(changed(await load(emptyOrganization))).toHaveLength(5);
    expect((await stores.roles.list()).map(({ slug, builtIn }) => [slug, builtIn])).toEqual(
      expect.arrayContaining([
        ['owner', true],
        ['member', true],
      ]),
    );
    expect(changed(await load(emptyOrganization))).toEqual([]);
  });

  test('leaves secrets that a production start can find', async () => {
    const found = () => findDemoSecrets({ ...stores, demo });
    expect(await found()).toEqual([]);
    await load(demo);
    expect(await found()).toEqual([
      'the password of owner@acme.test',
      'the password of admin@acme.test',
      'the password of editor@acme.test',
      'the password of viewer@acme.test',
      'the password of analyst@acme.test',
      'the secret of the resource server acme-api',
      'the secret of the resource server acme-mcp',
      'the secret of the client acme-ci',
      'the secret of the client acme-web',
    ]);
    // A demo secret under another name is still one.
    await stores.clients.saveRegistered(actor, {
      id: 'copied',
      metadata: {},
      secret: 'acme-web-demo-secret-not-for-production',
    });
    expect(await found()).toContain('the secret of the client copied');
  });
});
