/** What the organization lets through reaches tokens that are already in the field, and what it does not let be handed over is not. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createKey, signIn } from '../support/account.ts';
import { type Administrator, signInToApi } from '../support/administrator.ts';
import { engines } from '../support/databases.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { issueToken } from '../support/issue-token.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, introspect, pkce, tokenByCode } from '../support/oauth.ts';
import { needing, setPolicies } from '../support/policies.ts';

const hour = 3_600;
const day = 24 * hour;
const editor = { email: 'editor@acme.test' };
const flows = { 'flows:edit': true, atlas: true, 'Role in atlas': 'Editor' };

describe.each(engines)('a token in the field, on %s', (engine) => {
  let mandate: TestMandate;
  let admin: Administrator;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
    admin = await signInToApi(mandate.issuer, 'admin@acme.test');
  });
  afterAll(() => mandate.stop());
  beforeEach(() => setPolicies(mandate));

  /** A token that lives longer than any policy here. */
  async function longLivedToken(): Promise<{ token: string; made: number }> {
    const { access_token: first = '' } = await tokenByCode(mandate.issuer, { ...editor, answers: flows });
    const authorizationId = String((await introspect(mandate.issuer, first)).authorization_id);
    const token = await issueToken(mandate.store, {
      authorizationId,
      clientId: demo.web.id,
      audience: demo.api,
      issuedAt: mandate.clock.now(),
      lifetimeSeconds: 100 * day,
    });
    return { token, made: mandate.clock.now() };
  }

  test('is cut by a shorter lifetime in the next introspection, and comes back when it is relaxed', async () => {
    const { token, made } = await longLivedToken();
    mandate.clock.advance(2 * day);
    const whole = await introspect(mandate.issuer, token);
    expect(whole).toMatchObject({ active: true, scope: 'api flows:edit', exp: made + 30 * day });
    await setPolicies(mandate, { longest_lifetimes: { oauth2: day } });
    expect(await introspect(mandate.issuer, token)).toEqual({ active: false });
    await setPolicies(mandate, { longest_lifetimes: { oauth2: 3 * day } });
    expect(await introspect(mandate.issuer, token)).toEqual({ ...whole, exp: made + 3 * day });
    mandate.clock.advance(day - 1);
    expect(await introspect(mandate.issuer, token)).toMatchObject({ active: true });
    mandate.clock.advance(1);
    expect(await introspect(mandate.issuer, token)).toEqual({ active: false });
    await setPolicies(mandate);
    expect(await introspect(mandate.issuer, token)).toEqual(whole);
  });

  test('loses one capability alone when its own time is over, without any change', async () => {
    const { token, made } = await longLivedToken();
    await setPolicies(mandate, { capabilities: [{ name: 'flows:edit', longest_lifetime: hour }] });
    const before = await introspect(mandate.issuer, token);
    expect(before).toMatchObject({ scope: 'api flows:edit', exp: made + hour });
    mandate.clock.advance(hour - 1);
    expect(await introspect(mandate.issuer, token)).toEqual(before);
    mandate.clock.advance(1);
    expect(await introspect(mandate.issuer, token)).toMatchObject({
      scope: 'api',
      exp: made + 30 * day,
      withheld: [{ capability: 'flows:edit', reason: 'policy' }],
    });
    // A clock that is put back is believed.
    mandate.clock.advance(-1);
    expect(await introspect(mandate.issuer, token)).toEqual(before);
  });

  test('an API key names the policy as what withholds it, and its end as that of the policy', async () => {
    const client = await signIn(mandate.issuer, editor.email);
    const { secret, id } = await createKey(client, { Name: 'script', api: true, ...flows });
    expect(await introspect(mandate.issuer, secret)).toMatchObject({ scope: 'api flows:edit' });
    await setPolicies(mandate, {
      longest_lifetimes: { api_key: day },
      capabilities: [{ name: 'flows:edit', longest_lifetime: hour }],
    });
    const { createdAt = 0 } = (await mandate.stores.authorizations.find(id)) ?? {};
    expect(await introspect(mandate.issuer, secret)).toMatchObject({ exp: createdAt + hour });
    mandate.clock.advance(hour);
    const atlas = await mandate.stores.projects.findBySlug('atlas');
    expect(await introspect(mandate.issuer, secret)).toMatchObject({
      scope: 'api',
      exp: createdAt + day,
      withheld: [{ dimension: 'project', identifier: atlas?.id, capability: 'flows:edit', reason: 'policy' }],
    });
    const why = await admin.call('GET', `/authorizations/${id}/why?capability=flows:edit&on=${atlas?.id}`);
    expect(why.body).toMatchObject({ allowed: false, rule: 'policy' });
    mandate.clock.advance(day);
    expect(await introspect(mandate.issuer, secret)).toEqual({ active: false });
    const page = await client.get(`/account/authorizations/${id}`);
    expect(page.text).toContain('A policy of the organization allows 1 day at most, and that is over');
    // Choosing again how long brings it back.
    await client.submit(page, 'Save', { '1 day': true });
    expect(await introspect(mandate.issuer, secret)).toMatchObject({ scope: 'api flows:edit' });
  });

  test('holds a capability that needs approval from the next introspection after it was given', async () => {
    await setPolicies(mandate, needing('flows:edit'));
    admin = await signInToApi(mandate.issuer, 'admin@acme.test');
    const client = createBrowserlessClient(mandate.issuer);
    const answers = { ...flows, 'What is it for?': 'Nightly export of the flows.' };
    const { access_token: token = '', scope } = await tokenByCode(
      mandate.issuer,
      { ...editor, answers },
      {},
      client,
    );
    expect(scope).toBe('api');
    expect(await introspect(mandate.issuer, token)).toMatchObject({
      scope: 'api',
      withheld: [{ capability: 'flows:edit', reason: 'approval_pending' }],
    });
    const [waiting] = (
      await admin.call<{ items: { id: string; authorization_id: string }[] }>(
        'GET',
        '/approvals?status=pending',
      )
    ).body.items;
    expect(waiting).toMatchObject({
      capability: 'flows:edit',
      justification: 'Nightly export of the flows.',
      username: 'editor@acme.test',
      tool: 'acme-web',
    });
    const own = `/account/authorizations/${waiting?.authorization_id}`;
    expect((await client.get(own)).text).toContain("waits for an administrator's approval");
    const decide = (how: string, version: string) =>
      admin.call(
        'POST',
        `/approvals/${waiting?.id}/${how}`,
        { note: 'until March' },
        { 'if-match': version },
      );
    expect((await decide('approve', '"7"')).status).toBe(412);
    expect(await decide('approve', '"1"')).toMatchObject({ status: 200, body: { status: 'approved' } });
    expect(await introspect(mandate.issuer, token)).toMatchObject({ scope: 'api flows:edit', withheld: [] });
    expect((await client.get(own)).text).toContain('Answer: until March');
    expect((await decide('decline', '"2"')).status).toBe(412);
    const audit = await admin.call('GET', `/changes/export?subject_id=${waiting?.authorization_id}`);
    expect(audit.text).toContain('Nightly export of the flows.');
    expect(audit.text).toContain('approval_given');
  });
});

describe('what is handed over', () => {
  let mandate: TestMandate;
  let admin: Administrator;
  beforeAll(async () => {
    mandate = await startMandate();
    admin = await signInToApi(mandate.issuer, 'admin@acme.test');
  });
  afterAll(() => mandate.stop());
  beforeEach(() => setPolicies(mandate));

  /** Signs in and comes to the page that answers a client's request. */
  async function ask(clientId: string, redirect: string) {
    const client = createBrowserlessClient(mandate.issuer);
    const request = {
      client_id: clientId,
      response_type: 'code',
      redirect_uri: redirect,
      code_challenge: pkce().challenge,
      code_challenge_method: 'S256',
      state: 'state',
      scope: 'api flows:edit',
    };
    const page = await client.submit(
      await client.get(`/authorize?${new URLSearchParams(request)}`, { follow: true }),
      'Sign in',
      { Email: editor.email, Password: demo.password },
      { follow: true },
    );
    return { client, page };
  }
  const redirect = 'https://tool.test/callback';
  const register = (id: string) =>
    mandate.stores.clients.saveDynamic(
      { id: 'test' },
      {
        id,
        metadata: {
          client_name: 'Tool',
          redirect_uris: [redirect],
          token_endpoint_auth_method: 'none',
          grant_types: ['authorization_code'],
          response_types: ['code'],
        },
      },
    );
  const lifetimesOn = (page: { body: string }) =>
    [...page.body.matchAll(/name="lifetime" value="(\w+)"/g)].map(([, value]) => value);

  test('is offered for no longer than the policy allows, and refused beyond', async () => {
    await setPolicies(mandate, { longest_lifetimes: { oauth2: 7 * day } });
    const { client, page } = await ask(demo.web.id, demo.web.redirect);
    expect(lifetimesOn(page)).toEqual([String(hour), String(day), String(7 * day)]);
    const fields = new URLSearchParams([
      ['csrf', /name="csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? ''],
      ['seen_account', /name="seen_account" value="([^"]+)"/.exec(page.body)?.[1] ?? ''],
      ['decision', 'authorize'],
      ['capability', 'api'],
      ['lifetime', 'until_revoked'],
    ]);
    const refused = await client.postForm(
      `${new URL(page.url).pathname.replace(/\/consent$/, '')}/consent`,
      fields,
    );
    expect(refused.status).toBe(422);
    expect(refused.text).toContain('A policy of the organization allows 7 days at most.');
    const done = await client.submit(refused, 'Authorize', {}, { follow: true });
    expect(done.location).toContain('code=');
  });

  test('an API key, by page and by API', async () => {
    await setPolicies(mandate, { longest_lifetimes: { api_key: 2 * day }, ...needing('flows:edit') });
    const client = await signIn(mandate.issuer, editor.email);
    const form = await client.get('/account/api-keys/new');
    expect(lifetimesOn(form)).toEqual([String(day), String(2 * day)]);
    const silent = await createKey(client, { Name: 'script', api: true, ...flows });
    expect(silent.page.status).toBe(422);
    expect(silent.page.text).toContain('An administrator has to approve flows:edit.');
    const api = await signInToApi(mandate.issuer, editor.email);
    const create = (body: object) =>
      api.call('POST', '/api-keys', { name: 'script', capabilities: ['api'], ...body });
    expect(await create({ lifetime_seconds: null })).toMatchObject({
      status: 422,
      body: { code: 'lifetime_too_long' },
    });
    expect(await create({ capabilities: ['flows:edit'] })).toMatchObject({
      status: 422,
      body: { code: 'justification_missing' },
    });
    const made = await create({ capabilities: ['api', 'flows:edit'], justification: 'nightly' });
    expect(made).toMatchObject({
      status: 201,
      body: { expires_at: mandate.clock.now() + 2 * day },
    });
    const longer = await api.call(
      'PATCH',
      `/api-keys/${made.body.id}`,
      { lifetime_seconds: 3 * day },
      { 'if-match': String(made.headers.get('etag') ?? `"${made.body.version}"`) },
    );
    expect(longer).toMatchObject({ status: 422, body: { code: 'lifetime_too_long' } });
    const pending = await admin.call<{ items: object[] }>('GET', '/approvals?status=pending');
    expect(pending.body.items).toMatchObject([{ kind: 'api_key', tool: 'script', justification: 'nightly' }]);
  });

  test('something sensitive gets more time only from somebody who is there', async () => {
    const answers = { Name: 'rotation', 'secrets:edit': true, atlas: true, 'Role in atlas': 'Admin' };
    const client = await signIn(mandate.issuer, 'admin@acme.test');
    const { id, secret } = await createKey(client, answers);
    await setPolicies(mandate, { capabilities: [{ name: 'secrets:edit', longest_lifetime: day }] });
    expect(await introspect(mandate.issuer, secret)).toMatchObject({ scope: 'secrets:edit' });
    mandate.clock.advance(day);
    expect(await introspect(mandate.issuer, secret)).toEqual({ active: false });
    const asked = await client.submit(await client.get(`/account/authorizations/${id}`), 'Save', {
      '1 day': true,
    });
    expect(asked.text).toContain('Confirm that it is you');
    await client.submit(asked, 'Confirm', { Password: demo.password }, { follow: true });
    expect(await introspect(mandate.issuer, secret)).toMatchObject({ scope: 'secrets:edit' });
  });

  test('goes to verified clients alone where the policy says so', async () => {
    await register('unverified');
    await setPolicies(mandate, { clients: { permitted: 'verified' } });
    const { client, page } = await ask('unverified', redirect);
    expect(page.status).toBe(403);
    expect(page.text).toContain('nobody has verified this one');
    const back = await client.submit(page, 'Go back to the tool', {}, { follow: true });
    expect(back.location).toContain('https://tool.test/callback?error=access_denied');
    const fresh = await signInToApi(mandate.issuer, 'admin@acme.test');
    expect((await fresh.call('POST', '/clients/unverified/verify')).status).toBe(200);
    expect((await ask('unverified', redirect)).page.status).toBe(200);
  });

  test('goes to named hosts, and never to a denied one', async () => {
    await register('hosted');
    const rule = (name: string, permitted: string) =>
      setPolicies(mandate, { clients: { permitted, hosts: [{ host: 'Tool.TEST', rule: name }] } });
    await setPolicies(mandate, { clients: { permitted: 'hosts' } });
    expect((await ask('hosted', redirect)).page.status).toBe(403);
    await rule('allow', 'hosts');
    const { client, page } = await ask('hosted', redirect);
    expect(page.status).toBe(200);
    await rule('deny', 'any');
    // The page was shown before: what counts is what holds when it is sent.
    const late = await client.submit(page, 'Authorize');
    expect(late.status).toBe(403);
    expect(late.text).toContain('deny the host');
  });

  test('is cut for a client that is denied later, and its refresh is refused until it is let in again', async () => {
    const { access_token: token = '', refresh_token: refresh = '' } = await tokenByCode(mandate.issuer, {
      ...editor,
      answers: flows,
    });
    const denied = { clients: { permitted: 'any', hosts: [{ host: 'web.test', rule: 'deny' }] } };
    const known = await mandate.stores.clients.find(demo.web.id);
    await mandate.stores.clients.saveRegistered(
      { id: 'test' },
      {
        id: demo.web.id,
        metadata: { ...known?.metadata, redirect_uris: [demo.web.redirect, 'https://web.test/cb'] },
      },
    );
    expect(await introspect(mandate.issuer, token)).toMatchObject({ active: true });
    await setPolicies(mandate, denied);
    expect(await introspect(mandate.issuer, token)).toEqual({ active: false });
    const again = () =>
      askToken(mandate.issuer, { grant_type: 'refresh_token', refresh_token: refresh }, demo.web);
    expect(await again()).toMatchObject({ body: { error: 'access_denied' } });
    await setPolicies(mandate);
    expect(await introspect(mandate.issuer, token)).toMatchObject({ active: true });
    expect(await again()).toMatchObject({ status: 200 });
  });
});
