/**
 * An organization's identity provider hands over in its people's place (ID-JAG, MCP enterprise-managed authorization): what it can set
 * up, what its assertions have to be like, and that whoever it is about keeps the last word.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { movableClock } from '../support/clock.ts';
import { engines } from '../support/databases.ts';
import { makeProof, proofKey } from '../support/dpop.ts';
import {
  assertionGrant,
  assistant,
  type IdentityProvider,
  type Minted,
  startIdentityProvider,
  trustIn,
} from '../support/identity-provider.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, introspect } from '../support/oauth.ts';
import { register } from '../support/oauth-requests.ts';

const actor = { id: 'command' };
const here = assistant.here;

describe.each(engines)('identity assertions, on %s', (engine) => {
  let mandate: TestMandate;
  let idp: IdentityProvider;
  const clock = movableClock();

  beforeAll(async () => {
    idp = await startIdentityProvider(clock);
    mandate = await startMandate({
      engine,
      clock,
      assertionIssuers: [trustIn(idp.issuer), trustIn('https://other.example', { name: 'other' })],
    });
    idp.audience = mandate.issuer;
    await registerAssistant(here.id);
    await link('editor@acme.test', 'alice');
  });
  afterAll(async () => {
    await idp.stop();
    await mandate.stop();
  });

  async function registerAssistant(id: string, metadata: Record<string, unknown> = {}) {
    await mandate.stores.clients.saveRegistered(actor, {
      id,
      metadata: {
        client_name: 'Assistant',
        redirect_uris: [],
        response_types: [],
        grant_types: [assertionGrant],
        token_endpoint_auth_method: 'client_secret_basic',
        ...metadata,
      },
      secret: here.secret,
    });
  }
  async function userId(email: string) {
    return (await mandate.stores.users.findByEmail(email))?.id ?? '';
  }
  async function link(email: string, subject: string) {
    const identity = { issuer: idp.issuer, subject, email, name: undefined };
    const id = await userId(email);
    await mandate.store.transact((trx) => mandate.stores.upstreamAccounts.link(trx, actor, id, identity));
  }
  async function present(
    minted: Minted | string = {},
    fields: Record<string, string> = {},
    basic: { id: string; secret: string } = here,
    headers: Record<string, string> = {},
  ) {
    const assertion = typeof minted === 'string' ? minted : await idp.mint(minted);
    return askToken(mandate.issuer, { grant_type: assertionGrant, assertion, ...fields }, basic, headers);
  }
  const said = ({ status, body }: Awaited<ReturnType<typeof present>>) => [status, body.error];

  test('what is asserted for an MCP server is set up without a question, and introspects', async () => {
    const { status, body } = await present();
    expect([status, body.scope, body.token_type, body.expires_in]).toEqual([200, 'mcp', 'Bearer', 3_600]);
    expect(body.refresh_token).toBeUndefined();
    expect(await introspect(mandate.issuer, body.access_token ?? '', demo.mcpServer)).toMatchObject({
      active: true,
      client_id: here.id,
      username: 'editor@acme.test',
      aud: demo.atlasFlows,
      scope: 'mcp',
    });
  });

  test.each<[string, Minted, string]>([
    ['another audience', { claims: { aud: 'https://elsewhere.example' } }, 'invalid_grant'],
    ['two audiences', { claims: { aud: ['x', 'y'] } }, 'invalid_grant'],
    ['our token endpoint as its audience', { claims: { aud: 'MANDATE/token' } }, 'invalid_grant'],
    ['the type of an ID token', { header: { typ: 'JWT' } }, 'invalid_grant'],
    ['no type', { header: { typ: undefined } }, 'invalid_grant'],
    ['a shared secret', { secret: here.secret }, 'invalid_grant'],
    ['a key that its issuer does not publish', { foreignKey: true }, 'invalid_grant'],
    ['an issuer that nobody trusts', { claims: { iss: 'https://evil.example' } }, 'invalid_grant'],
    ['another trusted issuer', { claims: { iss: 'https://other.example' } }, 'temporarily_unavailable'],
    ['another client', { claims: { client_id: 'acme-web' } }, 'invalid_grant'],
    ['no client', { claims: { client_id: undefined } }, 'invalid_grant'],
    ['no subject', { claims: { sub: undefined } }, 'invalid_grant'],
    ['no jti', { claims: { jti: undefined } }, 'invalid_grant'],
    ['no end', { claims: { exp: undefined } }, 'invalid_grant'],
    ['a scope that is a list', { claims: { scope: ['mcp'] } }, 'invalid_grant'],
    ['a subject that has no account here', { claims: { sub: 'nobody' } }, 'invalid_grant'],
    ['a resource that there is not', { claims: { resource: 'https://unknown.example/' } }, 'invalid_target'],
    ['a resource that is not the issuer’s', { claims: { resource: demo.borealisReports } }, 'invalid_target'],
    ['Mandate’s own API', { claims: { resource: 'MANDATE/api/v1' } }, 'invalid_target'],
    ['two resources', { claims: { resource: [demo.atlasFlows, demo.api] } }, 'invalid_target'],
    ['a scope beyond the issuer', { claims: { scope: 'secrets:edit' } }, 'invalid_scope'],
    ['a scope that there is not', { claims: { scope: 'openid everything' } }, 'invalid_scope'],
  ])('%s: refused, and nothing is set up', async (_, minted, error) => {
    const claims = JSON.parse(
      JSON.stringify(minted.claims ?? {}, (_key, value) => (value === undefined ? null : value)).replaceAll(
        'MANDATE',
        mandate.issuer,
      ),
    ) as Record<string, unknown>;
    for (const [name, value] of Object.entries(claims)) if (value === null) claims[name] = undefined;
    const before = await standing();
    const answer = await present({ ...minted, claims });
    expect(said(answer)).toEqual([error === 'temporarily_unavailable' ? 503 : 400, error]);
    expect(String(answer.body.error_description)).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
    expect(await standing()).toEqual(before);
  });

  async function standing() {
    const rows = await mandate.store.db.selectFrom('authorizations').select('id').orderBy('id').execute();
    return rows.map(({ id }) => id);
  }

  test('alg none, and what is no JWT, are refused', async () => {
    const [, payload] = (await idp.mint()).split('.');
    const header = Buffer.from(JSON.stringify({ alg: 'none', typ: 'oauth-id-jag+jwt' })).toString(
      'base64url',
    );
    expect(said(await present(`${header}.${payload}.`))).toEqual([400, 'invalid_grant']);
    expect(said(await present('nonsense'))).toEqual([400, 'invalid_request']);
    expect(said(await present(''))).toEqual([400, 'invalid_request']);
  });

  test('one that has expired, is of the future or is good for too long is refused', async () => {
    const now = clock.now();
    expect(said(await present({ claims: { exp: now - 31 } }))).toEqual([400, 'invalid_grant']);
    expect(said(await present({ claims: { exp: now - 1 } }))).toEqual([200, undefined]);
    expect(said(await present({ claims: { iat: now + 120 } }))).toEqual([400, 'invalid_grant']);
    expect(said(await present({ claims: { nbf: now + 120 } }))).toEqual([400, 'invalid_grant']);
    expect(said(await present({ claims: { exp: now + 2 * 3_600 } }))).toEqual([400, 'invalid_grant']);
  });

  test('it is taken once, also of eight at once', async () => {
    const assertion = await idp.mint();
    const answers = await Promise.all(Array.from({ length: 8 }, () => present(assertion)));
    const statuses = answers.map(({ status }) => status).toSorted();
    expect(statuses).toEqual([200, ...Array<number>(7).fill(400)]);
    expect(said(await present(assertion))).toEqual([400, 'invalid_grant']);
  });

  test('first assertions that come at once set up one authorization', async () => {
    await link('viewer@acme.test', 'victor');
    const minted = { claims: { sub: 'victor' } };
    const answers = await Promise.all(Array.from({ length: 6 }, () => present(minted)));
    expect(answers.map(({ status }) => status)).toEqual(Array<number>(6).fill(200));
    const rows = await mandate.stores.authorizations.listByUser(await userId('viewer@acme.test'));
    expect(rows.filter(({ clientId }) => clientId === here.id)).toHaveLength(1);
  });

  test('clients that no administrator registered, public ones and unlisted ones may not, whatever they ask for', async () => {
    const { body } = await register(mandate.issuer, {
      client_name: 'Stranger',
      redirect_uris: ['http://127.0.0.1/callback'],
      grant_types: ['authorization_code', assertionGrant],
      token_endpoint_auth_method: 'client_secret_basic',
    });
    expect(body.grant_types).not.toContain(assertionGrant);
    const stranger = { id: String(body.client_id), secret: String(body.client_secret) };
    const claims = { client_id: stranger.id };
    expect(said(await present({ claims }, {}, stranger))).toEqual([400, 'unauthorized_client']);

    // Not even one that had the grant in its metadata.
    await mandate.stores.clients.saveDynamic(actor, {
      id: 'dcr_planted',
      metadata: {
        redirect_uris: ['https://a.example/cb'],
        grant_types: [assertionGrant],
        response_types: [],
        token_endpoint_auth_method: 'client_secret_basic',
      },
      secret: here.secret,
    });
    const planted = { id: 'dcr_planted', secret: here.secret };
    expect(said(await present({ claims: { client_id: planted.id } }, {}, planted))).toEqual([
      400,
      'unauthorized_client',
    ]);

    await registerAssistant('acme-other');
    const other = { id: 'acme-other', secret: here.secret };
    expect(said(await present({ claims: { client_id: other.id } }, {}, other))).toEqual([
      400,
      'unauthorized_client',
    ]);
    expect(said(await present({}, {}, { id: here.id, secret: 'wrong' }))).toEqual([401, 'invalid_client']);
  });

  test('the request narrows, and never goes beyond what is asserted', async () => {
    const claims = { resource: demo.api, scope: 'api flows:edit' };
    const narrowed = await present({ claims }, { scope: 'api' });
    expect([narrowed.status, narrowed.body.scope]).toEqual([200, 'api']);
    const { scope } = await introspect(mandate.issuer, narrowed.body.access_token ?? '');
    expect(scope).toBe('api');
    expect(said(await present({ claims }, { scope: 'mcp' }))).toEqual([400, 'invalid_scope']);
    expect(said(await present({ claims }, { resource: demo.atlasFlows }))).toEqual([400, 'invalid_target']);
    expect(said(await present({ claims }, { resource: `${demo.api}/` }))).toEqual([200, undefined]);
  });

  test('authorization details pick projects, with the weakest role that is enough where they name none', async () => {
    await link('owner@acme.test', 'olga');
    const claims = {
      sub: 'olga',
      resource: demo.api,
      scope: 'api flows:edit',
      authorization_details: [
        { type: 'project', identifier: 'atlas' },
        { type: 'project', identifier: 'cygnus', roles: ['viewer'] },
        { type: 'project', identifier: 'nowhere' },
        { type: 'mcp_server', locations: [demo.borealisReports] },
      ],
    };
    const { body } = await present({ claims });
    expect(body.scope).toBe('api flows:edit');
    expect(body.authorization_details).toEqual([
      expect.objectContaining({ type: 'authorization' }),
      expect.objectContaining({ type: 'project', slug: 'atlas', roles: ['editor'], actions: ['flows:edit'] }),
      expect.objectContaining({ type: 'project', slug: 'cygnus', actions: [] }),
    ]);
  });

  test('an assertion that is bound to a key needs its proof, and the token is bound to it', async () => {
    const key = await proofKey();
    const prove = () =>
      makeProof(key, {
        method: 'POST',
        url: `${mandate.issuer}/token`,
        accessToken: '',
        now: Math.floor(performance.timeOrigin / 1_000 + performance.now() / 1_000),
        claims: { ath: undefined },
      });
    const plain = await present({}, {}, here, { DPoP: await prove() });
    expect([plain.status, plain.body.token_type]).toEqual([200, 'DPoP']);
    const answer = await introspect(mandate.issuer, plain.body.access_token ?? '', demo.mcpServer);
    const { jkt } = answer.cnf as { jkt: string };
    const bound = { claims: { cnf: { jkt } } };
    expect((await present(bound, {}, here, { DPoP: await prove() })).status).toBe(200);
    expect(said(await present(bound))).toEqual([400, 'invalid_grant']);
    const other = { claims: { cnf: { jkt: 'x'.repeat(43) } } };
    expect(said(await present(other, {}, here, { DPoP: await prove() }))).toEqual([400, 'invalid_grant']);
  });

  test('narrowing and widening on the page show at once, within what was asserted; an assertion widens nothing', async () => {
    await link('admin@acme.test', 'adam');
    const claims = { sub: 'adam', resource: demo.api, scope: 'api flows:edit' };
    const { body } = await present({ claims });
    const { body: less } = await present({ claims: { ...claims, scope: 'api' } });
    const [{ identifier: id = '' } = {}] = body.authorization_details as { identifier?: string }[];
    const live = async (token = body.access_token) =>
      (await introspect(mandate.issuer, token ?? '')).scope ?? 'nothing';
    const edit = async (capabilities: string[], projects: { id: string; roles: string[] }[] = []) => {
      const found = await mandate.stores.authorizations.find(id);
      if (!found) throw new Error('it is not there');
      const content = { ...found, capabilities, projects };
      const { outcome } = await mandate.stores.authorizationEditor.edit(actor, id, found.version, content);
      expect(outcome).toBe('done');
    };
    expect([await live(), await live(less.access_token)]).toEqual(['api', 'api']);
    const atlas = (await mandate.stores.projects.findBySlug('atlas'))?.id ?? '';
    const editor = (await mandate.stores.roles.findBySlug('editor'))?.id ?? '';
    await edit(['api', 'flows:edit'], [{ id: atlas, roles: [editor] }]);
    expect([await live(), await live(less.access_token)]).toEqual(['api flows:edit', 'api']);
    await edit(['flows:edit'], [{ id: atlas, roles: [editor] }]);
    expect(await live(less.access_token)).toBe('nothing');
    // What its owner took away stays away, however often it is asserted.
    expect((await present({ claims })).body.scope).toBe('flows:edit');
    expect(said(await present({ claims: { ...claims, scope: 'api' } }))).toEqual([400, 'invalid_scope']);
  });

  test('a pause is a pause, an end is a lasting no until its owner allows it again', async () => {
    await link('analyst@acme.test', 'anna');
    const claims = { sub: 'anna', resource: demo.api, scope: 'api' };
    const { body } = await present({ claims });
    const [{ identifier: id = '' } = {}] = body.authorization_details as { identifier?: string }[];
    const active = async () => (await introspect(mandate.issuer, body.access_token ?? '')).active;
    await mandate.stores.authorizations.suspend(actor, id);
    expect(await active()).toBe(false);
    expect(said(await present({ claims }))).toEqual([400, 'access_denied']);
    await mandate.stores.authorizations.resume(actor, id);
    expect(await active()).toBe(true);
    expect(said(await present({ claims }))).toEqual([200, undefined]);

    await mandate.stores.authorizations.revoke(actor, id);
    expect(await active()).toBe(false);
    const refused = await present({ claims });
    expect(said(refused)).toEqual([400, 'invalid_grant']);
    expect(refused.body.error_description).toContain(`${mandate.issuer}/account/authorizations/${id}`);
  });

  test('nothing is handed over of a suspended account', async () => {
    await link('ci@acme.test', 'robot');
    // A service account is nobody that an identity provider speaks for.
    expect(said(await present({ claims: { sub: 'robot' } }))).toEqual([400, 'invalid_grant']);
    const id = await userId('viewer@acme.test');
    const { body } = await present({ claims: { sub: 'victor' } });
    await mandate.stores.users.suspend(actor, id);
    expect(said(await present({ claims: { sub: 'victor' } }))).toEqual([400, 'invalid_grant']);
    expect(await introspect(mandate.issuer, body.access_token ?? '', demo.mcpServer)).toEqual({
      active: false,
    });
    await mandate.stores.users.resume(actor, id);
  });

  test('keys that changed are asked for after a minute; while the provider is down the last good ones count', async () => {
    const old = await idp.mint();
    await idp.rotate();
    clock.advance(61);
    expect(said(await present())).toEqual([200, undefined]);
    expect(said(await present(old))).toEqual([400, 'invalid_grant']);
    for (const state of ['down', 'broken'] as const) {
      idp.state = state;
      clock.advance(61);
      expect(said(await present())).toEqual([200, undefined]);
    }
    clock.advance(2 * 86_400);
    // Not invalid_grant or invalid_client, on which tools forget what they have.
    expect(said(await present())).toEqual([503, 'temporarily_unavailable']);
    idp.state = 'well';
    clock.advance(16);
    expect(said(await present())).toEqual([200, undefined]);
  });

  test('the metadata says that assertions are taken', async () => {
    const response = await fetch(`${mandate.issuer}/.well-known/oauth-authorization-server`);
    const metadata = (await response.json()) as Record<string, unknown>;
    expect(metadata.authorization_grant_profiles_supported).toEqual([
      'urn:ietf:params:oauth:grant-profile:id-jag',
    ]);
    expect(metadata.grant_types_supported).toContain(assertionGrant);
  });

  test('everything is on record, by the issuer', async () => {
    const rows = await mandate.store.db
      .selectFrom('changes')
      .select(['action', 'subject', 'after'])
      .where('actor', '=', 'issuer:acme')
      .execute();
    expect(new Set(rows.map(({ subject, action }) => `${subject} ${action}`))).toEqual(
      new Set(['authorization created']),
    );
  });
});

describe('a server that trusts no issuer', () => {
  let mandate: TestMandate;
  beforeAll(async () => {
    mandate = await startMandate();
  });
  afterAll(() => mandate.stop());

  test('takes no assertion, and does not say that it would', async () => {
    const response = await fetch(`${mandate.issuer}/.well-known/oauth-authorization-server`);
    const metadata = (await response.json()) as Record<string, unknown>;
    expect(metadata.grant_types_supported).not.toContain(assertionGrant);
    expect(metadata).not.toHaveProperty('authorization_grant_profiles_supported');
    await mandate.stores.clients.saveRegistered(actor, {
      id: here.id,
      metadata: {
        redirect_uris: [],
        response_types: [],
        grant_types: [assertionGrant],
        token_endpoint_auth_method: 'client_secret_basic',
      },
      secret: here.secret,
    });
    const answer = await askToken(mandate.issuer, { grant_type: assertionGrant, assertion: 'a.b.c' }, here);
    expect([answer.status, answer.body.error]).toEqual([400, 'unsupported_grant_type']);
  });
});
