/** API keys over the JSON API: the same desk as the pages, so the same people may, and the same refusals say what is missing. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Administrator, signInToApi } from '../support/administrator.ts';
import { engines } from '../support/databases.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';
import { introspect } from '../support/oauth.ts';

interface Key {
  id: string;
  secret: string;
  version: number;
  status: string;
  username: string;
  capabilities: string[];
  expires_at: number | null;
  secrets: { last_four: string; expires_at: number | null }[];
  effective: { capabilities: string[]; projects: { name: string; actions: string[] }[] };
}
interface List<Item> {
  items: Item[];
  next: string | null;
}

describe.each(engines)('API keys over the API, on %s', (engine) => {
  let mandate: TestMandate;
  const people = new Map<string, Administrator>();

  beforeAll(async () => {
    mandate = await startMandate({ engine });
    for (const who of ['owner', 'admin', 'editor', 'viewer', 'analyst']) {
      people.set(who, await signInToApi(mandate.issuer, `${who}@acme.test`));
    }
  });
  afterAll(() => mandate.stop());

  const as = (who: string): Administrator => {
    const found = people.get(who);
    if (!found) throw new Error(who);
    return found;
  };
  const userId = async (who: string) =>
    (await mandate.stores.users.findByEmail(`${who}@acme.test`))?.id ?? '';
  const projectId = async (slug: string) => (await mandate.stores.projects.findBySlug(slug))?.id ?? '';
  const roleId = async (slug: string) => (await mandate.stores.roles.findBySlug(slug))?.id ?? '';
  const make = (who: string, body: object = {}) =>
    as(who).call<Key>('POST', '/api-keys', { name: 'a key', capabilities: ['api'], ...body });
  const change = (who: string, { id, version }: Pick<Key, 'id' | 'version'>, body: object) =>
    as(who).call<Key>('PATCH', `/api-keys/${id}`, body, { 'if-match': `"${version}"` });

  test('is shown once, works at once, and starts from thirty days', async () => {
    const { status, body } = await make('editor', {
      capabilities: ['api', 'flows:edit'],
      projects: [{ id: await projectId('atlas'), role_ids: [await roleId('editor')] }],
    });
    expect(status).toBe(201);
    expect(body.secret).toMatch(/^mk_[0-9A-Za-z]{49}$/);
    expect(body.expires_at).toBe(mandate.clock.now() + 30 * 86_400);
    expect(body.effective.projects).toEqual([
      expect.objectContaining({ name: 'atlas', actions: ['flows:edit'] }),
    ]);
    expect(await introspect(mandate.issuer, body.secret)).toMatchObject({ scope: 'api flows:edit' });
    const seen = await as('editor').call<Key>('GET', `/api-keys/${body.id}`);
    expect(seen.text).not.toContain(body.secret);
    expect(seen.body.secrets).toEqual([
      expect.objectContaining({ last_four: body.secret.slice(-4), expires_at: null }),
    ]);
  });

  test('refuses naming the permission that is missing, for each kind of owner', async () => {
    const own = await make('analyst');
    expect(own).toMatchObject({ status: 403, body: { code: 'permission_missing' } });
    expect(own.text).toContain('api-keys.create');
    expect((await make('editor', { user_id: await userId('admin') })).text).toContain('api-keys.manage');
    expect((await make('editor', { user_id: await userId('ci') })).text).toContain('service-accounts.create');
    const nobody = await make('admin', { user_id: 'usr_nobody' });
    expect(nobody).toMatchObject({ status: 422, body: { code: 'unknown_reference' } });
  });

  test('tells what a key could carry, and what one would, without making it', async () => {
    const offer = await as('editor').call<{ capabilities: string[]; projects: { slug: string }[] }>(
      'GET',
      '/api-keys/offer',
    );
    expect(offer.body.capabilities).toEqual(['mcp', 'api', 'apps:view', 'flows:edit', 'endpoints:access']);
    expect(offer.body.projects.map(({ slug }) => slug)).toEqual(['atlas', 'borealis']);
    expect((await as('editor').call('GET', `/api-keys/offer?user_id=${await userId('admin')}`)).status).toBe(
      403,
    );
    const asked = { capabilities: ['api', 'secrets:edit'] };
    const preview = await as('editor').call('POST', '/api-keys/preview', asked);
    expect(preview).toMatchObject({
      status: 200,
      body: { would_grant: null, not_granted: [{ dimension: 'capability', identifier: 'secrets:edit' }] },
    });
    expect(await make('editor', asked)).toMatchObject({ status: 422, body: { code: 'not_granted' } });
    expect(await make('editor', { capabilities: [] })).toMatchObject({
      status: 422,
      body: { code: 'nothing_chosen' },
    });
    const fine = await as('editor').call('POST', '/api-keys/preview', { capabilities: ['api'] });
    expect(fine).toMatchObject({ body: { would_grant: { capabilities: ['api'] }, sensitive: false } });
  });

  test('is made for others by those who manage keys, seen by both, and revoked by its owner', async () => {
    const { body } = await make('admin', { user_id: await userId('viewer'), name: 'for the viewer' });
    expect(body.username).toBe('viewer@acme.test');
    const mine = await as('viewer').call<List<Key>>('GET', '/api-keys');
    expect(mine.body.items.map(({ id }) => id)).toContain(body.id);
    const others = await as('editor').call<List<Key>>('GET', '/api-keys');
    expect(others.body.items.map(({ id }) => id)).not.toContain(body.id);
    expect((await as('editor').call('GET', `/api-keys/${body.id}`)).status).toBe(404);
    expect((await as('editor').call('POST', `/api-keys/${body.id}/revoke`)).status).toBe(404);
    const every = await as('admin').call<List<Key>>('GET', '/api-keys?search=for+the+viewer');
    expect(every.body.items).toEqual([
      expect.objectContaining({ id: body.id, username: 'viewer@acme.test' }),
    ]);
    expect((await as('admin').call<List<Key>>('GET', '/api-keys?whose=own')).text).not.toContain(body.id);
    expect(await as('viewer').call('POST', `/api-keys/${body.id}/revoke`)).toMatchObject({
      body: { status: 'revoked' },
    });
    expect(await introspect(mandate.issuer, body.secret)).toEqual({ active: false });
    expect(await as('admin').call('POST', `/api-keys/${body.id}/rotate`, {})).toMatchObject({ status: 409 });
  });

  test('narrows, widens, pauses and resumes with one secret; an old version changes nothing', async () => {
    const { body } = await make('editor', {
      capabilities: ['api', 'flows:edit'],
      projects: [{ id: await projectId('atlas'), role_ids: [await roleId('editor')] }],
    });
    const scope = async () => (await introspect(mandate.issuer, body.secret)).scope;
    const narrowed = await change('editor', body, { capabilities: ['api'] });
    expect(narrowed).toMatchObject({
      status: 200,
      body: { capabilities: ['api'], expires_at: body.expires_at },
    });
    expect(await scope()).toBe('api');
    const late = await change('editor', body, { capabilities: ['api', 'flows:edit'] });
    expect(late).toMatchObject({ status: 412, body: { code: 'version_changed' } });
    expect(await scope()).toBe('api');
    await change('editor', narrowed.body, { capabilities: ['api', 'flows:edit'], name: 'renamed' });
    expect(await scope()).toBe('api flows:edit');
    await as('admin').call('POST', `/api-keys/${body.id}/suspend`);
    expect(await scope()).toBeUndefined();
    await as('admin').call('POST', `/api-keys/${body.id}/resume`);
    expect(await scope()).toBe('api flows:edit');
  });

  test('rotates with an overlap from none to a week', async () => {
    const { body } = await make('editor');
    const rotate = (overlap_hours: number) =>
      as('editor').call<Key>('POST', `/api-keys/${body.id}/rotate`, { overlap_hours });
    expect((await rotate(169)).status).toBe(422);
    expect((await rotate(-1)).status).toBe(422);
    const second = await rotate(168);
    expect(second.status).toBe(201);
    expect(second.body.secrets).toEqual([
      expect.objectContaining({ expires_at: null }),
      expect.objectContaining({ expires_at: mandate.clock.now() + 168 * 3_600 }),
    ]);
    expect((await introspect(mandate.issuer, body.secret)).active).toBe(true);
    const third = await rotate(0);
    expect(third.body.secrets).toHaveLength(1);
    for (const old of [body.secret, second.body.secret]) {
      expect(await introspect(mandate.issuer, old)).toEqual({ active: false });
    }
  });

  test('moves to a service account for those who may make its keys, bounded by it', async () => {
    const { body } = await make('admin', {
      capabilities: ['api', 'flows:edit'],
      projects: [{ id: await projectId('atlas'), role_ids: [await roleId('editor')] }],
    });
    const to = async (who: string, owner: string, version = body.version) =>
      as(who).call(
        'POST',
        `/api-keys/${body.id}/move`,
        { user_id: await userId(owner) },
        { 'if-match': `"${version}"` },
      );
    expect((await to('editor', 'ci')).status).toBe(404);
    expect((await to('admin', 'viewer')).status).toBe(422);
    expect((await to('admin', 'ci', 9)).status).toBe(412);
    expect((await to('admin', 'ci')).status).toBe(204);
    expect(await introspect(mandate.issuer, body.secret)).toMatchObject({
      username: 'ci@acme.test',
      scope: 'api flows:edit',
    });
  });

  test('hands over something sensitive only to somebody who signed in lately', async () => {
    const sensitive = { capabilities: ['api', 'apps:admin'] };
    expect((await make('admin', sensitive)).status).toBe(201);
    mandate.clock.advance(601);
    expect(await make('admin', sensitive)).toMatchObject({ status: 403, body: { code: 'sign_in_again' } });
    const plain = await make('admin');
    expect(await change('admin', plain.body, sensitive)).toMatchObject({ body: { code: 'sign_in_again' } });
    people.set('admin', await signInToApi(mandate.issuer, 'admin@acme.test'));
    expect((await change('admin', plain.body, sensitive)).status).toBe(200);
  });

  test("everyone sees, narrows and ends their own authorizations; nobody edits another person's", async () => {
    const { body } = await make('editor');
    const own = await as('editor').call<List<Key>>('GET', '/authorizations');
    expect(own.body.items.map(({ username }) => username)).toEqual(
      own.body.items.map(() => 'editor@acme.test'),
    );
    expect(own.body.items[0]?.id).toBe(body.id);
    const edited = await as('editor').call(
      'PATCH',
      `/authorizations/${body.id}`,
      { name: 'renamed' },
      { 'if-match': '"1"' },
    );
    expect(edited).toMatchObject({ status: 200, body: { name: 'renamed' } });
    expect((await as('viewer').call('GET', `/authorizations/${body.id}`)).status).toBe(404);
    expect((await as('viewer').call('POST', `/authorizations/${body.id}/revoke`)).status).toBe(404);
  });
});
