/** An organization of 2,000 projects: whoever administers or consents finds each of them, and is sent a hundred at a time. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type BrowserlessClient, createBrowserlessClient, type Page } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { pkce } from '../support/oauth.ts';
import { signInIfAsked } from '../support/oauth-requests.ts';

const actor = { id: 'command' };
const last = 'project-1999';

let mandate: TestMandate;
let admin: BrowserlessClient;
beforeAll(async () => {
  mandate = await startMandate();
  const { store, stores, clock } = mandate;
  await store.transact(async (trx) => {
    const at = clock.now();
    const rows = Array.from({ length: 2_000 }, (_, index) => ({
      id: `prj_many${String(index).padStart(4, '0')}`,
      slug: `project-${index}`,
      name: `Project ${index}`,
      version: 1,
      created_at: at,
      updated_at: at,
    }));
    for (let from = 0; from < rows.length; from += 200)
      await trx
        .insertInto('projects')
        .values(rows.slice(from, from + 200))
        .execute();
  });
  // One change that everybody hears of.
  await stores.projects.create(actor, { slug: 'one-more', name: 'One more' });
  admin = createBrowserlessClient(mandate.issuer);
  await signInIfAsked(admin, await admin.get('/admin', { follow: true }), 'admin@acme.test');
});
afterAll(() => mandate.stop());

const submit = (page: Page, button: string, answers: Record<string, string>) =>
  admin.submit(page, button, answers, { follow: true });
const idOf = async (email: string) => (await mandate.stores.users.findByEmail(email))?.id ?? '';

test('a role is given on the last of them, by its short name', async () => {
  const home = `/admin/users/${await idOf('viewer@acme.test')}/access`;
  const page = await admin.get(home);
  expect(page.body).toContain(`<option value="${last}">`);
  const given = await submit(page, 'Give role', { Role: 'Editor', Where: last });
  expect([given.status, given.text.includes(last)]).toEqual([200, true]);
});

test('a short name that nobody has is refused, and what was typed stays', async () => {
  const page = await admin.get(`/admin/users/${await idOf('viewer@acme.test')}/access`);
  const refused = await submit(page, 'Give role', { Role: 'Editor', Where: 'nowhere' });
  expect(refused.status).toBeGreaterThanOrEqual(400);
  expect(refused.body).toContain('value="nowhere"');
});

test('left empty, it is the organization', async () => {
  const page = await admin.get(`/admin/users/${await idOf('viewer@acme.test')}/access`);
  const given = await submit(page, 'Give role', { Role: 'Member' });
  expect(given.status).toBe(200);
});

test('an MCP server is made in the last of them', async () => {
  const page = await admin.get('/admin/mcp-servers/new');
  const made = await submit(page, 'Create', {
    Name: 'far-away',
    Project: last,
    Resource: 'http://far.example/mcp',
  });
  expect([made.status, made.text.includes(last)]).toEqual([200, true]);
});

const boxes = (page: Page) => page.body.match(/name="project" value="/g)?.length ?? 0;
const ticked = (page: Page) =>
  [...page.body.matchAll(/name="project" value="([^"]+)" checked/g)].map(([, id]) => id);

test('consent draws some of them, finds the others, and keeps what was ticked', async () => {
  const owner = createBrowserlessClient(mandate.issuer);
  await signInIfAsked(owner, await owner.get('/account/authorizations', { follow: true }), 'owner@acme.test');
  const request = {
    client_id: demo.cli.id,
    redirect_uri: 'http://127.0.0.1:53124/callback',
    response_type: 'code',
    code_challenge: pkce().challenge,
    code_challenge_method: 'S256',
    scope: 'api flows:edit',
  };
  const first = await owner.get(`/authorize?${new URLSearchParams(request)}`, { follow: true });
  expect(boxes(first)).toBe(100);
  expect(first.text).toContain('100 of 2,004 projects are shown.');

  const found = await owner.submit(first, 'Find projects', {
    'Search projects': 'PROJECT-1999',
    atlas: true,
    'Role in atlas': 'Editor',
    'secrets:edit': true,
  });
  expect([found.status, boxes(found), ticked(found).length]).toEqual([200, 2, 1]);
  expect(found.text).toContain('1 of 1 project is shown.');
  expect(found.body).toMatch(/value="secrets:edit"[^>]* checked/);

  const none = await owner.submit(found, 'Find projects', { 'Search projects': 'nowhere', [last]: true });
  expect([boxes(none), ticked(none)]).toEqual([2, ticked(none)]);
  expect(none.text).toContain('No project matches.');

  const back = await owner.submit(none, 'Authorize', {}, { follow: true });
  expect(new URL(back.location ?? 'about:blank').searchParams.has('code')).toBe(true);
  const [held] = await mandate.stores.authorizations.listByUser(await idOf('owner@acme.test'));
  expect(held?.projects.map(({ id }) => id)).toContain('prj_many1999');
  expect(held?.projects).toHaveLength(2);
});

test('a key is made for the last of them, and its editor draws that one whatever is looked for', async () => {
  const owner = createBrowserlessClient(mandate.issuer);
  await signInIfAsked(owner, await owner.get('/account/authorizations', { follow: true }), 'owner@acme.test');
  const form = await owner.get('/account/api-keys/new', { follow: true });
  expect(boxes(form)).toBe(100);
  const found = await owner.submit(form, 'Find projects', {
    Name: 'far away',
    'Search projects': last,
    'flows:edit': true,
  });
  expect([found.status, boxes(found)]).toEqual([200, 1]);
  expect(found.body).toContain('value="far away"');
  const made = await owner.submit(found, 'Create key', { [last]: true }, { follow: true });
  expect(made.text).toMatch(/mk_[0-9A-Za-z]{49}/);

  const keys = await mandate.stores.authorizations.listByUser(await idOf('owner@acme.test'));
  const key = keys.find(({ name }) => name === 'far away');
  expect(key?.projects.map(({ id }) => id)).toEqual(['prj_many1999']);
  const editor = await owner.get(`/account/authorizations/${key?.id}`);
  expect([boxes(editor), ticked(editor)]).toEqual([101, ['prj_many1999']]);
  const looked = await owner.submit(editor, 'Find projects', { 'Search projects': 'project-1998' });
  expect([boxes(looked), ticked(looked)]).toEqual([2, ['prj_many1999']]);
  const saved = await owner.submit(looked, 'Save', { 'project-1998': true }, { follow: true });
  expect(saved.status).toBe(200);
  const after = await mandate.stores.authorizations.find(key?.id ?? '');
  expect(after?.projects.map(({ id }) => id).sort()).toEqual(['prj_many1998', 'prj_many1999']);
});

test('why is asked about the last of them', async () => {
  const held = await mandate.stores.authorizations.listByUser(await idOf('owner@acme.test'));
  const page = await admin.get(`/admin/authorizations/${held[0]?.id}`);
  const answered = await submit(page, 'Ask', { Capability: 'flows:edit', Where: last });
  expect(answered.body).toContain(`value="${last}"`);
  expect(answered.text).not.toContain('It was not granted.');
});
