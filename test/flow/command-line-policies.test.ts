/** Policies, approvals and removals from a terminal: what would happen is shown first, and a token never grows by it. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Administrator, signInToApi } from '../support/administrator.ts';
import { administratingTool, toolWith } from '../support/administrator-token.ts';
import { engines } from '../support/databases.ts';
import { administratorsCommandLine, type CommandLine } from '../support/logged-in-command-line.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';
import { introspect } from '../support/oauth.ts';

interface Made {
  id: string;
  secret: string;
}
const day = 86_400;
const refusedOverToken = { code: 1, stderr: expect.stringContaining('A token cannot do this') };

describe.each(engines)('somebody who is logged in to administer, on %s', (engine) => {
  let mandate: TestMandate;
  let admin: CommandLine;
  let owner: Administrator;
  let editor: Administrator;

  beforeAll(async () => {
    mandate = await startMandate({ engine });
    admin = await administratorsCommandLine(mandate.issuer, 'admin@acme.test');
    owner = await signInToApi(mandate.issuer, 'owner@acme.test');
    editor = await signInToApi(mandate.issuer, 'editor@acme.test');
  }, 60_000);
  afterAll(() => mandate.stop());

  const editorsKey = async (name: string) => {
    const project = await mandate.stores.projects.findBySlug('atlas');
    const role = await mandate.stores.roles.findBySlug('editor');
    const { body } = await editor.call<Made>('POST', '/api-keys', {
      name,
      capabilities: ['api', 'flows:edit'],
      projects: [{ id: project?.id, role_ids: [role?.id] }],
      justification: 'It runs at night',
    });
    return body;
  };

  test('sees whom a stricter policy would cut before it is set, and sets it', async () => {
    const key = await editorsKey('before');
    const setting = ['policies', 'set', '--needs-approval', 'flows:edit', '--longest-api-key', '90d'];
    const unasked = await admin.run(...setting);
    expect(unasked).toMatchObject({ code: 2, stderr: expect.stringContaining('nobody is here to confirm') });
    const looked = await admin.run(...setting, '--dry-run');
    expect(looked.stdout.split('\n')).toEqual([
      '~ longest lifetime of API keys: none → 90d',
      '~ flows:edit needs approval: no → yes',
      '1 authorization of 1 person would lose something at once',
      '    before of editor@acme.test: flows:edit',
      '',
    ]);
    expect((await introspect(mandate.issuer, key.secret)).scope).toBe('api flows:edit');
    const set = await admin.json(...setting, '--yes');
    expect(set).toMatchObject({ applied: true, changes: expect.any(Array), impact: { authorizations: 1 } });
    expect((await introspect(mandate.issuer, key.secret)).scope).toBe('api');
    expect(await admin.json('policies', 'show')).toMatchObject({
      longest_lifetimes: { oauth2: null, api_key: 90 * day },
      capabilities: [{ name: 'flows:edit', needs_approval: true }],
    });
    expect(await admin.json(...setting, '--yes')).toMatchObject({ applied: false, changes: [] });
    await admin.json('policies', 'set', '--clients', 'hosts', '--host', 'Tools.Acme.test=allow', '--yes');
    await admin
      .json('policies', 'set', '--clients', 'any', '--host', 'evil.test=deny', '--yes')
      .catch(String);
  }, 60_000);

  test('agrees to what waits, with a note, and declines', async () => {
    const keys = [await editorsKey('one'), await editorsKey('two')];
    const listed = await admin.run('approvals', 'list', '--status', 'pending');
    expect(listed.stdout).toMatch(/^ID +USERNAME .*CAPABILITY +TOOL +JUSTIFICATION/);
    expect(listed.stdout).toContain('It runs at night');
    const { items } = await admin.json<{ items: { id: string; tool: string }[] }>('approvals', 'list');
    const idOf = (tool: string) => items.find((one) => one.tool === tool)?.id ?? '';
    const agreed = await admin.json('approvals', 'approve', idOf('one'), '--note', 'until March');
    expect(agreed).toMatchObject({ status: 'approved', note: 'until March' });
    expect((await introspect(mandate.issuer, keys[0]?.secret ?? '')).scope).toBe('api flows:edit');
    expect(await admin.json('approvals', 'decline', idOf('two'))).toMatchObject({ status: 'declined' });
    expect((await introspect(mandate.issuer, keys[1]?.secret ?? '')).scope).toBe('api');
    const again = await admin.run('approvals', 'approve', idOf('one'));
    expect(again.code).toBe(1);
  }, 60_000);

  test('does not agree to what they asked for themselves', async () => {
    const own = await signInToApi(mandate.issuer, 'admin@acme.test');
    const project = await mandate.stores.projects.findBySlug('atlas');
    const role = await mandate.stores.roles.findBySlug('editor');
    await own.call('POST', '/api-keys', {
      name: 'own',
      capabilities: ['api', 'flows:edit'],
      projects: [{ id: project?.id, role_ids: [role?.id] }],
      justification: 'mine',
    });
    const { items } = await admin.json<{ items: { id: string }[] }>(
      'approvals',
      'list',
      '--status',
      'pending',
    );
    expect((await admin.run('approvals', 'approve', items[0]?.id ?? '')).code).toBe(1);
    // Nor by a policy that would let it through.
    expect(await admin.run('policies', 'set', '--without-approval', 'flows:edit', '--yes')).toMatchObject(
      refusedOverToken,
    );
  });

  test('does not lengthen with a token what its own account handed out; another’s it may', async () => {
    // This login lasts 30 days.
    await admin.json('policies', 'set', '--longest-oauth2', '10d', '--yes');
    expect(await admin.run('policies', 'set', '--longest-oauth2', '20d', '--yes')).toMatchObject(
      refusedOverToken,
    );
    await admin.json('policies', 'set', '--longest', 'apps:view=7d', '--yes');
    await admin.json('policies', 'set', '--longest', 'apps:view=14d', '--yes');
    expect(await admin.run('policies', 'set', '--longest', 'apps:view=soon', '--yes')).toMatchObject({
      code: 2,
    });
    expect(await admin.run('policies', 'set', '--host', 'a.test=perhaps', '--yes')).toMatchObject({
      code: 2,
    });
    expect(await admin.run('policies', 'set', '--longest', 'apps:view=90m', '--yes')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('whole hours'),
    });
  }, 60_000);

  test('moves keys and removes an account for good, after seeing what stops with it', async () => {
    await admin.json(
      'service-accounts',
      'create',
      '--email',
      'old@acme.test',
      '--name',
      'Old',
      '--role',
      'member',
    );
    await admin.json(
      'service-accounts',
      'create',
      '--email',
      'new@acme.test',
      '--name',
      'New',
      '--role',
      'member',
    );
    const make = (name: string) =>
      admin.json<Made>('keys', 'create', '--user', 'old@acme.test', '--name', name, '--capability', 'api');
    const [kept, lost] = [await make('kept'), await make('lost')];
    const move = ['service-accounts', 'move-keys', 'old@acme.test', '--to', 'new@acme.test'];
    expect(await admin.json(...move, '--authorization', kept.id)).toMatchObject({ moved: [kept.id] });
    const remove = ['service-accounts', 'remove', 'old@acme.test'];
    expect(await admin.run(...remove)).toMatchObject({ code: 2 });
    const looked = await admin.run(...remove, '--dry-run');
    expect(looked.stdout).toMatch(/^remove old@acme\.test \(usr_\w+\) for good\nthis stops with it:/);
    expect(looked.stdout).toMatch(/API key +az_\w+ +lost +never/);
    expect(looked.stdout).not.toMatch(/\bkept\b/);
    expect(await admin.json(...remove, '--yes')).toMatchObject({
      applied: true,
      departure: { api_keys: [{ id: lost.id }] },
    });
    expect(await introspect(mandate.issuer, lost.secret)).toEqual({ active: false });
    expect(await introspect(mandate.issuer, kept.secret)).toMatchObject({ username: 'new@acme.test' });
    expect(await admin.run(...remove, '--yes')).toMatchObject({ code: 2 });
    expect((await admin.run('users', 'remove', 'admin@acme.test', '--yes')).code).toBe(1);
    expect((await admin.run('users', 'remove', 'viewer@acme.test', '--yes')).code).toBe(0);
    expect(await mandate.stores.users.findByEmail('viewer@acme.test')).toBeUndefined();
  }, 60_000);

  test('needs a login of their own for it: an API key that administers decides nothing of that', async () => {
    const { body } = await owner.call<Made>('POST', '/api-keys', {
      name: 'ops',
      capabilities: ['mandate:admin'],
    });
    const key = toolWith(mandate.issuer, body.secret);
    const policies = await key.call<{ version: number }>('GET', '/policies');
    const refused = { status: 403, body: { code: 'not_over_token' } };
    expect(
      await key.call('PUT', '/policies', {}, { 'if-match': `"${policies.body.version}"` }),
    ).toMatchObject(refused);
    await editorsKey('three');
    const { items } = (await key.call<{ items: { id: string }[] }>('GET', '/approvals?status=pending')).body;
    const decide = (how: string) =>
      key.call('POST', `/approvals/${items[0]?.id}/${how}`, {}, { 'if-match': '"1"' });
    expect(await decide('approve')).toMatchObject(refused);
    const analyst = await mandate.stores.users.findByEmail('analyst@acme.test');
    expect(await key.call('DELETE', `/users/${analyst?.id}`, undefined, { 'if-match': '"1"' })).toMatchObject(
      refused,
    );
    expect((await decide('decline')).status).toBe(200);

    // Nor does any token give it to another owner, who might hold what the present one has lost.
    const ci = (await mandate.stores.users.findByEmail('ci@acme.test'))?.id;
    const lord = (await mandate.stores.users.findByEmail('owner@acme.test'))?.id;
    const { body: other } = await owner.call<Made>('POST', '/api-keys', {
      name: 'more ops',
      capabilities: ['mandate:admin'],
    });
    const tool = await administratingTool(mandate.issuer, 'admin@acme.test', {
      'mandate:admin': true,
      'flows:edit': false,
    });
    expect(
      await tool.call('POST', `/api-keys/${other.id}/move`, { user_id: ci }, { 'if-match': '"1"' }),
    ).toMatchObject(refused);
    const all = { to: ci, authorization_ids: [other.id] };
    expect((await tool.call('POST', `/users/${lord}/departure/keys`, all)).status).toBe(403);
  });
});
