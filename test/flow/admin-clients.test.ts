/** Service accounts, clients and servers over the JSON API: secrets shown once, ends that reach tokens in the field. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Administrator, signInToApi } from '../support/administrator.ts';
import { engines } from '../support/databases.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, introspect, tokenByCode } from '../support/oauth.ts';

interface Account {
  id: string;
}
interface List<Item> {
  items: Item[];
  next: string | null;
}
interface Named {
  id: string;
  slug: string;
  name: string;
  version: number;
}

describe.each(engines)('the administration of clients and servers, on %s', (engine) => {
  let mandate: TestMandate;
  let admin: Administrator;

  beforeAll(async () => {
    mandate = await startMandate({ engine });
    admin = await signInToApi(mandate.issuer, 'admin@acme.test');
  });
  afterAll(() => mandate.stop());

  const roleNamed = async (slug: string) => {
    const { body } = await admin.call<List<Named>>('GET', '/roles');
    return body.items.find((role) => role.slug === slug) ?? { id: '', slug, name: '', version: 0 };
  };
  const projectNamed = async (slug: string) => {
    const { body } = await admin.call<List<Named>>('GET', `/projects?search=${slug}`);
    return body.items[0] ?? { id: '', slug, name: '', version: 0 };
  };

  test('a service account: several clients, none signs in, suspending acts at once, it outlives its maker', async () => {
    const maker = await admin.call<Account>('POST', '/users', {
      email: 'maker@acme.test',
      name: 'Maker',
      password: demo.password,
      role_ids: [(await roleNamed('admin')).id],
    });
    const byMaker = await signInToApi(mandate.issuer, 'maker@acme.test');
    const account = await byMaker.call<Account>('POST', '/service-accounts', {
      email: 'deploy@acme.test',
      name: 'Deploy',
      role_ids: [(await roleNamed('member')).id],
    });
    expect(account.body).toMatchObject({ kind: 'service_account', has_password: false });
    expect((await admin.call('GET', `/users/${account.body.id}`)).status).toBe(404);
    const clients = `/service-accounts/${account.body.id}/clients`;
    const secrets: Record<string, string> = {};
    for (const id of ['deploy-eu', 'deploy-us']) {
      const made = await byMaker.call<{ client_secret: string }>('POST', clients, { id, client_name: id });
      expect(made.status).toBe(201);
      secrets[id] = made.body.client_secret;
    }
    const ask = async (id: string, secret = secrets[id] ?? '') =>
      await askToken(mandate.issuer, { grant_type: 'client_credentials' }, { id, secret });
    const token = (await ask('deploy-eu')).body.access_token ?? '';
    expect(await introspect(mandate.issuer, token)).toMatchObject({ active: true, sub: account.body.id });

    await admin.call('POST', `/users/${maker.body.id}/suspend`);
    expect(await introspect(mandate.issuer, token)).toMatchObject({ active: true });
    await admin.call('POST', `/service-accounts/${account.body.id}/suspend`);
    expect(await introspect(mandate.issuer, token)).toEqual({ active: false });
    expect((await ask('deploy-us')).status).toBe(400);
    await admin.call('POST', `/service-accounts/${account.body.id}/resume`);
    expect(await introspect(mandate.issuer, token)).toMatchObject({ active: true });

    const rotated = await admin.call<{ client_secret: string }>('POST', `${clients}/deploy-us/secret`);
    expect((await ask('deploy-us')).status).toBe(401);
    expect((await ask('deploy-us', rotated.body.client_secret)).status).toBe(200);
    const { headers } = await admin.call('GET', '/clients/deploy-eu');
    const gone = await admin.call('DELETE', `${clients}/deploy-eu`, undefined, {
      'if-match': headers.get('etag') ?? '',
    });
    expect(gone.status).toBe(204);
    expect(await introspect(mandate.issuer, token)).toEqual({ active: false });
    expect((await ask('deploy-us', rotated.body.client_secret)).status).toBe(200);
  });

  test('deleting a client ends its authorizations with it; registering one shows its secret once', async () => {
    const made = await admin.call<{ client_secret: string; version: number }>('POST', '/clients', {
      id: 'short-lived',
      client_name: 'Short lived',
      redirect_uris: [demo.web.redirect],
    });
    expect(made).toMatchObject({
      status: 201,
      body: { verified: true, client_secret: expect.any(String) as unknown },
    });
    expect((await admin.call('GET', '/clients/short-lived')).text).not.toContain(made.body.client_secret);
    const { body: again } = await admin.call<{ status: number }>('POST', '/clients', {
      id: 'short-lived',
      client_name: 'Again',
      redirect_uris: [demo.web.redirect],
    });
    expect(again).toMatchObject({ code: 'id_taken' });
    const { access_token: token = '' } = await tokenByCode(mandate.issuer, {
      email: 'viewer@acme.test',
      answers: {},
    });
    const { headers } = await admin.call('GET', '/clients/acme-web');
    await admin.call('POST', '/clients/acme-web/disable');
    expect(
      await admin.call('DELETE', '/clients/acme-web', undefined, { 'if-match': headers.get('etag') ?? '' }),
    ).toMatchObject({ status: 412 });
    const now = await admin.call('GET', '/clients/acme-web');
    const gone = await admin.call('DELETE', '/clients/acme-web', undefined, {
      'if-match': now.headers.get('etag') ?? '',
    });
    expect(gone.status).toBe(204);
    expect(await introspect(mandate.issuer, token)).toEqual({ active: false });
    const left = await admin.call<List<unknown>>('GET', '/authorizations?client_id=acme-web&status=active');
    expect(left.body.items).toEqual([]);
    const bad = await admin.call('POST', '/clients', {
      id: 'bad',
      client_name: 'Bad',
      redirect_uris: ['javascript:alert(1)'],
    });
    expect(bad).toMatchObject({ status: 422, body: { code: 'invalid_redirect' } });
  });

  test('a resource server introspects with the secret of its making until that is replaced', async () => {
    const made = await admin.call<{ id: string; secret: string }>('POST', '/resource-servers', {
      name: 'billing',
      audiences: ['https://billing.acme.test/api'],
    });
    expect(made.status).toBe(201);
    const ask = (secret: string) => introspect(mandate.issuer, 'no-such-token', { id: 'billing', secret });
    expect(await ask(made.body.secret)).toEqual({ active: false });
    const next = await admin.call<{ secret: string }>('POST', `/resource-servers/${made.body.id}/secret`);
    await expect(ask(made.body.secret)).rejects.toThrow('401');
    expect(await ask(next.body.secret)).toEqual({ active: false });
    await admin.call('POST', `/resource-servers/${made.body.id}/disable`);
    await expect(ask(next.body.secret)).rejects.toThrow('401');
    const taken = await admin.call('POST', '/resource-servers', { name: 'other', audiences: [demo.api] });
    expect(taken).toMatchObject({ status: 409, body: { code: 'resource_taken' } });
    expect((await admin.call('GET', `/resource-servers/${made.body.id}`)).text).not.toContain(
      next.body.secret,
    );
  });

  test('an MCP server is made with its audience, and switched off at once', async () => {
    const { body: guards } = await admin.call<List<{ id: string; name: string }>>('GET', '/resource-servers');
    const guard = guards.items.find(({ name }) => name === 'acme-mcp');
    const { id: project } = await projectNamed('cygnus');
    const resource = 'https://mcp.acme.test/cygnus';
    const made = await admin.call<Named>('POST', '/mcp-servers', {
      name: 'cygnus-tools',
      project_id: project,
      resource,
      resource_server_id: guard?.id,
    });
    expect(made).toMatchObject({ status: 201, body: { enabled: true } });
    expect((await admin.call('GET', `/resource-servers/${guard?.id}`)).body).toMatchObject({
      audiences: expect.arrayContaining([resource]) as unknown,
    });
    const same = await admin.call('POST', '/mcp-servers', {
      name: 'b',
      project_id: project,
      resource: `${resource}/`,
    });
    expect(same).toMatchObject({ status: 409, body: { code: 'resource_taken' } });
    const off = await admin.call(
      'PATCH',
      `/mcp-servers/${made.body.id}`,
      { enabled: false },
      { 'if-match': `"${made.body.version}"` },
    );
    expect(off.body).toMatchObject({ enabled: false });
  });

  test('a list of MCP servers that is read page by page has each of them once, whatever they are called', async () => {
    const { id: project } = await projectNamed('cygnus');
    for (const name of ['zz-first', 'aa-second', 'mm-third']) {
      const resource = `https://paged.acme.test/${name}`;
      const made = await admin.call('POST', '/mcp-servers', { name, project_id: project, resource });
      expect(made.status).toBe(201);
    }
    const pageAfter = async (after: string | null) => {
      const query = `search=paged.acme&limit=1${after === null ? '' : `&after=${after}`}`;
      return (await admin.call<List<{ name: string }>>('GET', `/mcp-servers?${query}`)).body;
    };
    let page = await pageAfter(null);
    const read = page.items.map(({ name }) => name);
    while (page.next !== null) {
      page = await pageAfter(page.next);
      read.push(...page.items.map(({ name }) => name));
    }
    expect(read).toEqual(['zz-first', 'aa-second', 'mm-third']);
  });

  test('an administrator pauses and ends authorizations; resuming is for their owner', async () => {
    const made = await admin.call<{ client_secret: string }>('POST', '/clients', {
      id: 'tool',
      client_name: 'Tool',
      redirect_uris: [demo.web.redirect],
    });
    expect(made.status).toBe(201);
    const id = (await mandate.stores.authorizations.list({ limit: 1 }))[0]?.id ?? '';
    expect(await admin.call('POST', `/authorizations/${id}/suspend`)).toMatchObject({
      body: { status: 'suspended' },
    });
    expect(await admin.call('POST', `/authorizations/${id}/resume`)).toMatchObject({ status: 404 });
    expect(await admin.call('POST', `/authorizations/${id}/revoke`)).toMatchObject({
      body: { status: 'revoked' },
    });
    expect(await admin.call('POST', `/authorizations/${id}/suspend`)).toMatchObject({
      status: 409,
      body: { code: 'ended' },
    });
  });
});
