import { expect, test } from '@jest/globals';
import { differencesBetween } from '../../../src/clients/document-difference.ts';

const document = {
  client_name: 'Tool',
  redirect_uris: ['https://tool.example/a', 'https://tool.example/b'],
  token_endpoint_auth_method: 'private_key_jwt',
  jwks: { keys: [{ kid: 'one', kty: 'EC' }] },
  client_uri: 'https://tool.example',
};

test.each([
  ['nothing that a person goes by', { client_uri: 'https://tool.example/about' }, []],
  ['the name', { client_name: 'Other' }, [{ part: 'name', before: ['Tool'], after: ['Other'] }]],
  ['the name, to none', { client_name: undefined }, [{ part: 'name', before: ['Tool'], after: [] }]],
  [
    'a redirect, and not the one that stayed',
    { redirect_uris: ['https://tool.example/a', 'https://evil.example/b'] },
    [{ part: 'redirects', before: ['https://tool.example/b'], after: ['https://evil.example/b'] }],
  ],
  [
    'how it proves who it is, and its keys',
    { token_endpoint_auth_method: 'none', jwks: undefined },
    [
      { part: 'authentication', before: ['private_key_jwt'], after: ['none'] },
      { part: 'keys', before: ['one'], after: [] },
    ],
  ],
  [
    'where its keys are',
    { jwks: undefined, jwks_uri: 'https://tool.example/jwks' },
    [{ part: 'keys', before: ['one'], after: ['https://tool.example/jwks'] }],
  ],
  [
    'a key under the same id',
    { jwks: { keys: [{ kid: 'one', kty: 'RSA' }] } },
    [{ part: 'keys', before: ['one'], after: ['one'] }],
  ],
])('%s differs', (_, change, differences) => {
  expect(differencesBetween(document, { ...document, ...change })).toEqual(differences);
});
