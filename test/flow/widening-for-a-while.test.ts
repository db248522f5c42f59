/** What a tool lacks is added for a while: it holds at the next call, and is over by the clock alone, on every node and in the kit's memory. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createKey, signIn } from '../support/account.ts';
import { type Administrator, signInToApi } from '../support/administrator.ts';
import { administratingTool } from '../support/administrator-token.ts';
import { cachingResourceServer } from '../support/change-stream.ts';
import { engines } from '../support/databases.ts';
import { issueToken } from '../support/issue-token.ts';
import { administratorsCommandLine } from '../support/logged-in-command-line.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { introspect, postForm, tokenByCode } from '../support/oauth.ts';
import { codeFlow } from '../support/oauth-requests.ts';
import { type PlatformOnMandate, startPlatformOnMandate } from '../support/platform-on-mandate.ts';
import { setPolicies } from '../support/policies.ts';

const hour = 3_600;
const day = 24 * hour;

/** A token that lives longer than anything that is added, of an authorization that reads only. */
async function readingToken(
  { issuer, store, clock }: TestMandate,
  email: string,
  audience: string = demo.api,
): Promise<{ token: string; id: string }> {
  const { body } = await codeFlow(issuer, { email, request: { scope: 'api', resource: audience } });
  const first = body.access_token ?? '';
  const id = String((await introspect(issuer, first)).authorization_id);
  const facts = { authorizationId: id, clientId: demo.cli.id, audience };
  const issued = { issuedAt: clock.now(), lifetimeSeconds: 100 * day };
  return { token: await issueToken(store, { ...facts, ...issued }), id };
}

describe('whoever follows the link of a refusal', () => {
  let at: PlatformOnMandate;
  beforeAll(async () => {
    at = await startPlatformOnMandate();
  });
  afterAll(() => at.stop());

  const createFlow = (token: string) =>
    fetch(`${at.platform.origin}/api/projects/atlas/flows`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'Made for a while' }),
    });

  test('adds it for an hour: the next call is let through, and the first one after the hour is not', async () => {
    const { mandate, platform } = at;
    const { token } = await readingToken(mandate, 'editor@acme.test', `${platform.origin}/api`);
    const refused = await createFlow(token);
    expect(refused.status).toBe(403);
    const { authorization_page: link } = (await refused.json()) as { authorization_page: string };
    const editor = await signIn(mandate.issuer, 'editor@acme.test');
    const page = await editor.get(link);
    const saved = await editor.submit(page, 'Save', { 'for 1 hour': true }, { follow: true });
    expect(saved.text).toContain('Saved, until');
    expect(saved.text).toContain('can edit flows in atlas from now on');
    expect(saved.text).toMatch(
      /For a while .* Until .* flows:edit and atlas \(Editor\) added by editor@acme\.test/,
    );
    expect((await createFlow(token)).status).toBe(201);
    expect((await editor.get('/account/authorizations')).text).toContain('some of it ends in 1 hour');
    expect((await editor.get(link)).text).toContain('is part of this authorization already');

    mandate.clock.advance(hour - 1);
    expect((await createFlow(token)).status).toBe(201);
    mandate.clock.advance(1);
    expect((await createFlow(token)).status).toBe(403);
    const after = await editor.get(new URL(link).pathname);
    expect(after.text).not.toContain('For a while');
    expect(after.text).toMatch(/Over: what was added for a while .*by itself/);
    // A clock that is put back is believed.
    mandate.clock.advance(-1);
    expect((await createFlow(token)).status).toBe(201);
  });

  test('ends it early with one click, and adds it for good by an ordinary edit', async () => {
    const { mandate, platform } = at;
    const { token } = await readingToken(mandate, 'editor@acme.test', `${platform.origin}/api`);
    const { authorization_page: link } = (await (await createFlow(token)).json()) as {
      authorization_page: string;
    };
    const editor = await signIn(mandate.issuer, 'editor@acme.test');
    const saved = await editor.submit(
      await editor.get(link),
      'Save',
      { 'for 1 day': true },
      { follow: true },
    );
    // What has ended meanwhile, or was ended in another window, is over: no error.
    for (let click = 0; click < 2; click++) {
      const ended = await editor.submit(
        saved,
        'End now: flows:edit and atlas (Editor)',
        {},
        { follow: true },
      );
      expect(ended.text).toContain('Ended early what was added for a while');
    }
    expect((await createFlow(token)).status).toBe(403);
    await editor.submit(await editor.get(link), 'Save');
    expect((await createFlow(token)).status).toBe(201);
    mandate.clock.advance(2 * day);
    expect((await createFlow(token)).status).toBe(201);
  });
});

describe.each(engines)('two nodes and the kit, on %s', (engine) => {
  let first: TestMandate;
  let second: TestMandate;
  const cleanUps: (() => void)[] = [];
  beforeAll(async () => {
    first = await startMandate({ engine });
    second = await startMandate({ databaseUrl: first.databaseUrl, clock: first.clock });
  });
  afterEach(() => {
    for (const cleanUp of cleanUps.splice(0)) cleanUp();
  });
  afterAll(async () => {
    await second.stop();
    await first.stop();
  });

  async function added(seconds: number) {
    const { token, id } = await readingToken(first, 'editor@acme.test');
    const editor = await signInToApi(first.issuer, 'editor@acme.test');
    const atlas = await first.stores.projects.findBySlug('atlas');
    const role = await first.stores.roles.findBySlug('editor');
    const projects = [{ id: atlas?.id, role_ids: [role?.id] }];
    const body = { capabilities: ['flows:edit'], projects, for_seconds: seconds };
    const made = await editor.call('POST', `/authorizations/${id}/additions`, body, { 'if-match': '"1"' });
    expect(made).toMatchObject({ status: 201, body: { version: 2, capabilities: ['api'] } });
    return { token, id, until: first.clock.now() + seconds };
  }

  test('answer the same until the second of its end, say it as `exp`, and count nothing as changed there', async () => {
    const { token, until } = await added(hour);
    const [one, other] = await Promise.all([first, second].map(({ issuer }) => introspect(issuer, token)));
    expect(one).toMatchObject({ scope: 'api flows:edit', exp: until });
    expect(other).toEqual({ ...one, iss: second.issuer });
    const conditional = (tag: string) =>
      postForm(`${second.issuer}/introspect`, { token }, demo.apiServer, { 'If-None-Match': tag });
    const tag = (await conditional('""')).headers.get('etag') ?? '';
    first.clock.advance(hour - 1);
    expect(await introspect(second.issuer, token)).toEqual(other);
    expect(await conditional(tag)).toMatchObject({ status: 304 });
    first.clock.advance(1);
    for (const { issuer } of [first, second]) {
      const after = await introspect(issuer, token);
      expect(after).toMatchObject({ scope: 'api', authorization_version: 2 });
      expect(after.exp).toBeGreaterThan(until);
    }
    expect(await conditional(tag)).toMatchObject({ status: 200 });
    first.clock.advance(-1);
    expect(await introspect(second.issuer, token)).toEqual(other);
  });

  test('what the kit remembers is not used past the moment at which rights end by time alone', async () => {
    const { token } = await added(hour);
    const kit = cachingResourceServer(second.issuer);
    cleanUps.push(kit.close);
    const scope = async () => {
      const answer = await kit.introspect(token);
      return answer.active ? answer.scope : undefined;
    };
    await kit.alive();
    await scope();
    const asked = kit.asked();
    expect(await scope()).toBe('api flows:edit');
    expect(kit.asked()).toBe(asked);
    // The stream says the time every half second; nothing says that anything changed, for nothing did.
    first.clock.advance(hour);
    const told = performance.now();
    while ((await scope()) === 'api flows:edit' && performance.now() - told < 5_000) {
      await new Promise((resolve) => void setTimeout(resolve, 10));
    }
    expect(performance.now() - told).toBeLessThan(5_000);
    expect(await scope()).toBe('api');
  });

  test('the time of a capability by policy ends what is kept of what it implies, for a token of its own scope too', async () => {
    const { access_token: token = '' } = await tokenByCode(
      first.issuer,
      { email: 'admin@acme.test', answers: {} },
      { scope: 'apps:admin' },
    );
    const id = String((await introspect(first.issuer, token)).authorization_id);
    await setPolicies(first, { capabilities: [{ name: 'apps:admin', longest_lifetime: hour }] });
    const facts = { authorizationId: id, clientId: demo.web.id, audience: demo.api, ceiling: ['apps:view'] };
    const issued = { issuedAt: first.clock.now(), lifetimeSeconds: day };
    const narrow = await issueToken(first.store, { ...facts, ...issued });
    const { createdAt = 0 } = (await first.stores.authorizations.find(id)) ?? {};
    expect(await introspect(first.issuer, narrow)).toMatchObject({
      scope: 'apps:view',
      exp: createdAt + hour,
    });
    await setPolicies(first);
  });
});

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
