/** Token exchange, as those who may not try it: TX of docs/security-cases.yaml. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { makeProof, type ProofKey, proofKey } from '../support/dpop.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, tokenByCode } from '../support/oauth.ts';
import { register } from '../support/oauth-requests.ts';
import {
  accessTokenType,
  type Exchange,
  exchangeGrant,
  gateway,
  prepareExchange,
} from '../support/token-exchange.ts';

const actor = { id: 'command' };

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  let at: Exchange;

  beforeAll(async () => {
    mandate = await startMandate({ engine });
    at = await prepareExchange(mandate);
  });
  afterAll(() => mandate.stop());
  beforeEach(async () => {
    await at.allow();
  });

  describe('TX-03: who may not', () => {
    test('a client that no administrator allowed, whatever its metadata says', async () => {
      const token = await at.tokenOf(await at.authorize());
      await at.allow(null);
      expect(await at.exchange(token)).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } });
      const { metadata = {} } = (await mandate.stores.clients.find(gateway.id)) ?? {};
      const listing = { ...metadata, grant_types: [exchangeGrant] };
      await mandate.stores.clients.saveRegistered(actor, { id: gateway.id, metadata: listing });
      expect((await at.exchange(token)).body.error).toBe('unauthorized_client');
      await mandate.stores.clients.saveRegistered(actor, { id: gateway.id, metadata });
    });

    test.each(['none', 'client_secret_basic'])(
      'one that registered itself with %s, even where a row says that it may',
      async (method) => {
        const { body } = await register(mandate.issuer, {
          redirect_uris: ['http://127.0.0.1/callback'],
          grant_types: [exchangeGrant, 'authorization_code'],
          token_endpoint_auth_method: method,
          token_exchange: { own: true, from: [demo.atlasFlows], to: [demo.api] },
        });
        const { client_id: id, client_secret: secret, grant_types: grants } = body;
        expect(grants).not.toContain(exchangeGrant);
        expect((await mandate.stores.clients.find(String(id)))?.tokenExchange).toBeNull();
        await at.allow({ own: true, from: [demo.atlasFlows], to: [demo.api] }, String(id));
        const token = await at.tokenOf(await at.authorize());
        const fields = {
          grant_type: exchangeGrant,
          subject_token: token,
          subject_token_type: accessTokenType,
        };
        const answer =
          secret === undefined
            ? await askToken(mandate.issuer, { ...fields, client_id: String(id) })
            : await askToken(mandate.issuer, fields, { id: String(id), secret: String(secret) });
        expect([answer.status, answer.body.access_token]).toEqual([400, undefined]);
      },
    );

    test('a public client that an administrator registered', async () => {
      await at.allow({ own: true, from: [], to: [demo.api] }, demo.cli.id);
      const own = await at.authorize({ clientId: demo.cli.id });
      const answer = await askToken(mandate.issuer, {
        grant_type: exchangeGrant,
        client_id: demo.cli.id,
        subject_token: await at.tokenOf(own, { audience: demo.api }),
        subject_token_type: accessTokenType,
      });
      expect([answer.status, answer.body.access_token]).toEqual([400, undefined]);
      await at.allow(null, demo.cli.id);
    });

    test('a wrong secret is invalid_client', async () => {
      const token = await at.tokenOf(await at.authorize());
      expect((await at.exchange(token, {}, { ...gateway, secret: 'wrong' })).body.error).toBe(
        'invalid_client',
      );
    });
  });

  describe('TX-04: tokens that are not taken', () => {
    const same = { error: 'invalid_request', error_description: expect.stringContaining('subject token') };

    test('all of them alike: unknown, foreign, of another audience, expired, suspended, revoked', async () => {
      const parent = await at.authorize();
      const expired = await at.tokenOf(parent, { lifetimeSeconds: 1 });
      const foreign = await at.tokenOf(parent, { audience: demo.api });
      const suspended = await at.authorize();
      const revoked = await at.authorize();
      const tokens = [
        'unknown',
        foreign,
        await at.tokenOf(parent, { audience: demo.borealisReports }),
        await at.tokenOf(parent, { audience: `${mandate.issuer}/api/v1` }),
        await at.tokenOf(suspended),
        await at.tokenOf(revoked),
        expired,
      ];
      await mandate.stores.authorizations.suspend(actor, suspended.id);
      await mandate.stores.authorizations.revoke(actor, revoked.id);
      mandate.clock.advance(2);
      const answers = await Promise.all(tokens.map((token) => at.exchange(token)));
      expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
      expect(answers[0]).toMatchObject({ status: 400, body: same });
      expect(await mandate.stores.handedOn.under(parent.id, 10)).toEqual([]);
    });

    test('its own where it may exchange only those of others', async () => {
      await at.allow({ own: false, from: [demo.atlasFlows], to: [demo.api] });
      const own = await at.authorize({ clientId: gateway.id });
      expect((await at.exchange(await at.tokenOf(own))).body).toMatchObject(same);
    });

    test('refresh tokens and ID tokens', async () => {
      const { refresh_token: refresh, id_token: idToken } = await tokenByCode(
        mandate.issuer,
        {
          email: 'editor@acme.test',
          answers: { 'flows:edit': true, atlas: true, 'Role in atlas': 'Editor' },
        },
        { scope: 'openid api flows:edit offline_access' },
      );
      expect((await at.exchange(refresh)).body).toMatchObject(same);
      expect((await at.exchange(String(idToken))).body).toMatchObject(same);
      for (const type of ['refresh_token', 'id_token', 'jwt', 'saml2']) {
        const urn = `urn:ietf:params:oauth:token-type:${type}`;
        expect((await at.exchange(refresh, { subject_token_type: urn })).body.error).toBe('invalid_request');
      }
    });
  });

  describe('TX-05: requests that are refused', () => {
    test.each([
      ['an actor token', { actor_token: 'x', actor_token_type: accessTokenType }],
      ['another requested type', { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }],
      ['no subject token', { subject_token: '' }],
    ])('%s', async (_, fields) => {
      const token = await at.tokenOf(await at.authorize());
      expect((await at.exchange(token, fields)).body.error).toBe('invalid_request');
    });

    test.each([
      ['an unknown resource', 'https://unknown.example'],
      ['one that is not allowed', demo.borealisReports],
      ['a fragment', `${demo.api}#x`],
    ])('%s is invalid_target', async (_, resource) => {
      expect((await at.exchange(await at.tokenOf(await at.authorize()), { resource })).body.error).toBe(
        'invalid_target',
      );
    });

    test('two targets, and the administration whatever is set', async () => {
      const token = await at.tokenOf(await at.authorize());
      const administration = `${mandate.issuer}/api/v1`;
      await at.allow({ own: true, from: [demo.atlasFlows], to: [demo.api, demo.atlasFlows, administration] });
      expect((await at.exchange(token, { audience: demo.atlasFlows })).body.error).toBe('invalid_target');
      expect((await at.exchange(token, { resource: administration })).body.error).toBe('invalid_target');
    });

    test('more than the token allows there', async () => {
      const token = await at.tokenOf(await at.authorize());
      for (const scope of ['api', 'secrets:edit', 'flows:edit mandate:admin', 'nonsense']) {
        expect((await at.exchange(token, { scope })).body.error).toBe('invalid_scope');
      }
    });

    test('a fourth step', async () => {
      const own = await at.authorize({ clientId: gateway.id });
      let token: string | undefined = await at.tokenOf(own, { audience: demo.api });
      for (let step = 1; step <= 3; step++) {
        const { status, body } = await at.exchange(token);
        expect(status).toBe(200);
        token = body.access_token;
      }
      expect((await at.exchange(token)).body.error).toBe('invalid_request');
    });
  });

  describe('TX-06: bound to a key', () => {
    let key: ProofKey;
    beforeAll(async () => {
      key = await proofKey();
    });
    const proof = async (by = key, secondsAhead = 0) => ({
      DPoP: await makeProof(by, {
        method: 'POST',
        url: `${mandate.issuer}/token`,
        accessToken: '',
        now: Math.floor(Date.now() / 1_000) + secondsAhead,
        claims: { ath: undefined },
      }),
    });

    test('to the key that the client proves; its own bound token needs the same one', async () => {
      const own = await at.authorize({ clientId: gateway.id });
      const token = await at.tokenOf(own, { audience: demo.api });
      const { status, body } = await at.exchange(token, {}, gateway, await proof());
      expect([status, body.token_type]).toEqual([200, 'DPoP']);
      expect(await at.atApi(body.access_token)).toMatchObject({ cnf: { jkt: expect.any(String) } });
      expect((await at.exchange(body.access_token)).body.error).toBe('invalid_request');
      const other = await proofKey();
      expect((await at.exchange(body.access_token, {}, gateway, await proof(other))).status).toBe(400);
      expect((await at.exchange(body.access_token, {}, gateway, await proof())).status).toBe(200);
    });

    test('a proof counts once', async () => {
      const own = await at.authorize({ clientId: gateway.id });
      const token = await at.tokenOf(own, { audience: demo.api });
      const headers = await proof();
      expect((await at.exchange(token, {}, gateway, headers)).status).toBe(200);
      expect((await at.exchange(token, {}, gateway, headers)).status).toBe(400);
    });

    test('a proof from a clock that is ahead counts once for all the time that it would be taken', async () => {
      const own = await at.authorize({ clientId: gateway.id });
      const token = await at.tokenOf(own, { audience: demo.api });
      const headers = await proof(key, 290);
      expect((await at.exchange(token, {}, gateway, headers)).status).toBe(200);
      mandate.clock.advance(580);
      await mandate.app.garbage.collect();
      expect((await at.exchange(token, {}, gateway, headers)).status).toBe(400);
    });
  });
});
