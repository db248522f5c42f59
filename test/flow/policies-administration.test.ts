/** The policies and the requests for approval, as administrators set and decide them. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createKey, signIn } from '../support/account.ts';
import { type Administrator, signInToApi } from '../support/administrator.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';
import { tokenByCode } from '../support/oauth.ts';
import { needing, setPolicies } from '../support/policies.ts';

const hour = 3_600;
const day = 24 * hour;
const editor = { email: 'editor@acme.test' };
const flows = { 'flows:edit': true, atlas: true, 'Role in atlas': 'Editor' };

describe('the policies themselves', () => {
  let mandate: TestMandate;
  let admin: Administrator;
  beforeAll(async () => {
    mandate = await startMandate();
    admin = await signInToApi(mandate.issuer, 'admin@acme.test');
  });
  afterAll(() => mandate.stop());

  test('are replaced against the version that was seen', async () => {
    const { headers, body } = await admin.call('GET', '/policies');
    expect(body).toEqual({
      longest_lifetimes: { oauth2: null, api_key: null },
      capabilities: [],
      clients: { permitted: 'any', hosts: [] },
      version: 1,
      updated_at: null,
    });
    const put = (policy: object, version?: string) =>
      admin.call('PUT', '/policies', policy, version === undefined ? {} : { 'if-match': version });
    expect((await put({})).status).toBe(428);
    expect((await put({}, '"9"')).status).toBe(412);
    expect((await put({ longest_lifetimes: { oauth2: 5 } }, '"1"')).status).toBe(422);
    expect((await put(needing('no:such'), '"1"')).status).toBe(422);
    expect((await put({ clients: { hosts: [{ host: 'https://x', rule: 'deny' }] } }, '"1"')).status).toBe(
      422,
    );
    expect(headers.get('etag')).toBe('"1"');
    expect(await put({ longest_lifetimes: { oauth2: 30 * day } }, '"1"')).toMatchObject({
      status: 200,
      body: { version: 2, longest_lifetimes: { oauth2: 30 * day, api_key: null } },
    });
  });

  test('say whose authorizations they would cut before they are set', async () => {
    await setPolicies(mandate);
    await tokenByCode(mandate.issuer, { ...editor, answers: flows });
    mandate.clock.advance(2 * day);
    const simulate = (policy: object) =>
      admin.call('POST', '/simulate', { change: { kind: 'policy_changed', policy } });
    expect((await simulate({ longest_lifetimes: { oauth2: 3 * day } })).body).toMatchObject({
      authorizations: 0,
    });
    expect((await simulate({ longest_lifetimes: { oauth2: day } })).body).toMatchObject({
      authorizations: 1,
      people: 1,
      cuts: [{ username: 'editor@acme.test', tool: 'acme-web', everything: true }],
    });
    expect((await simulate(needing('flows:edit'))).body).toMatchObject({
      cuts: [
        { everything: false, lost: [{ dimension: 'project', name: 'atlas', capability: 'flows:edit' }] },
      ],
    });
    expect((await simulate({ clients: { permitted: 'verified' } })).body).toMatchObject({
      authorizations: 0,
    });
  });

  test('are set on a page that says whose authorizations they cut, once', async () => {
    await setPolicies(mandate);
    const client = await signIn(mandate.issuer, 'admin@acme.test');
    const page = await client.get('/admin/policies');
    expect(page.text).toContain('Means nothing to existing authorizations');
    const warning = await client.submit(page, 'Save', {
      'Tools, at most': '1 day',
      'secrets:edit, at most': '1 hour',
      'Manage secrets': true,
      'May be authorized': 'Verified tools, and tools of the hosts named below',
      'Hosts whose tools are allowed': 'one.test\nTWO.test',
      'Hosts that are denied': 'bad.test',
    });
    expect(warning.text).toContain('1 authorization of 1 account loses something at once.');
    const saved = await client.submit(warning, 'Save', {}, { follow: true });
    expect(saved.text).toContain('Saved.');
    expect((await mandate.stores.policies.read()).policy).toEqual({
      longest: { oauth2: day, api_key: null },
      capabilities: new Map([['secrets:edit', { longest: hour, approval: true }]]),
      clients: {
        permitted: 'hosts',
        hosts: new Map([
          ['bad.test', 'deny'],
          ['one.test', 'allow'],
          ['two.test', 'allow'],
        ]),
      },
    });
    // The first page shows an older version by now.
    const late = await client.submit(page, 'Save', { 'Hosts that are denied': 'other.test' });
    expect(late.status).toBe(412);
    const wrong = await client.submit(saved, 'Save', { 'Hosts that are denied': 'https://bad.test/' });
    expect(wrong.status).toBe(422);
    expect(wrong.body).toContain('https://bad.test/');
  });

  test('a request is decided on its page, and whoever asked may ask again', async () => {
    await setPolicies(mandate, needing('flows:edit'));
    const person = await signIn(mandate.issuer, editor.email);
    const { id } = await createKey(person, { Name: 'script', ...flows, 'What is it for?': 'nightly' });
    const client = await signIn(mandate.issuer, 'owner@acme.test');
    const list = await client.get('/admin/approvals');
    expect(list.text).toContain('nightly');
    const [, address = ''] = /href="(\/admin\/approvals\/apr_\w+)"/.exec(list.body) ?? [];
    const declined = await client.submit(
      await client.get(address),
      'Decline',
      { Note: 'use the service account' },
      { follow: true },
    );
    expect(declined.text).toContain('use the service account');
    const own = await person.get(`/account/authorizations/${id}`);
    expect(own.text).toContain('flows:edit was declined');
    const again = await person.submit(own, 'Save', { 'What is it for?': 'it cannot' }, { follow: true });
    expect(again.text).toContain("flows:edit waits for an administrator's approval");
    const [waiting] = await mandate.stores.approvals.of([id]);
    expect(waiting).toMatchObject({ status: 'pending', justification: 'it cannot' });
  });

  test('nobody approves their own request, nor one for themselves', async () => {
    await setPolicies(mandate, needing('flows:edit'));
    admin = await signInToApi(mandate.issuer, 'admin@acme.test');
    const owner = await signInToApi(mandate.issuer, 'owner@acme.test');
    const body = { name: 'own', capabilities: ['flows:edit'], justification: 'mine' };
    await admin.call('POST', '/api-keys', body);
    const { items } = (await admin.call<{ items: { id: string }[] }>('GET', '/approvals')).body;
    const approve = (who: Administrator) =>
      who.call('POST', `/approvals/${items[0]?.id}/approve`, {}, { 'if-match': '"1"' });
    expect(await approve(admin)).toMatchObject({ status: 403, body: { code: 'own_request' } });
    expect(await approve(owner)).toMatchObject({ status: 200 });
  });
});
