import { describe, expect, test } from '@jest/globals';
import { parseAssertionIssuers } from '../../../src/assertion-settings.ts';
import { readCatalogue } from '../../../src/catalogue.ts';
import { ConfigurationError } from '../../../src/config.ts';
import { ceilingOf, choiceOf, decideIndicator, mayReach } from '../../../src/oauth/assertion-choice.ts';
import {
  type Asserted,
  decideAssertion,
  decideIssuer,
  readAssertion,
} from '../../../src/oauth/assertion-decision.ts';
import type { AssertionIssuer } from '../../../src/oauth/assertion-issuer.ts';
import { type AssertionRefusal, errorOf } from '../../../src/oauth/assertion-refusal.ts';
import type { Live, World } from '../../../src/policy/vocabulary.ts';
import { shippedFiles } from '../../../src/shipped-files.ts';

const catalogue = readCatalogue(shippedFiles().capabilities);
const minimal = `
issuers:
  - name: acme
    label: Acme
    issuer: https://login.acme.example
    clients: [assistant]
    capabilities: [mcp]
    resources: [https://mcp.acme.example/atlas]
`;

describe('the file of issuers', () => {
  const read = (text: string, production = true) =>
    parseAssertionIssuers(text, {
      origin: 'file',
      production,
      issuer: 'https://id.acme.example',
      capabilities: catalogue.keys(),
    });
  const problemsOf = async (text: string) => {
    try {
      await read(text);
      return [];
    } catch (error) {
      if (error instanceof ConfigurationError) return error.problems;
      throw error;
    }
  };
  const key =
    '{kty: EC, crv: P-256, x: f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU, y: x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0}';

  test('hands over nothing that is not named', async () => {
    expect(await read(minimal)).toEqual([
      {
        name: 'acme',
        label: 'Acme',
        issuer: 'https://login.acme.example',
        keys: { kind: 'discovered' },
        clients: ['assistant'],
        emailDomains: [],
        capabilities: ['mcp'],
        resources: ['https://mcp.acme.example/atlas'],
        tokenSeconds: 3_600,
      },
    ]);
  });

  test('may name where the keys are, or the keys', async () => {
    const [addressed] = await read(`${minimal}    jwks_uri: https://login.acme.example/keys\n`);
    expect(addressed?.keys).toEqual({ kind: 'address', uri: 'https://login.acme.example/keys' });
    const [fixed] = await read(`${minimal}    jwks: {keys: [${key}]}\n`);
    expect(fixed?.keys).toMatchObject({ kind: 'fixed', jwks: { keys: [{ kty: 'EC' }] } });
  });

  test.each([
    ['no client', minimal.replace('[assistant]', '[]'), 'issuers.0.clients'],
    ['no capability', minimal.replace('[mcp]', '[]'), 'issuers.0.capabilities'],
    [
      'no resource',
      minimal.replace('    resources: [https://mcp.acme.example/atlas]\n', ''),
      'issuers.0.resources',
    ],
    ['a capability that there is not', minimal.replace('[mcp]', '[mcp, all]'), 'there is no capability all'],
    ['the right to administer', minimal.replace('[mcp]', '["mandate:admin"]'), 'never handed over'],
    ['an issuer without TLS', minimal.replace('https://login', 'http://login'), 'production needs https'],
    ['this server itself', minimal.replace('login.acme', 'id.acme'), 'is this server itself'],
    ['one twice', `${minimal}${minimal.replace('\nissuers:\n', '')}`, 'another one has this name'],
    ['a resource with a fragment', minimal.replace('/atlas', '/atlas#x'), 'address of a resource'],
    ['a token that lives for a day', `${minimal}    token_seconds: 86400\n`, 'token_seconds'],
    ['a domain with an @', `${minimal}    email_domains: ['@acme.example']\n`, 'must be a domain'],
    ['an unknown setting', `${minimal}    trust_everything: true\n`, 'trust_everything'],
    [
      'keys twice',
      `${minimal}    jwks_uri: https://a.example\n    jwks: {keys: [${key}]}\n`,
      'at most one of',
    ],
    ['a private key', `${minimal}    jwks: {keys: [{kty: EC, crv: P-256, x: a, y: b, d: c}]}\n`, 'private'],
    ['no YAML', '{', 'is not YAML'],
  ])('%s: says which and stops', async (_, text, problem) => {
    expect((await problemsOf(text)).join('\n')).toContain(problem);
  });
});

const issuer: AssertionIssuer = {
  name: 'acme',
  label: 'Acme',
  issuer: 'https://login.acme.example',
  keys: { kind: 'discovered' },
  clients: ['assistant'],
  emailDomains: [],
  capabilities: ['mcp', 'api', 'apps:admin', 'flows:edit', 'secrets:edit'],
  resources: ['https://mcp.acme.example/atlas', 'https://api.acme.example'],
  tokenSeconds: 3_600,
};

describe('whose an assertion is', () => {
  const sent = {
    algorithm: 'ES256',
    type: 'oauth-id-jag+jwt',
    claims: { iss: 'https://login.acme.example' },
  };

  test.each([
    ['one for this', sent, 'issuer'],
    ['its type in another spelling', { ...sent, type: 'application/OAuth-ID-JAG+jwt' }, 'issuer'],
    ['an unknown issuer', { ...sent, claims: { iss: 'https://login.acme.example/' } }, 'issuer_unknown'],
    ['no issuer', { ...sent, claims: {} }, 'issuer_unknown'],
    ['an ID token', { ...sent, type: 'JWT' }, 'wrong_type'],
    ['a client assertion', { ...sent, type: undefined }, 'wrong_type'],
    ['a shared secret', { ...sent, algorithm: 'HS256' }, 'wrong_algorithm'],
    ['no signature', { ...sent, algorithm: 'none' }, 'wrong_algorithm'],
  ])('%s', (_, read, kind) => {
    expect(decideIssuer(read, [issuer], 'assistant').kind).toBe(kind);
  });

  test('a client that is not listed learns it before anything is asked of the issuer', () => {
    expect(decideIssuer(sent, [issuer], 'other')).toMatchObject({ kind: 'client_not_listed' });
  });

  test.each(['', 'a.b.c', 'x'.repeat(20_000), undefined, ['a', 'b']])('%p is no JWT', (text) => {
    expect(readAssertion(text)).toBeUndefined();
  });
});

describe('what an assertion claims', () => {
  const now = 1_790_000_000;
  const claims = {
    iss: 'https://login.acme.example',
    sub: 'U1',
    aud: 'https://id.acme.example',
    client_id: 'assistant',
    jti: 'j1',
    iat: now,
    exp: now + 300,
  };
  const here = { issuer: 'https://id.acme.example', clientId: 'assistant', jkt: undefined, now };
  const kindOf = (changed: object) => decideAssertion({ ...claims, ...changed }, here).kind;

  test.each<[string, object, string]>([
    ['all of it', {}, 'asserted'],
    ['a list of one audience', { aud: ['https://id.acme.example'] }, 'asserted'],
    ['a list of two', { aud: ['https://id.acme.example', 'x'] }, 'malformed'],
    ['the issuer with a slash', { aud: 'https://id.acme.example/' }, 'wrong_audience'],
    ['another client', { client_id: 'x' }, 'other_client'],
    ['an end within tolerance', { exp: now - 29 }, 'asserted'],
    ['an end that is over', { exp: now - 30 }, 'expired'],
    ['an end far away', { exp: now + 3_631 }, 'too_long'],
    ['a beginning within tolerance', { iat: now + 30 }, 'asserted'],
    ['a beginning to come', { iat: now + 31 }, 'not_yet'],
    ['not before later', { nbf: now + 31 }, 'not_yet'],
    ['a key that is not proven', { cnf: { jkt: 'k' } }, 'other_key'],
    ['an end that is a text', { exp: String(now) }, 'malformed'],
    ['an empty subject', { sub: '' }, 'malformed'],
    ['a blank scope', { scope: ' ' }, 'malformed'],
    ['details that are a text', { authorization_details: '[]' }, 'malformed'],
  ])('%s', (_, changed, kind) => {
    expect(kindOf(changed)).toBe(kind);
  });

  test('an address counts only where it was verified', () => {
    const email = 'ada@acme.example';
    const said = (changed: object) => decideAssertion({ ...claims, ...changed }, here);
    expect(said({ email })).toMatchObject({ asserted: { email: undefined } });
    expect(said({ email, email_verified: false })).toMatchObject({ asserted: { email: undefined } });
    expect(said({ email, email_verified: true })).toMatchObject({ asserted: { email } });
  });

  test.each([
    ['in full-width letters', '\uff41da@acme.example'],
    ['with the sign for Kelvin', '\u212aate@acme.example'],
    ['with a ligature', '\ufb01ona@acme.example'],
    ['after a blank', ' ada@acme.example'],
    ['with two domains', 'ada@elsewhere.example@acme.example'],
  ])('an address %s, which would be folded into another one, is none', (_, email) => {
    const said = decideAssertion({ ...claims, email, email_verified: true }, here);
    expect(said).toMatchObject({ kind: 'asserted', asserted: { email: undefined } });
  });

  test('a key that is proven counts', () => {
    expect(decideAssertion({ ...claims, cnf: { jkt: 'k' } }, { ...here, jkt: 'k' }).kind).toBe('asserted');
  });
});

describe('which resource', () => {
  const [mcp, api] = issuer.resources as [string, string];
  test.each<[string[], string[], string | undefined]>([
    [[mcp], [], mcp],
    [[mcp], [`${mcp}/`], `${mcp}/`],
    [[mcp], [mcp, `${mcp}/`, mcp], mcp],
    [[mcp, api], [api], api],
    [[], [api], api],
    [[], [], undefined],
    [[mcp, api], [], 'not_one'],
    [[mcp], [mcp, api], 'not_one'],
    [[mcp], [api], 'not_asserted'],
  ])('asserted %j, requested %j: %s', (asserted, requested, expected) => {
    const found = decideIndicator(asserted, requested);
    expect('why' in found ? found.why : 'indicator' in found && found.indicator).toBe(expected);
  });
});

describe('where an issuer may hand anything over', () => {
  const resources = ['https://mcp.acme.example/atlas', 'https://api.acme.example/?tenant=1'];
  test.each([
    ['https://mcp.acme.example/atlas', true],
    ['https://mcp.acme.example/atlas/', true],
    ['https://mcp.acme.example/borealis', false],
    ['https://api.acme.example/?tenant=1', true],
    ['https://api.acme.example/?tenant=2', false],
  ])('%s: %s', (uri, may) => {
    expect(mayReach({ ...issuer, resources }, uri)).toBe(may);
  });
});

describe('how far a token goes', () => {
  test.each<[string[] | undefined, string[], string]>([
    [undefined, [], 'mcp api apps:view apps:admin flows:edit secrets:edit'],
    [['mcp'], [], 'mcp'],
    [['apps:admin'], [], 'apps:view apps:admin'],
    [['mcp', 'endpoints:access', 'openid'], [], 'mcp'],
    [['mcp', 'api'], ['api', 'openid'], 'api'],
    [['mcp'], ['openid'], 'mcp'],
    [undefined, ['flows:edit'], 'flows:edit'],
    [['mcp'], ['api'], ''],
    [['openid'], [], ''],
  ])('asserted %j, requested %j: %s', (asserted, requested, expected) => {
    expect(ceilingOf(asserted, requested, issuer, catalogue).toSorted()).toEqual(
      expected.split(' ').filter(Boolean).toSorted(),
    );
  });
});

describe('what is handed over', () => {
  const role = (slug: string, ...permissions: string[]) => ({
    slug,
    name: slug,
    permissions: new Set(permissions),
  });
  const world: World = {
    catalogue,
    projects: new Map([['prj_1', { slug: 'atlas', name: 'Atlas' }]]),
    mcpServers: new Map([
      ['mcp_1', { name: 'a', project: 'prj_1', resource: 'https://mcp.acme.example/atlas', enabled: true }],
      ['mcp_2', { name: 'b', project: 'prj_1', resource: 'https://mcp.acme.example/other', enabled: true }],
    ]),
    roles: new Map([
      ['rol_1', role('admin', 'mcp', 'flows:edit', 'secrets:edit')],
      ['rol_2', role('editor', 'mcp', 'flows:edit')],
      ['rol_3', role('viewer', 'mcp')],
    ]),
  };
  const live: Live = {
    status: 'active',
    organization: new Set(['mcp', 'api', 'apps:admin', 'flows:edit', 'secrets:edit']),
    projects: new Map(),
  };
  const nothing: Asserted = {
    subject: 'U1',
    jti: 'j',
    expiresAt: 0,
    email: undefined,
    resources: [],
    scope: undefined,
    details: [],
  };
  const server = { uri: 'https://mcp.acme.example/atlas', mcpServer: 'mcp_1', administration: false };
  const api = { uri: 'https://api.acme.example', mcpServer: undefined, administration: false };
  const choose = (asserted: Partial<Asserted>, audience: typeof server | typeof api = server) =>
    choiceOf({ ...nothing, ...asserted }, issuer, audience, { live, world });

  test('for an MCP server without a scope: calling it', () => {
    expect(choose({})).toEqual({ capabilities: ['mcp'], projects: [], mcpServers: ['mcp_1'] });
  });

  test('for an API without a scope: what is not sensitive, and no project', () => {
    const { capabilities, projects, mcpServers } = choose({}, api);
    expect(capabilities).toEqual(['api', 'flows:edit']);
    expect([projects, mcpServers]).toEqual([[], []]);
  });

  test('with a scope: what it names and the issuer may hand over', () => {
    expect(choose({ scope: ['secrets:edit', 'endpoints:access', 'api'] }, api).capabilities).toEqual([
      'api',
      'secrets:edit',
    ]);
  });

  test.each<[string, object, string[]]>([
    ['a project by its slug', { identifier: 'atlas', roles: ['viewer'] }, ['rol_3']],
    ['a project by its id', { identifier: 'prj_1', roles: ['rol_1'] }, ['rol_1']],
    ['no role: the weakest that is enough', { slug: 'atlas' }, ['rol_2']],
    ['a role that there is not', { identifier: 'atlas', roles: ['king'] }, []],
  ])('details: %s', (_, detail, roles) => {
    const { projects } = choose({ scope: ['flows:edit'], details: [{ type: 'project', ...detail }] }, api);
    expect(projects).toEqual([{ id: 'prj_1', roles }]);
  });

  test('details: a server that is not the issuer’s to hand over is left out', () => {
    const details = [
      { type: 'mcp_server', identifier: 'mcp_1' },
      { type: 'mcp_server', locations: ['https://mcp.acme.example/other'] },
      { type: 'payment', identifier: 'mcp_2' },
    ];
    expect(choose({ details }, api).mcpServers).toEqual(['mcp_1']);
  });
});

describe('what /token answers', () => {
  const page = 'https://id.acme.example/account/authorizations/az_1';
  test.each<[AssertionRefusal, string, number]>([
    [{ kind: 'nobody_trusted' }, 'unsupported_grant_type', 400],
    [{ kind: 'client_not_confidential' }, 'unauthorized_client', 400],
    [{ kind: 'client_not_listed', issuer: 'https://a.example' }, 'unauthorized_client', 400],
    [{ kind: 'not_a_jwt' }, 'invalid_request', 400],
    [{ kind: 'issuer_unknown' }, 'invalid_grant', 400],
    [{ kind: 'keys_unavailable', issuer: 'https://a.example' }, 'temporarily_unavailable', 503],
    [{ kind: 'malformed', claim: 'jti"\\' }, 'invalid_grant', 400],
    [{ kind: 'replayed' }, 'invalid_grant', 400],
    [{ kind: 'subject_unknown' }, 'invalid_grant', 400],
    [{ kind: 'wrong_resource', why: 'not_listed' }, 'invalid_target', 400],
    [{ kind: 'ended', page }, 'invalid_grant', 400],
    [{ kind: 'authorization_suspended' }, 'access_denied', 400],
    [{ kind: 'too_old', page }, 'invalid_grant', 400],
    [{ kind: 'client_not_permitted' }, 'access_denied', 400],
    [{ kind: 'nothing_left', awaitsApproval: true }, 'invalid_scope', 400],
  ])('%j: %s', (refusal, error, status) => {
    const made = errorOf(refusal);
    expect([made.error, made.statusCode, made.expose]).toEqual([error, status, true]);
    expect(made.error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
  });
});
