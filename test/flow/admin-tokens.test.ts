/** The administration over a token: what `mandate:admin` is good for, and each thing that it is not. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Administrator, callApi, signInToApi } from '../support/administrator.ts';
import { type AdministratingTool, administratingTool, toolWith } from '../support/administrator-token.ts';
import { engines } from '../support/databases.ts';
import { makeProof, proofKey } from '../support/dpop.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, authorize, introspect, pkce, tokenByCode } from '../support/oauth.ts';

interface Versioned {
  id: string;
  version: number;
}
interface Key extends Versioned {
  secret: string;
}

describe.each(engines)('a token that administers, on %s', (engine) => {
  let mandate: TestMandate;
  let admin: Administrator;
  let owner: Administrator;
  let tool: AdministratingTool;

  beforeAll(async () => {
    mandate = await startMandate({ engine });
    admin = await signInToApi(mandate.issuer, 'admin@acme.test');
    owner = await signInToApi(mandate.issuer, 'owner@acme.test');
    tool = await administratingTool(mandate.issuer, 'admin@acme.test', { 'mandate:admin': true, api: true });
  });
  afterAll(() => mandate.stop());

  const userId = async (who: string) =>
    (await mandate.stores.users.findByEmail(`${who}@acme.test`))?.id ?? '';
  const roleId = async (slug: string) => (await mandate.stores.roles.findBySlug(slug))?.id ?? '';
  const refusedOverToken = { status: 403, body: { code: 'not_over_token' } };

  test('reads and changes what its owner may, without cookie and without form token; the log names the tool', async () => {
    const made = await tool.call('POST', '/projects', { slug: `by-tool-${engine}`, name: 'By tool' });
    expect(made.status).toBe(201);
    const changes = await admin.call<{ items: { actor: string; origin: string }[] }>(
      'GET',
      `/changes?subject_id=${made.body.id}`,
    );
    expect(changes.body.items[0]?.actor).toBe(await userId('admin'));
    expect(changes.body.items[0]?.origin).toContain(tool.authorizationId);
    expect((await tool.call<{ user: object }>('GET', '/session')).body).toMatchObject({
      user: { email: 'admin@acme.test' },
    });
  });

  test('follows its owner: a permission that is gone is gone at the next call, and an ended authorization ends it', async () => {
    const role = await owner.call<Versioned>('POST', '/roles', {
      slug: 'keeper',
      name: 'Keeper',
      permissions: ['mandate:admin', 'projects.manage', 'users.manage'],
    });
    const viewer = await userId('viewer');
    await owner.call('POST', `/users/${viewer}/assignments`, { role_id: role.body.id });
    const keeper = await administratingTool(mandate.issuer, 'viewer@acme.test');
    expect((await keeper.call('GET', '/users')).status).toBe(200);
    const change = (permissions: string[], version: number) =>
      owner.call<Versioned>(
        'PATCH',
        `/roles/${role.body.id}`,
        { permissions },
        { 'if-match': `"${version}"` },
      );
    const less = await change(['mandate:admin', 'projects.manage'], role.body.version);
    expect(await keeper.call('GET', '/users')).toMatchObject({
      status: 403,
      body: { code: 'permission_missing' },
    });
    expect((await keeper.call('GET', '/projects')).status).toBe(200);
    await change(['projects.manage'], less.body.version);
    const insufficient = await keeper.call('GET', '/projects');
    expect(insufficient).toMatchObject({ status: 403, body: { code: 'insufficient_scope' } });
    expect(insufficient.headers.get('www-authenticate')).toBe(
      `Bearer realm="${mandate.issuer}/api/v1", error="insufficient_scope", scope="mandate:admin"`,
    );
    await change(['projects.manage', 'mandate:admin'], less.body.version + 1);
    expect((await keeper.call('GET', '/projects')).status).toBe(200);
    await owner.call('POST', `/authorizations/${keeper.authorizationId}/suspend`);
    const paused = await keeper.call('GET', '/projects');
    expect(paused).toMatchObject({ status: 401, body: { code: 'token_not_accepted' } });
    expect(paused.headers.get('www-authenticate')).toContain('error="invalid_token"');
    await mandate.stores.authorizations.resume({ id: 'command' }, keeper.authorizationId);
    expect((await keeper.call('GET', '/projects')).status).toBe(200);
    await owner.call('POST', `/users/${viewer}/suspend`);
    expect((await keeper.call('GET', '/projects')).status).toBe(401);
    await owner.call('POST', `/users/${viewer}/resume`);
    await owner.call('POST', `/authorizations/${keeper.authorizationId}/revoke`);
    expect((await keeper.call('GET', '/projects')).status).toBe(401);
  });

  test('is judged by itself alone: a session beside it counts for nothing', async () => {
    const { cookie, csrf } = admin;
    for (const authorization of ['Bearer unknown', 'Basic YTpi', 'Bearer', 'nonsense', 'DPoP abc', '']) {
      const headers = { authorization, cookie, 'x-csrf-token': csrf };
      expect((await callApi(mandate.issuer, 'GET', '/users', undefined, headers)).status).toBe(401);
    }
  });

  test('is refused clearly when it is bound to a key: that is not checked here', async () => {
    const { verifier, challenge } = pkce();
    const back = await authorize(
      mandate.issuer,
      {
        client_id: demo.web.id,
        response_type: 'code',
        redirect_uri: demo.web.redirect,
        code_challenge: challenge,
        code_challenge_method: 'S256',
        scope: 'mandate:admin',
        resource: `${mandate.issuer}/api/v1`,
      },
      { email: 'owner@acme.test', answers: { 'mandate:admin': true } },
    );
    const proof = await makeProof(await proofKey(), {
      method: 'POST',
      url: `${mandate.issuer}/token`,
      accessToken: 'none yet',
      claims: { ath: undefined },
      now: Math.floor(Date.now() / 1_000),
    });
    const { body } = await askToken(
      mandate.issuer,
      {
        grant_type: 'authorization_code',
        code: back.searchParams.get('code') ?? '',
        redirect_uri: demo.web.redirect,
        code_verifier: verifier,
      },
      demo.web,
      { DPoP: proof },
    );
    expect(body.token_type).toBe('DPoP');
    for (const scheme of ['Bearer', 'DPoP']) {
      const headers = { authorization: `${scheme} ${body.access_token}` };
      const answer = await callApi(mandate.issuer, 'GET', '/users', undefined, headers);
      expect(answer).toMatchObject({ status: 401, body: { code: 'token_bound' } });
      expect(answer.headers.get('www-authenticate')).toContain('sender-constrained tokens are not taken');
    }
  });

  test('is offered to a tool that asked for it, never ticked, and to nobody who does not hold it', async () => {
    const consent = async (email: string, scope: string) => {
      const client = createBrowserlessClient(mandate.issuer);
      const query = new URLSearchParams({
        client_id: demo.web.id,
        response_type: 'code',
        redirect_uri: demo.web.redirect,
        code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
        code_challenge_method: 'S256',
        scope,
        resource: `${mandate.issuer}/api/v1`,
      });
      const page = await client.get(`/authorize?${query}`, { follow: true });
      return client.submit(page, 'Sign in', { Email: email, Password: demo.password }, { follow: true });
    };
    const asked = await consent('owner@acme.test', 'mandate:admin');
    const box = asked.forms.flatMap(({ fields }) => fields).find(({ value }) => value === 'mandate:admin');
    expect(box).toMatchObject({ checked: false });
    expect((await consent('owner@acme.test', 'api')).body).not.toContain('value="mandate:admin"');
    expect((await consent('editor@acme.test', 'mandate:admin')).body).not.toContain('value="mandate:admin"');
  });

  test('means nothing to other resource servers, nor theirs to Mandate', async () => {
    expect(await introspect(mandate.issuer, tool.token)).toEqual({ active: false });
    const answers = { 'mandate:admin': true, api: true };
    const platform = await tokenByCode(
      mandate.issuer,
      { email: 'admin@acme.test', answers },
      { scope: 'mandate:admin api' },
    );
    expect((await introspect(mandate.issuer, platform.access_token ?? '')).scope).toBe('api');
    const foreign = await toolWith(mandate.issuer, platform.access_token ?? '').call('GET', '/users');
    expect(foreign).toMatchObject({ status: 401, body: { code: 'token_not_accepted' } });
    const taken = await admin.call('POST', '/resource-servers', {
      name: 'impostor',
      audiences: [`${mandate.issuer}/api/v1/`],
    });
    expect(taken).toMatchObject({ status: 409, body: { code: 'resource_taken' } });
  });

  test('does not come to a client that follows its service account, however much that may do', async () => {
    await owner.call('POST', `/service-accounts/${await userId('ci')}/assignments`, {
      role_id: await roleId('admin'),
    });
    const { body } = await askToken(
      mandate.issuer,
      { grant_type: 'client_credentials', resource: `${mandate.issuer}/api/v1` },
      demo.ci,
    );
    if (body.access_token) {
      const answer = await toolWith(mandate.issuer, body.access_token).call('GET', '/users');
      expect(answer).toMatchObject({ status: 403, body: { code: 'insufficient_scope' } });
    }
    await owner.call(
      'DELETE',
      `/service-accounts/${await userId('ci')}/assignments/${await roleId('admin')}`,
    );
  });

  test('makes no credential for its own account, and widens none', async () => {
    const created = await tool.call('POST', '/api-keys', { name: 'mine', capabilities: ['api'] });
    expect(created).toMatchObject(refusedOverToken);
    const own = await admin.call<Key>('POST', '/api-keys', {
      name: 'mine',
      capabilities: ['api', 'apps:view'],
    });
    const { id } = own.body;
    const edit = (body: object, version: number) =>
      tool.call<Versioned>('PATCH', `/api-keys/${id}`, body, { 'if-match': `"${version}"` });
    expect(await edit({ capabilities: ['api', 'apps:view', 'flows:edit'] }, 1)).toMatchObject(
      refusedOverToken,
    );
    expect(await edit({ role_ids: [await roleId('member')] }, 1)).toMatchObject(refusedOverToken);
    expect(await edit({ lifetime_seconds: 3_600 }, 1)).toMatchObject(refusedOverToken);
    expect(await edit({ lifetime_seconds: null }, 1)).toMatchObject(refusedOverToken);
    expect(await tool.call('POST', `/api-keys/${id}/rotate`, {})).toMatchObject(refusedOverToken);
    const move = { user_id: await userId('ci') };
    expect(await tool.call('POST', `/api-keys/${id}/move`, move, { 'if-match': '"1"' })).toMatchObject(
      refusedOverToken,
    );
    // Less is always allowed, and what was taken stays taken.
    const narrowed = await edit({ capabilities: ['api'] }, 1);
    expect(narrowed).toMatchObject({ status: 200, body: { capabilities: ['api'] } });
    expect(await edit({ capabilities: ['api', 'apps:view'] }, narrowed.body.version)).toMatchObject(
      refusedOverToken,
    );
    expect((await tool.call('POST', `/api-keys/${id}/suspend`)).status).toBe(200);
    expect(await tool.call('POST', `/api-keys/${id}/resume`)).toMatchObject(refusedOverToken);
    expect((await tool.call('POST', `/api-keys/${id}/revoke`)).status).toBe(200);
  });

  test('does not widen the authorization that it comes from, nor bring it back', async () => {
    const other = await administratingTool(mandate.issuer, 'owner@acme.test');
    const path = `/authorizations/${other.authorizationId}`;
    const seen = await other.call<Versioned>('GET', path);
    const tag = { 'if-match': `"${seen.body.version}"` };
    expect(
      await other.call('PATCH', path, { capabilities: ['mandate:admin', 'apps:view'] }, tag),
    ).toMatchObject(refusedOverToken);
    const project = (await mandate.stores.projects.findBySlug('atlas'))?.id;
    const projects = [{ id: project, role_ids: [await roleId('editor')] }];
    expect(await other.call('PATCH', path, { projects }, tag)).toMatchObject(refusedOverToken);
    expect((await other.call('POST', `${path}/suspend`)).status).toBe(200);
    expect((await other.call('POST', `${path}/resume`)).status).toBe(401);
  });

  test('makes keys for others within what those may do, without the right to administer', async () => {
    const made = await tool.call<Key>('POST', '/api-keys', {
      name: 'for the editor',
      user_id: await userId('editor'),
      capabilities: ['api'],
    });
    expect(made.status).toBe(201);
    expect(await introspect(mandate.issuer, made.body.secret)).toMatchObject({
      username: 'editor@acme.test',
    });
    expect((await tool.call('POST', `/api-keys/${made.body.id}/rotate`, {})).status).toBe(201);
    const robot = await tool.call<Versioned>('POST', '/service-accounts', {
      email: `robot-${engine}@acme.test`,
      name: 'Robot',
      role_ids: [await roleId('member')],
    });
    const ofRobot = { name: 'robot', user_id: robot.body.id };
    expect((await tool.call('POST', '/api-keys', { ...ofRobot, capabilities: ['api'] })).status).toBe(201);
    const foreign = { name: 'x', user_id: await userId('owner'), capabilities: ['api', 'mandate:admin'] };
    expect(await tool.call('POST', '/api-keys', foreign)).toMatchObject({
      status: 422,
      body: { code: 'not_granted' },
    });
    expect(await admin.call('POST', '/api-keys', foreign)).toMatchObject({
      status: 422,
      body: { code: 'not_granted' },
    });
  });

  test('an API key that holds it administers too, and only its owner gives it a new secret', async () => {
    const { body } = await owner.call<Key>('POST', '/api-keys', {
      name: 'ops',
      capabilities: ['mandate:admin'],
    });
    const key = toolWith(mandate.issuer, body.secret);
    expect((await key.call('GET', '/users')).status).toBe(200);
    expect(await key.call('POST', '/api-keys', { name: 'more', capabilities: ['api'] })).toMatchObject(
      refusedOverToken,
    );
    expect(await admin.call('POST', `/api-keys/${body.id}/rotate`, {})).toMatchObject({
      status: 403,
      body: { code: 'administers' },
    });
    expect(await tool.call('POST', `/api-keys/${body.id}/rotate`, {})).toMatchObject(refusedOverToken);
    const plain = await owner.call<Key>('POST', '/api-keys', { name: 'plain', capabilities: ['api'] });
    const insufficient = await toolWith(mandate.issuer, plain.body.secret).call('GET', '/users');
    expect(insufficient).toMatchObject({ status: 403, body: { code: 'insufficient_scope' } });
    await admin.call('POST', `/api-keys/${body.id}/revoke`);
    expect((await key.call('GET', '/users')).status).toBe(401);
  });

  test('changes neither its own account nor a role that it lives from', async () => {
    const self = await userId('admin');
    expect(
      await tool.call('POST', `/users/${self}/assignments`, { role_id: await roleId('editor') }),
    ).toMatchObject(refusedOverToken);
    expect(await tool.call('DELETE', `/users/${self}/assignments/${await roleId('admin')}`)).toMatchObject(
      refusedOverToken,
    );
    expect(await tool.call('PATCH', `/users/${self}`, { name: 'Me' }, { 'if-match': '"1"' })).toMatchObject({
      status: 412,
    });
    const { version } = (await admin.call<Versioned>('GET', `/users/${self}`)).body;
    expect(
      await tool.call('PATCH', `/users/${self}`, { name: 'Me' }, { 'if-match': `"${version}"` }),
    ).toMatchObject(refusedOverToken);
    expect(await tool.call('POST', `/users/${self}/suspend`)).toMatchObject(refusedOverToken);

    const carried = await admin.call<Versioned>('POST', '/roles', {
      slug: 'carried',
      name: 'Carried',
      permissions: ['api'],
    });
    const key = await admin.call<Key>('POST', '/api-keys', {
      name: 'carries',
      capabilities: ['mandate:admin'],
      role_ids: [carried.body.id],
    });
    const grow = { permissions: ['api', 'secrets:edit'] };
    const tag = { 'if-match': `"${carried.body.version}"` };
    for (const one of [tool, toolWith(mandate.issuer, key.body.secret)]) {
      expect(await one.call('PATCH', `/roles/${carried.body.id}`, grow, tag)).toMatchObject(refusedOverToken);
    }
    // A key that is paused would be found grown by whoever resumes it.
    await admin.call('POST', `/api-keys/${key.body.id}/suspend`);
    expect(await tool.call('PATCH', `/roles/${carried.body.id}`, grow, tag)).toMatchObject(refusedOverToken);
    const free = await tool.call<Versioned>('POST', '/roles', {
      slug: 'free',
      name: 'Free',
      permissions: ['api'],
    });
    expect(free.status).toBe(201);
    expect(
      (await tool.call('PATCH', `/roles/${free.body.id}`, grow, { 'if-match': `"${free.body.version}"` }))
        .status,
    ).toBe(200);
  });

  test('hands nobody the right to run Mandate, and sets no password and no address', async () => {
    const editor = await userId('editor');
    for (const slug of ['admin', 'keeper']) {
      expect(
        await tool.call('POST', `/users/${editor}/assignments`, { role_id: await roleId(slug) }),
      ).toMatchObject(refusedOverToken);
    }
    for (const permissions of [['audit.read'], ['mandate:admin'], ['api', 'api-keys.manage']]) {
      expect(await tool.call('POST', '/roles', { slug: 'more', name: 'More', permissions })).toMatchObject(
        refusedOverToken,
      );
    }
    const able = { slug: `able-${engine}`, name: 'Able', permissions: ['api', 'api-keys.create'] };
    const role = await tool.call('POST', '/roles', able);
    expect(role.status).toBe(201);
    expect((await tool.call('POST', `/users/${editor}/assignments`, { role_id: role.body.id })).status).toBe(
      200,
    );
    const fresh = { email: 'fresh@acme.test', name: 'Fresh' };
    expect(await tool.call('POST', '/users', { ...fresh, password: 'a long enough password' })).toMatchObject(
      refusedOverToken,
    );
    expect(await tool.call('POST', '/users', { ...fresh, role_ids: [await roleId('admin')] })).toMatchObject(
      refusedOverToken,
    );
    const { version } = (await admin.call<Versioned>('GET', `/users/${editor}`)).body;
    for (const body of [{ password: 'a long enough password' }, { email: 'taken-over@acme.test' }]) {
      expect(
        await tool.call('PATCH', `/users/${editor}`, body, { 'if-match': `"${version}"` }),
      ).toMatchObject(refusedOverToken);
    }
  });

  test('does not touch the client that carries it', async () => {
    expect(await tool.call('POST', `/clients/${demo.web.id}/secret`)).toMatchObject(refusedOverToken);
    expect(await tool.call('POST', `/clients/${demo.web.id}/verify`)).toMatchObject(refusedOverToken);
    expect((await tool.call('POST', `/clients/${demo.cli.id}/verify`)).status).toBe(200);
    const settings = { refresh_grace_seconds: 3_600 };
    const version = { 'if-match': '"1"' };
    expect(await tool.call('PATCH', `/clients/${demo.web.id}`, settings, version)).toMatchObject(
      refusedOverToken,
    );
  });
});
