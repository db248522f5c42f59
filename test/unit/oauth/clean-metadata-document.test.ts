import { describe, expect, test } from '@jest/globals';
import { cleanMetadataDocument } from '../../../src/oauth/clean-metadata-document.ts';
import { shapes } from '../../support/metadata-document-shapes.ts';

const accepted = (properties: Record<string, unknown>) => {
  const outcome = cleanMetadataDocument(properties);
  if (outcome.kind === 'refused') throw new Error(outcome.reason);
  return outcome.metadata;
};
const redirect_uris = ['https://tool.example/callback'];
const jwks_uri = 'https://tool.example/jwks';

describe('a metadata document', () => {
  test.each([
    ['Claude', { application_type: 'web', token_endpoint_auth_method: 'none' }],
    [
      'ChatGPT',
      {
        application_type: 'web',
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: 'RS256',
        jwks_uri: 'https://chatgpt.com/oauth/jwks.json',
      },
    ],
    ['VS Code', { application_type: 'native', token_endpoint_auth_method: 'none' }],
    ['Cursor', { application_type: 'native', token_endpoint_auth_method: 'none' }],
  ] as const)('of %s is accepted', (name, expected) => {
    const metadata = accepted(shapes[name]);
    expect(metadata).toMatchObject({ ...expected, redirect_uris: shapes[name].redirect_uris });
    expect(metadata).not.toHaveProperty('scope');
    expect(metadata.grant_types).not.toContain('urn:ietf:params:oauth:grant-type:jwt-bearer');
  });

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a method that nobody knows', 'telepathy'],
  ])('that names %s for authentication is of a public client', (_what, method) => {
    expect(accepted({ redirect_uris, token_endpoint_auth_method: method })).toMatchObject({
      token_endpoint_auth_method: 'none',
    });
  });

  test('is taken at its word where it wants to be held to more', () => {
    const demands = { dpop_bound_access_tokens: true, require_pushed_authorization_requests: true };
    expect(accepted({ redirect_uris, ...demands })).toMatchObject(demands);
    const none = accepted({ redirect_uris, dpop_bound_access_tokens: false });
    expect(none).not.toHaveProperty('dpop_bound_access_tokens');
  });

  test('keeps no keys that nothing would look at, and no addresses that are not https', () => {
    const said = {
      redirect_uris,
      jwks_uri,
      jwks: { keys: [] },
      client_uri: 'http://tool.example',
      logo_uri: 'x',
    };
    expect(Object.keys(accepted(said)).toSorted()).toEqual([
      'application_type',
      'grant_types',
      'redirect_uris',
      'response_types',
      'token_endpoint_auth_method',
    ]);
  });

  test.each([
    ['client_secret_basic', { token_endpoint_auth_method: 'client_secret_basic' }],
    ['client_secret_post', { token_endpoint_auth_method: 'client_secret_post' }],
    ['client_secret_jwt', { token_endpoint_auth_method: 'client_secret_jwt' }],
    ['private_key_jwt and no key', { token_endpoint_auth_method: 'private_key_jwt' }],
    [
      'private_key_jwt and keys twice',
      { token_endpoint_auth_method: 'private_key_jwt', jwks_uri, jwks: { keys: [] } },
    ],
    [
      'keys that are not at an https URL',
      { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'http://tool.example/jwks' },
    ],
    [
      'a signature by a shared secret',
      { token_endpoint_auth_method: 'private_key_jwt', jwks_uri, token_endpoint_auth_signing_alg: 'HS256' },
    ],
    ['a redirect over http', { redirect_uris: ['http://evil.example/callback'] }],
    ['no redirect', { redirect_uris: [] }],
    ['a name of 81 characters', { client_name: 'x'.repeat(81) }],
  ])('is refused with %s', (_what, properties) => {
    expect(cleanMetadataDocument({ redirect_uris, ...properties }).kind).toBe('refused');
  });
});
