/** Every kind of change that takes something away, acknowledged and then killed before anything else can be written (catalogue RV-04). */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Administrator, signInToApi } from '../support/administrator.ts';
import { engines, type FreshDatabase, freshDatabaseUrl } from '../support/databases.ts';
import { demo } from '../support/mandate.ts';
import { introspect, postForm, tokenByCode } from '../support/oauth.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

const editor = { email: 'editor@acme.test', answers: { api: true, 'flows:edit': true, atlas: true } };

describe.each(engines)('RV-04: on %s, after kill -9', (engine) => {
  let database: FreshDatabase;
  let node: ServerProcess;
  let owner: Administrator;
  beforeAll(async () => {
    database = await freshDatabaseUrl(engine);
    node = await startServerProcess({ databaseUrl: database.url });
    owner = await signInToApi(node.issuer, 'owner@acme.test');
  }, 60_000);
  afterAll(async () => {
    await node.kill();
    await database.drop();
  });

  /** Kills the server as soon as the change is acknowledged, and starts it again. */
  const killAfter = async (change: () => Promise<{ status: number }>) => {
    const { issuer, port } = node;
    const { status } = await change();
    await node.kill();
    node = await startServerProcess({ databaseUrl: database.url, issuer, port });
    expect([200, 201, 204]).toContain(status);
  };
  const newToken = async () => (await tokenByCode(node.issuer, editor)).access_token ?? '';
  const ask = (token: string) => introspect(node.issuer, token);

  test('a revocation by the tool, an edit, a client and a person taken out, and a key deleted are all in force', async () => {
    const { issuer } = node;
    const revoked = await tokenByCode(issuer, editor);
    await killAfter(() => postForm(`${issuer}/revoke`, { token: revoked.refresh_token ?? '' }, demo.web));
    expect(await ask(revoked.access_token ?? '')).toEqual({ active: false });

    const narrowed = await newToken();
    const { authorization_id: id, scope } = await ask(narrowed);
    expect(scope).toBe('api flows:edit');
    const person = await signInToApi(issuer, editor.email);
    const path = `/authorizations/${String(id)}`;
    const tag = { 'if-match': (await person.call('GET', path)).headers.get('etag') ?? '' };
    await killAfter(() => person.call('PATCH', path, { capabilities: ['api'], projects: [] }, tag));
    expect(await ask(narrowed)).toMatchObject({ active: true, scope: 'api' });

    const made = await owner.call<{ id: string; secret: string }>('POST', '/api-keys', {
      name: 'deploys',
      capabilities: ['api'],
    });
    expect((await ask(made.body.secret)).active).toBe(true);
    await killAfter(() => owner.call('POST', `/api-keys/${made.body.id}/revoke`));
    expect(await ask(made.body.secret)).toEqual({ active: false });

    await killAfter(() => owner.call('POST', `/clients/${demo.web.id}/disable`));
    expect(await ask(narrowed)).toEqual({ active: false });
    expect((await owner.call('POST', `/clients/${demo.web.id}/enable`)).status).toBe(200);
    expect((await ask(narrowed)).active).toBe(true);

    const { sub } = await ask(narrowed);
    await killAfter(() => owner.call('POST', `/users/${String(sub)}/suspend`));
    expect(await ask(narrowed)).toEqual({ active: false });
  }, 180_000);
});
