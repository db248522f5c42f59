/** What one node acknowledges, the next token request to another one is decided by, however warm what that one remembers. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, tokenByCode } from '../support/oauth.ts';

const actor = { id: 'test' };
const times = 10;

describe.each(engines)('on %s, two nodes', (engine) => {
  let first: TestMandate;
  let second: TestMandate;

  beforeAll(async () => {
    first = await startMandate({ engine });
    second = await startMandate({ databaseUrl: first.databaseUrl, clock: first.clock });
  });
  afterAll(async () => {
    await second?.stop();
    await first?.stop();
  });

  const person = {
    email: 'editor@acme.test',
    answers: { 'flows:edit': true, atlas: true, 'Role in atlas': 'Editor' },
  };
  const issue = () => tokenByCode(first.issuer, person, { scope: 'api flows:edit offline_access' });
  const refresh = async (node: TestMandate, token: string | undefined) =>
    askToken(node.issuer, { grant_type: 'refresh_token', refresh_token: token ?? '' }, demo.web);
  const asService = (node: TestMandate) =>
    askToken(node.issuer, { grant_type: 'client_credentials' }, demo.ci);

  test('a suspended account refreshes nothing, a resumed one does', async () => {
    const editor = await first.stores.users.findByEmail(person.email);
    let { refresh_token: leaf } = await issue();
    for (let trial = 0; trial < times; trial++) {
      leaf = (await refresh(second, leaf)).body.refresh_token;
      expect(leaf).toBeDefined();
      await first.stores.users.suspend(actor, editor?.id ?? '');
      expect((await refresh(second, leaf)).body.error).toBe('invalid_grant');
      await first.stores.users.resume(actor, editor?.id ?? '');
    }
  });

  test('a revoked authorization refreshes nothing', async () => {
    for (let trial = 0; trial < 3; trial++) {
      const { refresh_token: leaf, authorization_details: details } = await issue();
      const next = await refresh(second, leaf);
      expect(next.status).toBe(200);
      const [{ identifier }] = details as [{ identifier: string }];
      await first.stores.authorizations.revoke(actor, identifier);
      expect((await refresh(second, next.body.refresh_token)).body.error).toBe('invalid_grant');
    }
  });

  test('a token says what its authorization gives now', async () => {
    let { refresh_token: leaf } = await issue();
    const editor = await first.stores.users.findByEmail(person.email);
    const role = await first.stores.roles.findBySlug('editor');
    const atlas = await first.stores.projects.findBySlug('atlas');
    const place = { userId: editor?.id ?? '', roleId: role?.id ?? '', projectId: atlas?.id ?? '' };
    const refreshed = async () => {
      const { body } = await refresh(second, leaf);
      leaf = body.refresh_token;
      return body.scope;
    };
    for (let trial = 0; trial < times; trial++) {
      expect(await refreshed()).toContain('flows:edit');
      await first.stores.users.unassign(actor, place);
      expect(await refreshed()).not.toContain('flows:edit');
      await first.stores.users.assign(actor, place);
    }
  });

  test('a disabled client gets nothing, nor one with its old secret', async () => {
    for (let trial = 0; trial < times; trial++) {
      expect((await asService(second)).status).toBe(200);
      await first.stores.clients.disable(actor, demo.ci.id);
      expect((await asService(second)).body.error).toBe('invalid_client');
      await first.stores.clients.enable(actor, demo.ci.id);
    }
    const { metadata = {} } = (await first.stores.clients.find(demo.ci.id)) ?? {};
    expect((await asService(second)).status).toBe(200);
    await first.stores.clients.saveRegistered(actor, { id: demo.ci.id, metadata, secret: 's'.repeat(43) });
    expect((await asService(second)).body.error).toBe('invalid_client');
    await first.stores.clients.saveRegistered(actor, { id: demo.ci.id, metadata, secret: demo.ci.secret });
    expect((await asService(second)).status).toBe(200);
  });

  test('time ends an authorization while it is remembered', async () => {
    const { refresh_token: leaf, authorization_details: details } = await issue();
    const [{ identifier }] = details as [{ identifier: string }];
    await first.store.transact((trx) =>
      trx
        .updateTable('authorizations')
        .set({ expires_at: first.clock.now() + 60 })
        .where('id', '=', identifier)
        .execute(),
    );
    await first.store.transact((trx) =>
      first.stores.changes.record(trx, actor, {
        subject: 'authorization',
        id: identifier,
        action: 'edited',
      }),
    );
    const next = await refresh(second, leaf);
    expect(next.status).toBe(200);
    first.clock.advance(61);
    expect((await refresh(second, next.body.refresh_token)).body.error).toBe('invalid_grant');
  });

  test('a resource that went with its project is none any more', async () => {
    const atTool = () =>
      askToken(
        second.issuer,
        { grant_type: 'client_credentials', resource: demo.borealisReports },
        { ...demo.ci },
      );
    const borealis = await first.stores.projects.findBySlug('borealis');
    // Known, and out of reach.
    expect((await atTool()).body.error).toBe('invalid_scope');
    await first.stores.projects.delete(actor, borealis?.id ?? '');
    expect((await atTool()).body.error).toBe('invalid_target');
  });
});
