/** What a tool lacks is added for a while over the API, from a terminal and on an administrator's page, within the rules of any widening. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createKey, signIn } from '../support/account.ts';
import { type Administrator, signInToApi } from '../support/administrator.ts';
import { administratingTool } from '../support/administrator-token.ts';
import { administratorsCommandLine } from '../support/logged-in-command-line.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';
import { introspect } from '../support/oauth.ts';
import { setPolicies } from '../support/policies.ts';
import { readingToken } from '../support/reading-token.ts';

const hour = 3_600;
const day = 24 * hour;

describe('over the API', () => {
  let mandate: TestMandate;
  let editor: Administrator;
  let admin: Administrator;
  beforeAll(async () => {
    mandate = await startMandate();
    editor = await signInToApi(mandate.issuer, 'editor@acme.test');
    admin = await signInToApi(mandate.issuer, 'admin@acme.test');
  });
  afterAll(() => mandate.stop());

  interface Document {
    readonly version: number;
    readonly capabilities: string[];
    readonly additions: { id: string; capabilities: string[]; ends_at: number; added_by: string }[];
    readonly effective: { capabilities: string[] };
  }
  const add = (who: Administrator, id: string, version: number, body: object) =>
    who.call<Document & { code?: string }>(
      'POST',
      `/authorizations/${id}/additions`,
      { for_seconds: hour, ...body },
      { 'if-match': `"${version}"` },
    );
  const view = { capabilities: ['apps:view'] };

  test('is made against the version that was seen, beside what is granted for good', async () => {
    const { token, id } = await readingToken(mandate, 'editor@acme.test');
    const path = `/authorizations/${id}/additions`;
    const body = { ...view, for_seconds: hour };
    expect(await editor.call('POST', path, body)).toMatchObject({ status: 428 });
    expect(await add(editor, id, 7, view)).toMatchObject({ status: 412, body: { code: 'version_changed' } });
    const made = await add(editor, id, 1, view);
    expect(made.body).toMatchObject({
      version: 2,
      capabilities: ['api'],
      additions: [{ capabilities: ['apps:view'], ends_at: mandate.clock.now() + hour }],
      effective: { capabilities: ['api', 'apps:view'] },
    });
    expect(await add(editor, id, 1, view)).toMatchObject({ status: 412 });
    // An edit of the rest leaves it running; it goes through suspension, and an end is not undone by anything.
    const edited = await editor.call<Document>(
      'PATCH',
      `/authorizations/${id}`,
      { capabilities: ['api'], lifetime_seconds: 10 * day },
      { 'if-match': '"2"' },
    );
    expect(edited.body.additions).toHaveLength(1);
    await editor.call('POST', `/authorizations/${id}/suspend`);
    expect(await introspect(mandate.issuer, token)).toEqual({ active: false });
    await editor.call('POST', `/authorizations/${id}/resume`);
    expect(await introspect(mandate.issuer, token)).toMatchObject({ scope: 'api apps:view' });
    const [{ id: addition } = { id: '' }] = edited.body.additions;
    const ended = await editor.call<Document>('POST', `${path}/${addition}/end`);
    expect(ended.body).toMatchObject({ additions: [], effective: { capabilities: ['api'] } });
    expect(await editor.call('POST', `${path}/${addition}/end`)).toMatchObject({ status: 404 });
    await editor.call('POST', `/authorizations/${id}/revoke`);
    const { version } = (await mandate.stores.authorizations.find(id)) ?? { version: 0 };
    expect(await add(editor, id, version, view)).toMatchObject({ status: 409, body: { code: 'ended' } });
  });

  test('holds what its owner may hand over, ends with the authorization, and is not for others to add', async () => {
    const { id } = await readingToken(mandate, 'editor@acme.test');
    for (const [body, code] of [
      [{ capabilities: ['secrets:edit'] }, 'not_granted'],
      [{ capabilities: ['mandate:admin'] }, 'not_granted'],
      [{ capabilities: ['api'] }, 'nothing_chosen'],
      [{}, 'nothing_chosen'],
      [{ ...view, for_seconds: 59 }, 'invalid'],
      [{ ...view, for_seconds: 31 * day }, 'invalid'],
    ] as const) {
      expect(await add(editor, id, 1, body)).toMatchObject({ status: 422, body: { code } });
    }
    expect((await add(admin, id, 1, view)).status).toBe(404);
    const { expiresAt } = (await mandate.stores.authorizations.find(id)) ?? {};
    const until = mandate.clock.now() + 60;
    const short = { lifetime_seconds: 60 };
    await editor.call('PATCH', `/authorizations/${id}`, short, { 'if-match': '"1"' });
    expect(expiresAt).not.toBe(until);
    expect((await add(editor, id, 2, view)).body.additions).toMatchObject([{ ends_at: until }]);
    const other = await signInToApi(mandate.issuer, 'viewer@acme.test');
    const [{ id: addition } = { id: '' }] = (await editor.call<Document>('GET', `/authorizations/${id}`)).body
      .additions;
    const end = `/authorizations/${id}/additions/${addition}/end`;
    expect((await other.call('POST', end)).status).toBe(404);
    // Whoever may pause it may end what was added.
    expect((await admin.call('POST', end)).status).toBe(200);
  });

  test('a token that administers adds nothing to what its own account handed out', async () => {
    const tool = await administratingTool(mandate.issuer, 'admin@acme.test');
    const { id } = await readingToken(mandate, 'admin@acme.test');
    const path = `${mandate.issuer}/api/v1/authorizations/${id}`;
    const headers = {
      authorization: `Bearer ${tool.token}`,
      'content-type': 'application/json',
      'if-match': '"1"',
    };
    const body = JSON.stringify({ ...view, for_seconds: hour });
    const refused = await fetch(`${path}/additions`, { method: 'POST', headers, body });
    expect(await refused.json()).toMatchObject({ status: 403, code: 'not_over_token' });
    await add(admin, id, 1, view);
    const [addition] = (await mandate.stores.authorizations.find(id))?.additions ?? [];
    // Narrowing is always allowed.
    const ended = await fetch(`${path}/additions/${addition?.id}/end`, { method: 'POST', headers });
    expect(ended.status).toBe(200);
  });

  test('is part of an API key too', async () => {
    const client = await signIn(mandate.issuer, 'editor@acme.test');
    const { secret, id } = await createKey(client, { Name: 'script', api: true });
    await add(editor, id, 1, view);
    expect(await introspect(mandate.issuer, secret)).toMatchObject({
      scope: 'api apps:view',
      exp: mandate.clock.now() + hour,
    });
    mandate.clock.advance(hour);
    expect(await introspect(mandate.issuer, secret)).toMatchObject({ scope: 'api' });
  });

  test('bounded by policy: a capability holds no longer than it may, and needs its approval each time', async () => {
    await setPolicies(mandate, {
      capabilities: [{ name: 'secrets:edit', longest_lifetime: hour, needs_approval: true }],
    });
    admin = await signInToApi(mandate.issuer, 'admin@acme.test');
    const { token, id } = await readingToken(mandate, 'admin@acme.test');
    const atlas = await mandate.stores.projects.findBySlug('atlas');
    const role = await mandate.stores.roles.findBySlug('admin');
    const secrets = { capabilities: ['secrets:edit'], projects: [{ id: atlas?.id, role_ids: [role?.id] }] };
    const why = { justification: 'to rotate a key' };
    expect(await add(admin, id, 1, { ...secrets, for_seconds: day, ...why })).toMatchObject({
      body: { code: 'lifetime_too_long' },
    });
    expect(await add(admin, id, 1, secrets)).toMatchObject({ body: { code: 'justification_missing' } });
    const owner = await signInToApi(mandate.issuer, 'owner@acme.test');
    const scopeOf = async () => (await introspect(mandate.issuer, token)).scope;
    const decide = async (body: object = {}) => {
      const [waiting] = await mandate.stores.approvals.list({ status: 'pending', limit: 1 });
      const match = { 'if-match': `"${waiting?.version}"` };
      return owner.call<{ code?: string }>('POST', `/approvals/${waiting?.id}/approve`, body, match);
    };
    expect((await add(admin, id, 1, { ...secrets, ...why })).status).toBe(201);
    expect(await scopeOf()).toBe('api');
    const waiting = await owner.call<{ items: object[] }>('GET', '/approvals?status=pending');
    expect(waiting.body.items).toMatchObject([
      { authorization_version: 2, ends_at: mandate.clock.now() + hour },
    ]);
    // Whoever decides has looked at the authorization as it is.
    expect(await decide({ authorization_version: 1 })).toMatchObject({ status: 412 });
    expect(await decide({ authorization_version: 2 })).toMatchObject({ status: 200 });
    expect(await scopeOf()).toBe('api secrets:edit');
    // An edit of something else takes nothing of it away.
    const match = { 'if-match': '"3"' };
    await admin.call('PATCH', `/authorizations/${id}`, { capabilities: ['api', 'apps:view'] }, match);
    expect(await scopeOf()).toBe('api apps:view secrets:edit');
    mandate.clock.advance(hour);
    expect(await scopeOf()).toBe('api apps:view');
    // What was agreed to for an hour is agreed to neither for another one nor for good.
    const fresh = await signInToApi(mandate.issuer, 'admin@acme.test');
    expect(await add(fresh, id, 4, secrets)).toMatchObject({ body: { code: 'justification_missing' } });
    const whole = { capabilities: ['api', 'secrets:edit'], projects: secrets.projects };
    const forGood = await fresh.call<{ code: string }>('PATCH', `/authorizations/${id}`, whole, {
      'if-match': '"4"',
    });
    expect(forGood.body.code).toBe('justification_missing');
    expect((await add(fresh, id, 4, { ...secrets, ...why })).status).toBe(201);
    expect(await scopeOf()).toBe('api apps:view');
    // What was asked for an hour ago is over: nobody agrees to it afterwards.
    mandate.clock.advance(hour);
    const late = await signInToApi(mandate.issuer, 'owner@acme.test');
    const [asked] = await mandate.stores.approvals.list({ status: 'pending', limit: 1 });
    const at = { 'if-match': `"${asked?.version}"` };
    const refused = await late.call('POST', `/approvals/${asked?.id}/approve`, {}, at);
    expect(refused).toMatchObject({ status: 409, body: { code: 'ended' } });
    await setPolicies(mandate);
  });

  test('from a terminal, for an API key that an administrator keeps', async () => {
    const client = await signIn(mandate.issuer, 'editor@acme.test');
    const { secret, id } = await createKey(client, { Name: 'nightly', api: true });
    const terminal = await administratorsCommandLine(mandate.issuer, 'admin@acme.test');
    const added = await terminal.json<Document>(
      ...['authorizations', 'add', id, '--capability', 'flows:edit', '--project', 'atlas=editor'],
      ...['--for', '1h'],
    );
    expect(added.additions).toMatchObject([{ ends_at: mandate.clock.now() + hour }]);
    expect(await introspect(mandate.issuer, secret)).toMatchObject({ scope: 'api flows:edit' });
    const [{ id: addition } = { id: '' }] = added.additions;
    await terminal.json('authorizations', 'end-addition', id, addition);
    expect(await introspect(mandate.issuer, secret)).toMatchObject({ scope: 'api' });
  });

  test('an administrator sees it on its page, and ends it there', async () => {
    const { token, id } = await readingToken(mandate, 'editor@acme.test');
    await add(await signInToApi(mandate.issuer, 'editor@acme.test'), id, 1, view);
    const client = await signIn(mandate.issuer, 'admin@acme.test');
    const page = await client.get(`/admin/authorizations/${id}`);
    expect(page.text).toMatch(/For a while, until .* apps:view/);
    const ended = await client.submit(page, 'End now', {}, { follow: true });
    expect(ended.text).not.toContain('For a while');
    expect(await introspect(mandate.issuer, token)).toMatchObject({ scope: 'api' });
  });
});
