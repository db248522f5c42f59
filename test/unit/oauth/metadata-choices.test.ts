import { describe, expect, test } from '@jest/globals';
import { cleanMetadataDocument } from '../../../src/oauth/clean-metadata-document.ts';
import { cleanRegistration } from '../../../src/oauth/registration.ts';

const redirect_uris = ['https://tool.example/callback'];
const jwks_uri = 'https://tool.example/jwks.json';

describe('a registration that lists how it can authenticate', () => {
  test.each([
    ['the first that is done here', ['tls_client_auth', 'none', 'client_secret_post'], {}, 'none'],
    [
      'what it names itself',
      ['none', 'client_secret_post'],
      { named: 'client_secret_post' },
      'client_secret_post',
    ],
    [
      'another one where what it names is not done',
      ['tls_client_auth', 'none'],
      { named: 'tls_client_auth' },
      'none',
    ],
    ['its keys where it has them', ['private_key_jwt', 'none'], { jwks_uri }, 'private_key_jwt'],
    ['no keys that it does not have', ['private_key_jwt', 'none'], {}, 'none'],
    ['the usual where none is done', ['tls_client_auth'], {}, 'client_secret_basic'],
    ['the usual where the list is none', 'none', {}, 'client_secret_basic'],
  ])('gets %s', (_, listed, { named, ...more }: { named?: string; jwks_uri?: string }, method) => {
    const cleaned = cleanRegistration({
      redirect_uris,
      token_endpoint_auth_methods_supported: listed,
      ...(named !== undefined && { token_endpoint_auth_method: named }),
      ...more,
    });
    expect(cleaned).toMatchObject({ metadata: { token_endpoint_auth_method: method } });
  });
});

test('a registration that lists what its ID token may be signed with gets one of them', () => {
  const listed = ['PS512', 'RS256', 'ES256'];
  const cleaned = cleanRegistration({ redirect_uris, id_token_signing_alg_values_supported: listed });
  expect(cleaned).toMatchObject({ metadata: { id_token_signed_response_alg: 'RS256' } });
});

describe('a metadata document that lists how its client can authenticate', () => {
  test.each([
    ['by its keys', ['client_secret_basic', 'private_key_jwt', 'none'], { jwks_uri }, 'private_key_jwt'],
    ['by nothing where it has no keys', ['client_secret_basic', 'private_key_jwt', 'none'], {}, 'none'],
  ])('does so %s', (_, listed, more, method) => {
    const cleaned = cleanMetadataDocument({
      redirect_uris,
      token_endpoint_auth_method: 'client_secret_basic',
      token_endpoint_auth_methods_supported: listed,
      token_endpoint_auth_signing_alg_values_supported: ['HS256', 'PS256'],
      ...more,
    });
    expect(cleaned).toMatchObject({
      kind: 'accepted',
      metadata: {
        token_endpoint_auth_method: method,
        ...(method === 'private_key_jwt' && { token_endpoint_auth_signing_alg: 'PS256' }),
      },
    });
  });

  test('is refused where a shared secret is all that it lists', () => {
    const cleaned = cleanMetadataDocument({
      redirect_uris,
      token_endpoint_auth_method: 'client_secret_basic',
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    });
    expect(cleaned.kind).toBe('refused');
  });
});
