import { expect, test } from '@jest/globals';
import {
  bearerChallenge,
  protectedResourceMetadata,
  protectedResourceMetadataPath,
  protectedResourceMetadataUrl,
} from '../../../src/resource-server/index.ts';

test('writes the parameters in one order, quoted', () => {
  const challenge = bearerChallenge({
    error: 'insufficient_scope',
    description: 'More is needed',
    scopes: ['mcp', 'flows:edit'],
    resourceMetadataUrl: 'https://acme.example/.well-known/oauth-protected-resource',
  });
  expect(challenge).toBe(
    'Bearer error="insufficient_scope", error_description="More is needed", scope="mcp flows:edit", ' +
      'resource_metadata="https://acme.example/.well-known/oauth-protected-resource"',
  );
});

test('keeps quotes, backslashes and line breaks out of the header', () => {
  const challenge = bearerChallenge({
    error: 'invalid_token',
    description: 'a"b\\c\r\nSet-Cookie: x',
    scopes: [],
    resourceMetadataUrl: 'https://acme.example/m',
  });
  expect(challenge).toBe(
    `Bearer error="invalid_token", error_description="a'b'c  Set-Cookie: x", resource_metadata="https://acme.example/m"`,
  );
});

test.each([
  ['https://acme.example/mcp/atlas', '/.well-known/oauth-protected-resource/mcp/atlas'],
  ['https://acme.example', '/.well-known/oauth-protected-resource'],
  ['https://acme.example/', '/.well-known/oauth-protected-resource'],
  ['https://acme.example/a?tenant=1', '/.well-known/oauth-protected-resource/a?tenant=1'],
])('puts the well-known part of %s between host and path (RFC 9728 section 3.1)', (resource, path) => {
  expect(protectedResourceMetadataPath(resource)).toBe(path);
  expect(protectedResourceMetadataUrl(resource)).toBe(`https://acme.example${path}`);
});

test('describes a resource, leaving out what was not said', () => {
  const described = {
    resource: 'https://acme.example/api',
    authorizationServers: ['https://mandate.example'],
  };
  expect(protectedResourceMetadata(described)).toEqual({
    resource: 'https://acme.example/api',
    authorization_servers: ['https://mandate.example'],
    bearer_methods_supported: ['header'],
  });
  expect(
    protectedResourceMetadata({ ...described, scopesSupported: ['api'], resourceName: 'API' }),
  ).toMatchObject({
    scopes_supported: ['api'],
    resource_name: 'API',
  });
});
