/**
 * Clocks that jump: an hour or months ahead, and back, on one of two nodes. What time alone ends may end too early; nothing that was
 * ended or used comes back, and once the clock is right everything works as before.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { engines } from '../support/databases.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, introspect, tokenByCode } from '../support/oauth.ts';

const [hour, day] = [3_600, 86_400];
const actor = { id: 'test' };
const person = { email: 'editor@acme.test', answers: { 'flows:edit': true, atlas: true } };

describe.each(engines)('on %s', (engine) => {
  let steady: TestMandate;
  let astray: TestMandate;
  beforeAll(async () => {
    steady = await startMandate({ engine });
    astray = await startMandate({ databaseUrl: steady.databaseUrl });
  });
  afterAll(async () => {
    await astray.stop();
    await steady.stop();
  });
  const nodes = () => [steady, astray];
  const isActive = async (node: TestMandate, token: string | undefined) =>
    (await introspect(node.issuer, token ?? '')).active;
  /** Puts one node's clock elsewhere for a while. */
  const at = async (seconds: number, work: () => Promise<void>) => {
    astray.clock.advance(seconds);
    try {
      await work();
    } finally {
      astray.clock.advance(-seconds);
    }
  };
  const refresh = (node: TestMandate, refresh_token = '') =>
    askToken(node.issuer, { grant_type: 'refresh_token', refresh_token }, demo.web);
  const redeem = (node: TestMandate, { code, verifier }: { code: string; verifier: string }) =>
    askToken(
      node.issuer,
      { grant_type: 'authorization_code', code, redirect_uri: demo.web.redirect, code_verifier: verifier },
      demo.web,
    );

  test('what was ended stays ended at every hour, and answers that were remembered are not', async () => {
    const { access_token: token } = await tokenByCode(steady.issuer, person);
    for (const node of nodes()) expect(await isActive(node, token)).toBe(true);
    // By that clock it is over, or not handed out yet; by the right one it is not.
    await at(2 * hour, async () => expect(await isActive(astray, token)).toBe(false));
    expect(await isActive(astray, token)).toBe(true);
    const { authorization_id } = await introspect(steady.issuer, token ?? '');
    await steady.stores.authorizations.revoke(actor, String(authorization_id));
    for (const seconds of [0, -1, -hour, -400 * day, 30, 400 * day]) {
      await at(seconds, async () =>
        expect([seconds, await isActive(astray, token)]).toEqual([seconds, false]),
      );
    }
  });

  test('a code and a refresh token that were used are not good again before they were', async () => {
    const tokens = await tokenByCode(steady.issuer, person);
    const next = await refresh(steady, tokens.refresh_token);
    expect(next.status).toBe(200);
    await at(-2 * hour, async () => {
      // A retry within the window gets what the first one got, and never another leaf.
      const again = await refresh(astray, tokens.refresh_token);
      if (again.status === 200) expect(again.body.refresh_token).toBe(next.body.refresh_token);
      expect((await redeem(astray, tokens)).status).toBe(400);
    });
    const id = (await introspect(steady.issuer, tokens.access_token ?? '')).authorization_id;
    // The code came back after it was used: what it gave is over.
    expect(id).toBeUndefined();
    for (const node of nodes()) expect(await isActive(node, next.body.access_token)).toBe(false);
  });

  test('a node that is months ahead tidies up too much, rotates keys, and brings nothing back', async () => {
    const revoked = await tokenByCode(steady.issuer, person);
    const { authorization_id } = await introspect(steady.issuer, revoked.access_token ?? '');
    await steady.stores.authorizations.revoke(actor, String(authorization_id));
    const used = await tokenByCode(steady.issuer, person, { scope: 'openid api flows:edit' });
    await at(100 * day, async () => {
      for (let times = 0; times < 3; times += 1) await astray.app.garbage.collect();
    });
    for (const node of nodes()) {
      expect(await isActive(node, revoked.access_token)).toBe(false);
      expect((await refresh(node, revoked.refresh_token)).status).toBe(400);
      expect((await redeem(node, used)).status).toBe(400);
    }
    await steady.app.garbage.collect();
    for (const node of nodes()) {
      const fresh = await tokenByCode(node.issuer, person, { scope: 'openid api flows:edit' });
      expect(await isActive(steady, fresh.access_token)).toBe(true);
      expect(await isActive(astray, fresh.access_token)).toBe(true);
      for (const other of nodes()) {
        const keys = (await (await fetch(`${other.issuer}/jwks`)).json()) as JSONWebKeySet;
        await jwtVerify(String(fresh.id_token), createLocalJWKSet(keys), { issuer: node.issuer });
      }
    }
  });
});
