/** What resource servers tell is what an authorization can be narrowed to, in one step. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Platform } from '../../examples/platform/platform.ts';
import { signInToApi } from '../support/administrator.ts';
import { engines } from '../support/databases.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, type TestMandate } from '../support/mandate.ts';
import { askToken, introspect, postForm } from '../support/oauth.ts';
import { codeFlow, signInIfAsked } from '../support/oauth-requests.ts';
import { startPlatformOnMandate } from '../support/platform-on-mandate.ts';

const day = 86_400;

describe.each(engines)('narrowing to what was used, on %s', (engine) => {
  let mandate: TestMandate;
  let platform: Platform;
  let stop: () => Promise<void>;
  let origin: string;

  beforeAll(async () => {
    ({ mandate, platform, stop } = await startPlatformOnMandate({ engine }));
    ({ origin } = platform);
  });
  afterAll(async () => {
    await stop();
  });

  const tell = (uses: string[], caller: { id: string; secret: string } = demo.apiServer) => {
    const body = new URLSearchParams(uses.map((use) => ['use', use]));
    return fetch(`${mandate.issuer}/uses`, {
      method: 'POST',
      body,
      headers: {
        Authorization: `Basic ${Buffer.from(`${caller.id}:${caller.secret}`).toString('base64')}`,
      },
    });
  };

  async function grant() {
    const browser = createBrowserlessClient(mandate.issuer);
    const { body } = await codeFlow(mandate.issuer, {
      request: { scope: 'api flows:edit apps:view' },
      answers: { 'flows:edit': true, 'apps:view': true, atlas: true, borealis: true },
      browser,
    });
    const token = body.access_token ?? '';
    const { authorization_id: id } = await introspect(mandate.issuer, token);
    return { token, id: String(id), browser };
  }

  test('the platform tells what a token did, and the page leaves that and nothing else', async () => {
    const { token, id, browser } = await grant();
    const flows = await fetch(`${origin}/api/projects/atlas/flows`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    expect(flows.status).toBe(200);
    for (let tries = 0; (await mandate.stores.authorizationUses.of(id)).length === 0; tries += 1) {
      if (tries > 600) throw new Error('nothing was told');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const page = await browser.get(`/account/authorizations/${id}`, { follow: true });
    const editor = await signInIfAsked(browser, page);
    expect(editor.text).toContain('What it was used for');
    expect(editor.text).toContain('api · atlas');
    const narrowed = await browser.get(`/account/authorizations/${id}?narrow=used`);
    expect(narrowed.text).toContain('Nothing has changed yet');
    expect(await introspect(mandate.issuer, token)).toMatchObject({
      scope: expect.stringContaining('flows:edit'),
    });
    await browser.submit(narrowed, 'Save', {}, { follow: true });
    const after = await introspect(mandate.issuer, token);
    expect(after).toMatchObject({ active: true, scope: 'api' });
    expect(after.authorization_details).toEqual([expect.objectContaining({ slug: 'atlas' })]);
  });

  test('what was used more than 30 days ago counts for nothing, and the page says so', async () => {
    const { id, browser } = await grant();
    expect((await tell([`${id} api`])).status).toBe(204);
    mandate.clock.advance(31 * day);
    const page = await browser.get(`/account/authorizations/${id}?narrow=used`, { follow: true });
    expect((await signInIfAsked(browser, page)).text).toContain('Nothing of it was used');
    mandate.clock.advance(-31 * day);
  });

  test('what nobody granted, picked or knows is left out, and strangers tell nothing', async () => {
    const { id } = await grant();
    const told = [`${id} secrets:unknown`, `${id} api prj_00000000000000000000000000`, `az_0 api`];
    expect((await tell(told)).status).toBe(204);
    expect(await mandate.stores.authorizationUses.of(id)).toEqual([]);
    expect((await tell([`${id} api`], { id: 'acme-api', secret: 'wrong' })).status).toBe(401);
    expect((await tell([])).status).toBe(400);
    expect((await tell(['nonsense'])).status).toBe(400);
    expect((await tell(Array.from({ length: 201 }, () => `${id} api`))).status).toBe(400);
    expect((await fetch(`${mandate.issuer}/uses`)).status).toBe(405);
    // As at /introspect: whoever stands in between may have looked at the other one (RFC 6749 section 3.2).
    const { id: name, secret } = demo.apiServer;
    const twice = new URLSearchParams({ use: `${id} api`, client_id: name, client_secret: secret });
    twice.append('client_id', demo.mcpServer.id);
    expect((await fetch(`${mandate.issuer}/uses`, { method: 'POST', body: twice })).status).toBe(400);
    const { status } = await postForm(`${mandate.issuer}/uses`, { use: `${id} api` });
    expect(status).toBe(401);
    expect(await mandate.stores.authorizationUses.of(id)).toEqual([]);
  });

  test('a resource server is believed about what it could see at that moment, and nothing else', async () => {
    const { id, token } = await grant();
    const [atlas, borealis] = await Promise.all(
      ['atlas', 'borealis'].map(async (slug) => (await mandate.stores.projects.findBySlug(slug))?.id ?? ''),
    );
    const usesOf = async (one: string) =>
      (await mandate.stores.authorizationUses.of(one))
        .map(({ capability, place }) => [capability, place ?? ''].join(' ').trim())
        .sort();
    const told = [`${id} api`, `${id} flows:edit ${atlas}`, `${id} api ${borealis}`];
    // Its tokens are for the API: whoever serves MCP servers alone never sees them, picked projects or not.
    expect((await tell(told, demo.mcpServer)).status).toBe(204);
    expect(await usesOf(id)).toEqual([]);
    // Editor on atlas, Viewer on borealis: flows:edit is used on neither borealis, nor without having been granted.
    expect((await tell([...told, `${id} secrets:edit ${atlas}`, `${id} mcp`])).status).toBe(204);
    expect(await usesOf(id)).toEqual(['api', `api ${borealis}`, `flows:edit ${atlas}`]);

    const other = await grant();
    await mandate.stores.authorizations.suspend({ id: 'command' }, other.id);
    await tell([`${other.id} api`]);
    expect(await usesOf(other.id)).toEqual([]);
    await mandate.stores.authorizations.resume({ id: 'command' }, other.id);
    mandate.clock.advance(day);
    expect(await introspect(mandate.issuer, other.token)).toEqual({ active: false });
    await tell([`${other.id} api`]);
    expect(await usesOf(other.id)).toEqual([]);
    mandate.clock.advance(-day);
    await tell([`${other.id} api`]);
    expect(await usesOf(other.id)).toEqual(['api']);
    expect(await introspect(mandate.issuer, token)).toMatchObject({ active: true });
  });

  test('of an API key and of a machine each believes the part that it guards', async () => {
    const server = (await mandate.stores.mcpServers.findByName('atlas-flows'))?.id ?? '';
    const atlas = (await mandate.stores.projects.findBySlug('atlas'))?.id ?? '';
    const editor = await signInToApi(mandate.issuer, 'editor@acme.test');
    const role = (await mandate.stores.roles.findBySlug('editor'))?.id;
    const { body: key } = await editor.call('POST', '/api-keys', {
      name: 'both',
      capabilities: ['mcp', 'api', 'flows:edit'],
      projects: [{ id: atlas, role_ids: [role] }],
      mcp_server_ids: [server],
    });
    const told = [`${key.id} api`, `${key.id} mcp ${server}`, `${key.id} flows:edit ${atlas}`];
    const places = async (id: string) =>
      (await mandate.stores.authorizationUses.of(id)).map(({ capability }) => capability).sort();
    await tell(told, demo.mcpServer);
    expect(await places(String(key.id))).toEqual(['flows:edit', 'mcp']);
    await tell(told);
    expect(await places(String(key.id))).toEqual(['api', 'flows:edit', 'mcp']);

    const machine = await askToken(mandate.issuer, { grant_type: 'client_credentials' }, demo.ci);
    const { authorization_id: id } = await introspect(mandate.issuer, machine.body.access_token ?? '');
    await tell([`${id} api`], demo.mcpServer);
    expect(await places(String(id))).toEqual([]);
    await tell([`${id} api`]);
    expect(await places(String(id))).toEqual(['api']);
  });

  test('what is dropped is counted', async () => {
    const text = await (await fetch(`${mandate.issuer}/metrics`)).text();
    expect(text).toMatch(/mandate_told_uses_total\{outcome="believed"\} [1-9]/);
    expect(text).toMatch(/mandate_told_uses_total\{outcome="dropped"\} [1-9]/);
  });
});
