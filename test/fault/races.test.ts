/** What may happen once happens once, whoever asks at the same moment, of one node and on whichever of two. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { openDatabase, type Store } from '../../db/open.ts';
import { type FreshDatabase, freshDatabaseUrl } from '../support/databases.ts';
import { engineName, record, sized, tries } from '../support/fault-figures.ts';
import { type BrowserlessClient, createBrowserlessClient, formOf } from '../support/http.ts';
import { demo } from '../support/mandate.ts';
import { authorize, introspect, pkce, postForm, tokenByCode } from '../support/oauth.ts';
import { openConsent, register, signInIfAsked } from '../support/oauth-requests.ts';
import { anAddress, basic, race, raceForms, statusesOf } from '../support/race.ts';
import type { Answer } from '../support/raw-request.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

const editor = { email: 'editor@acme.test', answers: { 'flows:edit': true, atlas: true } };
const rounds = tries(3, 200);
const behindProxy = { TRUSTED_PROXY_HOPS: '1' };

type Json = Record<string, string>;
const json = ({ text }: Answer) => JSON.parse(text) as Json;
const fallen = (answers: readonly Answer[]) => answers.filter(({ status }) => status >= 500);

const shapes = [
  { engine: 'sqlite', together: 'one node' },
  { engine: 'sqlite', together: 'two nodes' },
  { engine: 'postgres', together: 'two nodes' },
] as const;

describe.each(shapes)('$together on one database, on $engine', ({ engine, together }) => {
  let database: FreshDatabase;
  let store: Store;
  let nodes: ServerProcess[];
  let issuer: string;

  beforeAll(async () => {
    database = await freshDatabaseUrl(engine);
    const first = await startServerProcess({ databaseUrl: database.url, environment: behindProxy });
    issuer = first.issuer;
    const another = { databaseUrl: database.url, issuer, environment: behindProxy };
    nodes = together === 'one node' ? [first] : [first, await startServerProcess(another)];
    store = await openDatabase(database.url);
  }, 60_000);
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.kill()));
    await store.close();
    await database.drop();
  });

  /** Refresh tokens of one authorization that nobody has used yet. */
  const leaves = async (authorizationId: unknown) => {
    const rows = await store.db
      .selectFrom('oidc_artifacts')
      .select('key')
      .where('model', '=', 'RefreshToken')
      .where('grant_id', '=', String(authorizationId))
      .where('consumed_at', 'is', null)
      .execute();
    return rows.length;
  };
  /** Another browser at another address: hundreds of sign-ins from one are refused. */
  const somebodyElse = () => createBrowserlessClient(issuer, anAddress());
  const idOf = async (accessToken: string) =>
    String((await introspect(issuer, accessToken)).authorization_id);

  test(
    'TK-01: one of 50 redemptions of a code succeeds, and 49 are invalid_grant',
    async () => {
      for (let round = 0; round < rounds; round++) {
        const { verifier, challenge } = pkce();
        const back = await authorize(issuer, webRequest(challenge), editor, somebodyElse());
        const answers = await raceForms(nodes, 50, {
          path: '/token',
          headers: basic(demo.web),
          fields: redemption(back.searchParams.get('code') ?? '', verifier),
        });
        expect(fallen(answers)).toEqual([]);
        expect(statusesOf(answers)).toEqual({ 200: 1, 400: 49 });
        const refused = answers.filter(({ status }) => status === 400);
        expect(new Set(refused.map((one) => json(one).error))).toEqual(new Set(['invalid_grant']));
        // Losers that came after the winner's commit are replays: they may have ended what it got, never doubled it.
        const grant = grantOf(answers.find(({ status }) => status === 200));
        expect(grant).toMatch(/^az_/);
        const { tokens } = await store.db
          .selectFrom('oidc_artifacts')
          .select(({ fn }) => fn.countAll<number>().as('tokens'))
          .where('model', '=', 'AccessToken')
          .where('grant_id', '=', grant)
          .executeTakeFirstOrThrow();
        expect(Number(tokens)).toBeLessThanOrEqual(1);
      }
      record({
        id: 'R6',
        scenario: '50 redemptions of a code at once',
        target: 'one wins, in every round',
        measured: `0 violations in ${rounds} rounds`,
        engine: `${engineName(engine)}, ${together}`,
      });
    },
    sized(60_000, 900_000),
  );

  test(
    'RF-01: 50 uses of a refresh token all get the same successor, and one leaf lives',
    async () => {
      for (let round = 0; round < rounds; round++) {
        const tokens = await tokenByCode(issuer, editor, {}, somebodyElse());
        const answers = await raceForms(nodes, 50, {
          path: '/token',
          headers: basic(demo.web),
          fields: { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '' },
        });
        expect(statusesOf(answers)).toEqual({ 200: 50 });
        const successors = new Set(answers.map((one) => json(one).refresh_token));
        expect(successors.size).toBe(1);
        expect(successors.has(tokens.refresh_token)).toBe(false);
        expect(await leaves(await idOf(json(answers[0] as Answer).access_token ?? ''))).toBe(1);
        const [successor = ''] = successors;
        const next = await nodes.at(-1)?.send('/token', {
          headers: basic(demo.web),
          body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: successor }),
        });
        expect(next?.status).toBe(200);
      }
      record({
        id: 'R6',
        scenario: '50 uses of a refresh token at once: one successor, one leaf',
        target: 'one wins, in every round',
        measured: `0 violations in ${rounds} rounds`,
        engine: `${engineName(engine)}, ${together}`,
      });
    },
    sized(60_000, 900_000),
  );

  test(
    'DV-06: one of 20 polls with an approved device code succeeds, and its token stays alive',
    async () => {
      for (let round = 0; round < rounds; round++) {
        const started = await nodes[0]?.send('/device/auth', {
          body: new URLSearchParams({ client_id: demo.cli.id, scope: 'api flows:edit' }),
        });
        const { device_code = '', user_code = '' } = json(started as Answer);
        await approve(somebodyElse(), user_code);
        const answers = await raceForms(nodes, 20, {
          path: '/token',
          fields: {
            grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
            client_id: demo.cli.id,
            device_code,
          },
        });
        expect(statusesOf(answers)).toEqual({ 200: 1, 400: 19 });
        const winner = answers.find(({ status }) => status === 200) as Answer;
        expect(await introspect(issuer, json(winner).access_token ?? '')).toMatchObject({ active: true });
        const id = await idOf(json(winner).access_token ?? '');
        expect(await leaves(id)).toBe(1);
      }
      record({
        id: 'R6',
        scenario: '20 polls with an approved device code at once',
        target: 'one wins, in every round',
        measured: `0 violations in ${rounds} rounds`,
        engine: `${engineName(engine)}, ${together}`,
      });
    },
    sized(60_000, 900_000),
  );

  test('a pushed request makes one code, however many browsers answer it at once', async () => {
    const { challenge } = pkce();
    const pushed = await postForm(`${issuer}/par`, webRequest(challenge), demo.web);
    const request_uri = (JSON.parse(pushed.text) as Json).request_uri ?? '';
    const ready: { address: string; cookie: string }[] = [];
    for (let one = 0; one < 6; one++) {
      const own = somebodyElse();
      const page = await openConsent(own, { client_id: demo.web.id, request_uri });
      const decided = await own.submit(page, 'Authorize', editor.answers);
      const { pathname } = new URL(decided.location ?? 'about:blank');
      ready.push({ address: pathname, cookie: own.cookieHeader(pathname) });
    }
    const answers = await race(nodes, ready.length, (node, index) =>
      node.send(ready[index]?.address ?? '', { headers: { cookie: ready[index]?.cookie ?? '' } }),
    );
    expect(fallen(answers)).toEqual([]);
    const codes = answers.filter(({ headers }) => headers.location?.includes('code='));
    expect(codes).toHaveLength(1);
  }, 60_000);

  test(
    'a consent submitted twice at once makes one code',
    async () => {
      for (let round = 0; round < rounds; round++) {
        const { challenge } = pkce();
        const own = somebodyElse();
        const page = await openConsent(own, webRequest(challenge));
        const { target, fields } = formOf(page, 'Authorize', editor.answers);
        const posted = await race(nodes, 4, (node) =>
          node.send(target.pathname, {
            body: fields,
            headers: { cookie: own.cookieHeader(target.pathname), origin: issuer },
          }),
        );
        expect(fallen(posted)).toEqual([]);
        const onward = posted.flatMap(({ headers: { location } }) => (location ? [location] : []));
        expect(onward.length).toBeGreaterThan(0);
        const { pathname } = new URL(onward[0] ?? '', issuer);
        const resumed = await race(nodes, 8, (node) =>
          node.send(pathname, { headers: { cookie: own.cookieHeader(pathname) } }),
        );
        expect(fallen(resumed)).toEqual([]);
        expect(resumed.filter(({ headers: { location } }) => location?.includes('code='))).toHaveLength(1);
      }
    },
    sized(60_000, 900_000),
  );

  test('a client assertion is taken once', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const { body } = await register(issuer, {
      redirect_uris: ['https://tool.example/callback'],
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }] },
    });
    const clientId = String(body.client_id);
    const assertion = await new SignJWT({ jti: randomUUID() })
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .setIssuer(clientId)
      .setSubject(clientId)
      .setAudience(issuer)
      .setIssuedAt()
      .setExpirationTime('2m')
      .sign(privateKey);
    const answers = await raceForms(nodes, 20, {
      path: '/revoke',
      fields: {
        token: 'unknown',
        client_id: clientId,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
      },
    });
    expect(fallen(answers)).toEqual([]);
    expect(statusesOf(answers)[200]).toBe(1);
  });

  test('a DPoP proof is taken once', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const proof = await new SignJWT({ jti: randomUUID(), htm: 'POST', htu: `${issuer}/token` })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: await exportJWK(publicKey) })
      .setIssuedAt()
      .sign(privateKey);
    const answers = await raceForms(nodes, 20, {
      path: '/token',
      headers: { ...basic(demo.ci), dpop: proof },
      fields: { grant_type: 'client_credentials', resource: demo.api },
    });
    expect(fallen(answers)).toEqual([]);
    expect(statusesOf(answers)).toEqual({ 200: 1, 400: 19 });
  });

  async function approve(person: BrowserlessClient, userCode: string): Promise<void> {
    const entry = await person.get('/device');
    const code = entry.forms[0]?.fields.find(({ name }) => name === 'user_code')?.label ?? '';
    const confirm = await person.submit(entry, 'Continue', { [code]: userCode }, { follow: true });
    const next = await person.submit(confirm, 'Continue', {}, { follow: true });
    const done = await person.submit(await signInIfAsked(person, next), 'Authorize', editor.answers, {
      follow: true,
    });
    expect(done.status).toBe(200);
  }
});

function webRequest(challenge: string): Record<string, string> {
  return {
    client_id: demo.web.id,
    response_type: 'code',
    redirect_uri: demo.web.redirect,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    state: 'state',
    scope: 'api flows:edit',
  };
}

function redemption(code: string, verifier: string): Record<string, string> {
  return {
    grant_type: 'authorization_code',
    code,
    redirect_uri: demo.web.redirect,
    code_verifier: verifier,
  };
}

function grantOf(answer: Answer | undefined): string {
  const { authorization_details: details } = JSON.parse(answer?.text ?? '{}') as {
    authorization_details?: { type: string; identifier: string }[];
  };
  return details?.find(({ type }) => type === 'authorization')?.identifier ?? '';
}
