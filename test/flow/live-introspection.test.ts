/** The promise: effective = granted ∩ live, for a token already in the field. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { introspect, pkce, tokenByCode } from '../support/oauth.ts';
import { openConsent } from '../support/oauth-requests.ts';

describe.each(engines)('a token for flows:edit on atlas, on %s', (engine) => {
  let mandate: TestMandate;
  let token: string;
  let editor: { id: string };
  const actor = { id: 'command' };

  beforeAll(async () => {
    mandate = await startMandate({ engine });
    const answer = await tokenByCode(mandate.issuer, {
      email: 'editor@acme.test',
      answers: {
        'flows:edit': true,
        mcp: true,
        atlas: true,
        'Role in atlas': 'Editor',
        borealis: true,
        'atlas-flows': true,
      },
    });
    token = answer.access_token ?? '';
    editor = (await mandate.stores.users.findByEmail('editor@acme.test')) ?? { id: '' };
    expect(answer.scope).toBe('api flows:edit');
  });
  afterAll(() => mandate.stop());

  const ask = () => introspect(mandate.issuer, token);
  const detailsOf = async (slug: string) =>
    ((await ask()).authorization_details as { slug?: string; actions: string[] }[] | undefined)?.find(
      (detail) => detail.slug === slug,
    );

  test('lists atlas with flows:edit, and borealis without: a Viewer never yields it', async () => {
    expect(await ask()).toMatchObject({
      active: true,
      iss: mandate.issuer,
      token_type: 'Bearer',
      client_id: 'acme-web',
      sub: editor.id,
      username: 'editor@acme.test',
      aud: 'http://localhost:4100/api',
      scope: 'api flows:edit',
      authorization_kind: 'oauth2',
    });
    expect(await detailsOf('atlas')).toMatchObject({
      type: 'project',
      roles: ['editor'],
      actions: ['flows:edit'],
    });
    expect(await detailsOf('borealis')).toMatchObject({ type: 'project', roles: ['viewer'], actions: [] });
  });

  test('loses atlas when its owner is moved off it, and has it again when put back', async () => {
    const atlas = (await mandate.stores.projects.list({ limit: 10 })).find(({ slug }) => slug === 'atlas');
    const role = (await mandate.stores.roles.list()).find(({ slug }) => slug === 'editor');
    const assignment = { userId: editor.id, roleId: role?.id ?? '', projectId: atlas?.id ?? '' };
    await mandate.stores.users.unassign(actor, assignment);
    expect(await detailsOf('atlas')).toBeUndefined();
    expect(await ask()).toMatchObject({
      active: true,
      scope: 'api',
      withheld: expect.arrayContaining([
        { dimension: 'project', identifier: atlas?.id, reason: 'owner_lost_access' },
      ]) as unknown,
    });
    await mandate.stores.users.assign(actor, assignment);
    expect(await detailsOf('atlas')).toMatchObject({ actions: ['flows:edit'] });
  });

  test('answers exactly {"active":false} while its owner is suspended', async () => {
    await mandate.stores.users.suspend(actor, editor.id);
    expect(await ask()).toEqual({ active: false });
    await mandate.stores.users.resume(actor, editor.id);
    expect(await ask()).toMatchObject({ active: true });
  });

  test('answers exactly {"active":false} to a resource server that it is not for', async () => {
    const other = { id: 'acme-mcp', secret: 'acme-mcp-demo-secret-not-for-production' };
    expect(await introspect(mandate.issuer, token, other)).toEqual({ active: false });
  });

  test('answers exactly {"active":false} once the authorization is revoked', async () => {
    const { authorization_id: id } = await ask();
    await mandate.stores.authorizations.revoke(actor, String(id));
    expect(await ask()).toEqual({ active: false });
  });
});

describe.each(engines)(
  'an authorization with projects and nothing that may be done on them, on %s',
  (engine) => {
    let mandate: TestMandate;
    beforeAll(async () => {
      mandate = await startMandate({ engine });
    });
    afterAll(() => mandate.stop());

    test('is not active for whoever guards them, until something may be done again', async () => {
      const { access_token: token = '' } = await tokenByCode(mandate.issuer, {
        email: 'editor@acme.test',
        answers: { api: false, 'flows:edit': true, atlas: true, 'Role in atlas': 'Editor', borealis: true },
      });
      expect(await introspect(mandate.issuer, token)).toMatchObject({ active: true, scope: 'flows:edit' });
      const { users, roles, projects } = mandate.stores;
      const actor = { id: 'command' };
      const assignment = {
        userId: (await users.findByEmail('editor@acme.test'))?.id ?? '',
        roleId: (await roles.findBySlug('editor'))?.id ?? '',
        projectId: (await projects.findBySlug('atlas'))?.id ?? '',
      };
      const viewer = { ...assignment, roleId: (await roles.findBySlug('viewer'))?.id ?? '' };
      await users.assign(actor, viewer);
      await users.unassign(actor, assignment);
      // A Viewer of both: they are still picked, and it may do nothing there.
      expect(await introspect(mandate.issuer, token)).toEqual({ active: false });
      await users.assign(actor, assignment);
      expect(await introspect(mandate.issuer, token)).toMatchObject({ active: true, scope: 'flows:edit' });
    });

    test('is not made at consent: it takes at least one capability', async () => {
      const client = createBrowserlessClient(mandate.issuer);
      const consent = await openConsent(client, {
        client_id: demo.web.id,
        redirect_uri: demo.web.redirect,
        response_type: 'code',
        scope: 'api',
        code_challenge: pkce().challenge,
        code_challenge_method: 'S256',
      });
      const again = await client.submit(consent, 'Authorize', { api: false, atlas: true });
      expect(again.status).toBe(422);
      expect(again.location).toBeUndefined();
      expect(again.text).toContain('atlas');
    });
  },
);
