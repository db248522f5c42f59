/** What resource servers tell is what an authorization can be narrowed to, in one step. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Platform } from '../../examples/platform/platform.ts';
import { engines } from '../support/databases.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, type TestMandate } from '../support/mandate.ts';
import { introspect, postForm } from '../support/oauth.ts';
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
      if (tries > 100) throw new Error('nothing was told');
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
    const { status } = await postForm(`${mandate.issuer}/uses`, { use: `${id} api` });
    expect(status).toBe(401);
    expect(await mandate.stores.authorizationUses.of(id)).toEqual([]);
  });
});
