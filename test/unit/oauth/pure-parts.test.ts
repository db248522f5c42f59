import { describe, expect, test } from '@jest/globals';
import { parseCatalogue } from '../../../src/catalogue.ts';
import { spelledOut } from '../../../src/clients/resource-spelling.ts';
import { asGranted } from '../../../src/oauth/grants.ts';
import { revocationReach } from '../../../src/oauth/revocation.ts';
import { isSignInOnly, readScope } from '../../../src/oauth/scopes.ts';

describe('a resource indicator', () => {
  test.each([
    ['as registered', 'https://api.example/mcp', 'https://api.example/mcp'],
    ['with a trailing slash', 'https://api.example/mcp/', 'https://api.example/mcp'],
    ['in upper case', 'HTTPS://API.EXAMPLE/mcp', 'https://api.example/mcp'],
    ['with the default port', 'https://api.example:443/mcp', 'https://api.example/mcp'],
    ['with a query', 'https://api.example/mcp?x=1', 'https://api.example/mcp'],
    ['as a bare origin', 'https://api.example', 'https://api.example'],
  ])('is folded %s', (_name, sent, folded) => {
    expect(spelledOut(sent)).toBe(folded);
  });

  test.each([
    ['relative', '/mcp'],
    ['with a fragment', 'https://api.example/mcp#a'],
    ['with user information', 'https://a@api.example/mcp'],
    ['of no origin', 'urn:example:api'],
    ['empty', ''],
  ])('is refused %s (RFC 8707 section 2)', (_name, sent) => {
    expect(spelledOut(sent)).toBeUndefined();
  });

  test('at /token stands for the spelling it was granted under', () => {
    expect(asGranted('https://api.example/mcp/', 'https://api.example/mcp')).toBe('https://api.example/mcp');
    expect(asGranted(['https://a.example/'], ['https://a.example'])).toEqual(['https://a.example']);
    expect(asGranted('https://other.example', 'https://api.example/mcp')).toBe('https://other.example');
    expect(asGranted('not a url', undefined)).toBe('not a url');
  });
});

describe('a scope', () => {
  const catalogue = parseCatalogue(
    'capabilities: [{name: api, bound: organization, title: Api, consequence: It may call the API.}]',
  );
  test('is read without blanks and repetitions', () => {
    expect(readScope('  api  openid api')).toEqual(['api', 'openid']);
    expect(readScope(undefined)).toEqual([]);
    expect(readScope(['api'])).toEqual([]);
  });
  test('only signs in when it is openid and no capability', () => {
    expect(isSignInOnly('openid profile', catalogue)).toBe(true);
    expect(isSignInOnly('openid api', catalogue)).toBe(false);
    expect(isSignInOnly('profile', catalogue)).toBe(false);
    expect(isSignInOnly(undefined, catalogue)).toBe(false);
  });
});

test.each([
  [
    'an access token at /revoke reaches nothing else',
    { route: 'revocation', refreshToken: false },
    'nothing',
  ],
  [
    'a refresh token at /revoke ends the authorization',
    { route: 'revocation', refreshToken: true },
    'authorization',
  ],
  [
    'a code that comes back ends the tokens',
    { route: 'token', grantType: 'authorization_code', refreshToken: false },
    'tokens',
  ],
  [
    'a refresh token that comes back ends the tokens',
    { route: 'token', grantType: 'refresh_token', refreshToken: true },
    'tokens',
  ],
  [
    'a device code that comes back ends nothing',
    { route: 'token', grantType: 'urn:ietf:params:oauth:grant-type:device_code', refreshToken: false },
    'nothing',
  ],
  ['signing out ends nothing', { route: 'end_session_confirm', refreshToken: false }, 'nothing'],
])('%s', (_sentence, request, reach) => {
  expect(revocationReach(request)).toBe(reach);
});
