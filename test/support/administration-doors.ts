/**
 * The three doors to the same administration: pages, JSON API, command line. Each does what a story asks for in its own way; what
 * comes of it is for the story to expect. People are named by what stands before `@acme.test`.
 */
import { createKey, type KeyAnswers, signIn } from './account.ts';
import { type Administrator, signInToApi } from './administrator.ts';
import { type BrowserlessClient, createBrowserlessClient, type Page } from './http.ts';
import { administratorsCommandLine, type CommandLine } from './logged-in-command-line.ts';
import { demo, type TestMandate } from './mandate.ts';

/** What a key, or a later edit of it, shall carry. Everything by the names that people use. */
export interface Slice {
  readonly capabilities?: readonly string[];
  readonly roles?: readonly string[];
  /** Project → role on it. */
  readonly projects?: Readonly<Record<string, string>>;
  readonly servers?: readonly string[];
}

/** What came of it: done, with what was made; or refused, with what was said. */
export type Outcome =
  | { readonly refused: undefined; readonly secret: string; readonly id: string }
  | { readonly refused: string };

export interface Door {
  makeKey(who: string, name: string, slice: Slice, owner?: string): Promise<Outcome>;
  /** @returns all that somebody sees of API keys */
  keysSeenBy(who: string): Promise<string>;
  /** Sets what a key carries: all of it. */
  edit(who: string, id: string, slice: Slice): Promise<Outcome>;
  pause(who: string, id: string, action: 'suspend' | 'resume' | 'revoke'): Promise<Outcome>;
  makeRole(who: string, slug: string, permissions: readonly string[]): Promise<Outcome>;
  /** Makes a role and, with it, a key: in one place where there is one. */
  makeRoleWithKey(who: string, slug: string, capabilities: readonly string[]): Promise<Outcome>;
  setRole(who: string, slug: string, permissions: readonly string[]): Promise<Outcome>;
  makeServiceAccount(who: string, name: string, role: string): Promise<Outcome>;
  assign(who: string, to: string, role: string, project?: string): Promise<Outcome>;
  unassign(who: string, from: string, role: string, project: string): Promise<Outcome>;
  /** @returns what is told about somebody's access: roles, what they amount to, what may be delegated */
  access(who: string, of: string): Promise<string>;
}

/** Ids behind names, read from the stores: a page has them in its links. */
export function namesOf({ stores }: TestMandate) {
  return {
    user: async (who: string) => (await stores.users.findByEmail(`${who}@acme.test`))?.id ?? '',
    role: async (slug: string) => (await stores.roles.findBySlug(slug))?.id ?? '',
    project: async (slug: string) => (await stores.projects.findBySlug(slug))?.id ?? '',
    server: async (name: string) => (await stores.mcpServers.findByName(name))?.id ?? '',
    roleName: async (slug: string) => (await stores.roles.findBySlug(slug))?.name ?? '',
  };
}

const made = (id = '', secret = ''): Outcome => ({ refused: undefined, id, secret });

/** Answers that tick exactly these boxes of a role. */
const permissionTicks = (form: Page, permissions: readonly string[]) =>
  Object.fromEntries(
    form.forms
      .flatMap(({ fields }) => fields)
      .filter(({ name, disabled }) => name === 'permissions' && !disabled)
      .map(({ label, value }) => [label, permissions.includes(value)] as const),
  );

/** Pages, without a browser's eyes. */
export function pageDoor(mandate: TestMandate): Door {
  const { issuer } = mandate;
  const names = namesOf(mandate);
  const people = new Map<string, BrowserlessClient>();
  const as = async (who: string) => {
    const known = people.get(who) ?? (await signIn(issuer, `${who}@acme.test`));
    people.set(who, known);
    return known;
  };
  const outcome = (page: Page, id = ''): Outcome => (page.status < 400 ? made(id) : { refused: page.text });
  const fill = async (who: string, path: string, button: string, answers: KeyAnswers) => {
    const client = await as(who);
    const page = await client.get(path);
    if (page.status >= 400) return page;
    return client.submit(page, button, answers, { follow: true });
  };
  const accountPath = async (who: string) =>
    `/admin/${who.startsWith('robot') || who === 'ci' ? 'service-accounts' : 'users'}/${await names.user(who)}`;
  const answersFor = async ({ capabilities = [], roles = [], projects = {}, servers = [] }: Slice) => {
    const answers: Record<string, string | boolean> = {};
    for (const name of [...capabilities, ...servers]) answers[name] = true;
    for (const slug of roles) answers[await names.roleName(slug)] = true;
    for (const [project, role] of Object.entries(projects)) {
      answers[project] = true;
      answers[`Role in ${project}`] = await names.roleName(role);
    }
    return answers;
  };
  return {
    async makeKey(who, name, slice, owner) {
      const client = await as(who);
      const form = await client.get(
        `/account/api-keys/new${owner === undefined ? '' : `?owner=${await names.user(owner)}`}`,
      );
      if (form.status >= 400) return { refused: form.text };
      const answers = { Name: name, ...(await answersFor(slice)) };
      const { page, secret, id } = await createKey(client, answers, owner && (await names.user(owner)));
      return secret === '' ? { refused: page.text } : made(id, secret);
    },
    keysSeenBy: async (who) => (await (await as(who)).get('/account/authorizations?tab=api-keys')).text,
    async edit(who, id, slice) {
      const path = `/account/authorizations/${id}`;
      const page = await (await as(who)).get(path);
      if (page.status >= 400) return { refused: page.text };
      const ticked = page.forms
        .flatMap(({ fields }) => fields)
        .filter(
          ({ name, checked }) => checked && ['capability', 'role', 'project', 'mcp_server'].includes(name),
        )
        .map(({ label }) => [label, false] as const);
      const answers = { ...Object.fromEntries(ticked), ...(await answersFor(slice)) };
      return outcome(await (await as(who)).submit(page, 'Save', answers, { follow: true }), id);
    },
    async pause(who, id, action) {
      const button = { suspend: 'Suspend', resume: 'Resume', revoke: 'Revoke' }[action];
      return outcome(await fill(who, `/account/authorizations/${id}`, button, {}), id);
    },
    async makeRole(who, slug, permissions) {
      const form = await (await as(who)).get('/admin/roles/new');
      if (form.status >= 400) return { refused: form.text };
      const answers = { Name: slug, 'Short name': slug, ...permissionTicks(form, permissions) };
      const page = await (await as(who)).submit(form, 'Create', answers, { follow: true });
      return outcome(page, await names.role(slug));
    },
    async makeRoleWithKey(who, slug, capabilities) {
      const client = await as(who);
      const form = await client.get('/account/api-keys/new');
      if (!form.text.includes('Create a role')) return { refused: 'no way to create a role here' };
      const holds = Object.fromEntries(capabilities.map((name) => [`Role holds ${name}`, true]));
      const answers = { Name: `with ${slug}`, 'Name of the role': slug, ...holds };
      const again = await client.submit(form, 'Create role', answers);
      const page = await client.submit(again, 'Create key', {});
      const secret = /mk_[0-9A-Za-z]{49}/.exec(page.body)?.[0];
      return secret === undefined ? { refused: page.text } : made('', secret);
    },
    async setRole(who, slug, permissions) {
      const path = `/admin/roles/${await names.role(slug)}`;
      const form = await (await as(who)).get(path);
      const client = await as(who);
      const saved = await client.submit(form, 'Save', permissionTicks(form, permissions), { follow: true });
      // What it takes from authorizations is said first, and confirmed.
      const asks = saved.forms.some(({ fields }) => fields.some(({ name }) => name === 'confirmed'));
      return outcome(asks ? await client.submit(saved, 'Save', {}, { follow: true }) : saved);
    },
    async makeServiceAccount(who, name, role) {
      const answers = { Email: `${name}@acme.test`, Name: name, [await names.roleName(role)]: true };
      const page = await fill(who, '/admin/service-accounts/new', 'Create', answers);
      return outcome(page, await names.user(name));
    },
    async assign(who, to, role, project) {
      const answers = { Role: await names.roleName(role), Where: project ?? 'Organization' };
      return outcome(await fill(who, `${await accountPath(to)}/access`, 'Give role', answers));
    },
    async unassign(who, from, role, project) {
      const query = new URLSearchParams({
        role: await names.role(role),
        project: await names.project(project),
      });
      return outcome(await fill(who, `${await accountPath(from)}/remove-role?${query}`, 'Remove', {}));
    },
    access: async (who, of) => (await (await as(who)).get(`${await accountPath(of)}/access`)).text,
  };
}

/** The JSON API, with a session. */
export function apiDoor(mandate: TestMandate): Door {
  const names = namesOf(mandate);
  const people = new Map<string, Administrator>();
  const as = async (who: string) => {
    const known = people.get(who) ?? (await signInToApi(mandate.issuer, `${who}@acme.test`));
    people.set(who, known);
    return known;
  };
  const send = async (who: string, method: string, path: string, body?: object, version?: number) => {
    const headers = version === undefined ? {} : { 'if-match': `"${version}"` };
    const answer = await (await as(who)).call<Record<string, string>>(method, path, body, headers);
    return answer.status < 400
      ? made(answer.body.id, answer.body.secret)
      : ({ refused: answer.text } satisfies Outcome);
  };
  const versionOf = async (who: string, path: string) =>
    Number((await (await as(who)).call('GET', path)).body.version);
  const sliceOf = async ({ capabilities = [], roles = [], projects = {}, servers = [] }: Slice) => ({
    capabilities,
    role_ids: await Promise.all(roles.map(names.role)),
    projects: await Promise.all(
      Object.entries(projects).map(async ([project, role]) => ({
        id: await names.project(project),
        role_ids: [await names.role(role)],
      })),
    ),
    mcp_server_ids: await Promise.all(servers.map(names.server)),
  });
  const accountPath = async (who: string) => {
    const kind = who.startsWith('robot') || who === 'ci' ? 'service-accounts' : 'users';
    return `/${kind}/${await names.user(who)}`;
  };
  return {
    makeKey: async (who, name, slice, owner) =>
      send(who, 'POST', '/api-keys', {
        name,
        ...(await sliceOf(slice)),
        ...(owner !== undefined && { user_id: await names.user(owner) }),
      }),
    keysSeenBy: async (who) => (await (await as(who)).call('GET', '/api-keys')).text,
    edit: async (who, id, slice) =>
      send(who, 'PATCH', `/api-keys/${id}`, await sliceOf(slice), await versionOf(who, `/api-keys/${id}`)),
    pause: (who, id, action) => send(who, 'POST', `/api-keys/${id}/${action}`),
    makeRole: (who, slug, permissions) => send(who, 'POST', '/roles', { slug, name: slug, permissions }),
    async makeRoleWithKey(who, slug, permissions) {
      const role = await send(who, 'POST', '/roles', { slug, name: slug, permissions });
      if (role.refused !== undefined) return role;
      return send(who, 'POST', '/api-keys', { name: `with ${slug}`, role_ids: [role.id] });
    },
    async setRole(who, slug, permissions) {
      const path = `/roles/${await names.role(slug)}`;
      return send(who, 'PATCH', path, { permissions }, await versionOf(who, path));
    },
    makeServiceAccount: async (who, name, role) =>
      send(who, 'POST', '/service-accounts', {
        email: `${name}@acme.test`,
        name,
        role_ids: [await names.role(role)],
      }),
    assign: async (who, to, role, project) =>
      send(who, 'POST', `${await accountPath(to)}/assignments`, {
        role_id: await names.role(role),
        project_id: project === undefined ? null : await names.project(project),
      }),
    async unassign(who, from, role, project) {
      const query = new URLSearchParams({ project_id: await names.project(project) });
      return send(who, 'DELETE', `${await accountPath(from)}/assignments/${await names.role(role)}?${query}`);
    },
    access: async (who, of) => (await (await as(who)).call('GET', await accountPath(of))).text,
  };
}

/** The command line. A key of one's own is made on the page to which it leads. */
export function commandDoor(mandate: TestMandate): Door {
  const { issuer, databaseUrl } = mandate;
  const terminals = new Map<string, CommandLine>();
  const as = async (who: string) => {
    const environment = { DATABASE_URL: databaseUrl };
    const known =
      terminals.get(who) ?? (await administratorsCommandLine(issuer, `${who}@acme.test`, environment));
    terminals.set(who, known);
    return known;
  };
  const run = async (who: string, ...args: string[]): Promise<Outcome> => {
    const { code, stdout, stderr } = await (await as(who)).run(...args, '--json');
    if (code !== 0) return { refused: stderr };
    const { id, secret } = JSON.parse(stdout) as { id?: string; secret?: string };
    return made(id, secret);
  };
  const shown = async (who: string, ...args: string[]) => (await (await as(who)).run(...args)).stdout;
  const option = (flag: string, values: readonly string[] | undefined) =>
    values === undefined ? [] : [flag, values.length === 0 ? 'none' : values.join(',')];
  const sliceArgs = ({ capabilities, roles, projects, servers }: Slice, all: boolean) => [
    ...option('--capability', capabilities ?? (all ? [] : undefined)),
    ...option('--role', roles ?? (all ? [] : undefined)),
    ...Object.entries(projects ?? {}).flatMap(([project, role]) => ['--project', `${project}=${role}`]),
    ...(all && projects === undefined ? ['--project', 'none'] : []),
    ...option('--mcp-server', servers ?? (all ? [] : undefined)),
  ];
  const email = (who: string) => `${who}@acme.test`;
  const accounts = (who: string) => (who.startsWith('robot') || who === 'ci' ? 'service-accounts' : 'users');
  const door: Door = {
    async makeKey(who, name, slice, owner) {
      const args = ['keys', 'create', '--name', name, ...sliceArgs(slice, false)];
      if (owner !== undefined) return run(who, ...args, '--user', email(owner));
      const { address } = await (await as(who)).json<{ address: string }>(...args, '--no-browser');
      const client = createBrowserlessClient(issuer);
      const asked = await client.get(address.slice(issuer.length), { follow: true });
      const form = await client.submit(
        asked,
        'Sign in',
        { Email: email(who), Password: demo.password },
        { follow: true },
      );
      if (form.status >= 400) return { refused: form.text };
      const page = await client.submit(form, 'Create key', {});
      const secret = /mk_[0-9A-Za-z]{49}/.exec(page.body)?.[0];
      const id = /\/account\/authorizations\/(az_[0-9a-z]+)/.exec(page.body)?.[1];
      return secret === undefined ? { refused: page.text } : made(id, secret);
    },
    keysSeenBy: (who) => shown(who, 'keys', 'list'),
    edit: (who, id, slice) => run(who, 'keys', 'edit', id, ...sliceArgs(slice, true)),
    pause: (who, id, action) => run(who, 'keys', action, id),
    makeRole: (who, slug, permissions) =>
      run(who, 'roles', 'create', '--slug', slug, '--name', slug, '--permission', permissions.join(',')),
    setRole: (who, slug, permissions) =>
      run(who, 'roles', 'update', slug, '--permission', permissions.join(',')),
    makeServiceAccount: (who, name, role) =>
      run(who, 'service-accounts', 'create', '--email', email(name), '--name', name, '--role', role),
    assign: (who, to, role, project) =>
      run(who, 'assignments', 'add', email(to), '--role', role, ...place(project)),
    unassign: (who, from, role, project) =>
      run(who, 'assignments', 'remove', email(from), '--role', role, ...place(project)),
    access: (who, of) => shown(who, accounts(of), 'show', email(of)),
    async makeRoleWithKey(who, slug, capabilities) {
      const role = await door.makeRole(who, slug, capabilities);
      return role.refused === undefined ? door.makeKey(who, `with ${slug}`, { roles: [slug] }) : role;
    },
  };
  return door;
}

const place = (project: string | undefined) =>
  project === undefined ? ['--organization'] : ['--project', project];
