import { describe, expect, test } from '@jest/globals';
import { ConfigurationError } from '../../../src/config.ts';
import { decideUpstream, type KnownAccount } from '../../../src/sign-in/upstream-decision.ts';
import type { UpstreamIdentity, UpstreamProvider } from '../../../src/sign-in/upstream-provider.ts';
import { parseUpstreamProviders } from '../../../src/upstream-settings.ts';

const minimal = `
providers:
  - name: acme
    label: Acme
    issuer: https://login.acme.example
    client_id: mandate
    client_secret: s3cret
`;

describe('the file of providers', () => {
  const read = (text: string, production = true) =>
    parseUpstreamProviders(text, { origin: 'file', production, readSecret: (file) => `of ${file}` });
  const problemsOf = (text: string, production = true) => {
    try {
      read(text, production);
      return [];
    } catch (error) {
      if (error instanceof ConfigurationError) return error.problems;
      throw error;
    }
  };

  test('opens nothing that is not asked for', () => {
    expect(read(minimal)).toEqual([
      {
        name: 'acme',
        label: 'Acme',
        issuer: 'https://login.acme.example',
        clientId: 'mandate',
        clientSecret: 's3cret',
        scopes: ['openid', 'email', 'profile'],
        newAccountsFrom: [],
        trustsEmail: false,
        trustsMultiFactor: false,
        multiFactorAcr: [],
      },
    ]);
  });

  test('may leave the secret to a file of its own', () => {
    const [provider] = read(
      minimal.replace('client_secret: s3cret', 'client_secret_file: /run/secrets/acme'),
    );
    expect(provider?.clientSecret).toBe('of /run/secrets/acme');
  });

  test.each([
    ['no secret', minimal.replace('client_secret: s3cret', ''), 'needs one of client_secret'],
    ['two secrets', `${minimal}    client_secret_file: x\n`, 'needs one of client_secret'],
    ['an issuer without TLS', minimal.replace('https:', 'http:'), 'needs an https issuer'],
    ['no openid', `${minimal}    scopes: [email]\n`, 'scopes must have openid'],
    ['an unknown setting', `${minimal}    trust_everything: true\n`, 'trust_everything'],
    ['a domain with an @', `${minimal}    new_accounts_from: ['@acme.example']\n`, 'must be a domain'],
    ['a name that no address holds', minimal.replace('name: acme', 'name: Acme/1'), 'lower case'],
    ['one provider twice', minimal + minimal.replace('providers:', ''), 'another one has this name'],
    ['no providers', 'providers: []', 'providers'],
  ])('is refused with %s', (_, text, problem) => {
    expect(problemsOf(text).join('\n')).toContain(problem);
    expect(problemsOf(text).join('\n')).not.toContain('s3cret');
  });

  test('is not quoted when it is not YAML, because it holds secrets', () => {
    expect(problemsOf('providers: [s3cret: {')).toEqual(['file: is not YAML']);
  });

  test('may name an issuer without TLS outside production', () => {
    expect(problemsOf(minimal.replace('https:', 'http:'), false)).toEqual([]);
  });
});

describe('what a sign-in elsewhere opens', () => {
  const [careful] = parseUpstreamProviders(minimal, { origin: '', production: true, readSecret: () => '' });
  const provider = careful as UpstreamProvider;
  const identity: UpstreamIdentity = {
    issuer: 'https://login.acme.example',
    subject: '1',
    email: 'ada@acme.example',
    emailVerified: true,
    name: 'Ada',
    authenticatedAt: undefined,
    methods: [],
    contextClass: undefined,
  };
  const account = (more: Partial<KnownAccount> = {}): KnownAccount => ({
    id: 'usr_1',
    kind: 'person',
    status: 'active',
    ...more,
  });
  const trusting = { ...provider, trustsEmail: true, newAccountsFrom: ['acme.example'] };

  test.each<
    [
      string,
      UpstreamProvider,
      Partial<UpstreamIdentity>,
      Partial<Record<'linked' | 'sameEmail', KnownAccount>>,
      string,
    ]
  >([
    ['the account that is linked', provider, {}, { linked: account() }, 'sign_in'],
    [
      'nothing for one that is suspended',
      provider,
      {},
      { linked: account({ status: 'suspended' }) },
      'suspended',
    ],
    ['nothing by an address alone', provider, {}, { sameEmail: account() }, 'unknown'],
    ['the account of a trusted address', trusting, {}, { sameEmail: account() }, 'link'],
    [
      'nothing by an address not verified',
      trusting,
      { emailVerified: false },
      { sameEmail: account() },
      'unknown',
    ],
    ['no service account', trusting, {}, { sameEmail: account({ kind: 'service_account' }) }, 'unknown'],
    [
      'nothing suspended by an address',
      trusting,
      {},
      { sameEmail: account({ status: 'suspended' }) },
      'suspended',
    ],
    ['nothing new by default', provider, {}, {}, 'unknown'],
    ['an account for a named domain', trusting, {}, {}, 'create'],
    ['none for another domain', trusting, { email: 'ada@sub.acme.example' }, {}, 'unknown'],
    ['none for a domain in front', trusting, { email: 'ada@acme.example@elsewhere.test' }, {}, 'unknown'],
    ['none for an address not verified', trusting, { emailVerified: false }, {}, 'unknown'],
    ['none without an address', trusting, { email: undefined }, {}, 'unknown'],
  ])('%s', (_, settled, more, { linked, sameEmail }, kind) => {
    expect(decideUpstream(settled, { ...identity, ...more }, { linked, sameEmail }).kind).toBe(kind);
  });
});
