import { expect, test } from '@jest/globals';
import { InsufficientScopeError, InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { requireBearerAuth as requireBearerAuthV1 } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { OAuthError, type OAuthErrorCode, requireBearerAuth } from '@modelcontextprotocol/server';
import {
  createMcpTokenVerifier,
  type Introspection,
  type TokenRefusal,
} from '../../../src/resource-server/index.ts';
import { activeAnswer } from './active-answer.ts';

const resource = 'https://acme.example/mcp/atlas';
const live = activeAnswer({
  aud: resource,
  scope: 'mcp',
  exp: 4_000_000_000,
  authorization_details: [
    { type: 'mcp_server', identifier: 'mcp_1', locations: [resource], actions: ['mcp'] },
  ],
});
const versionTwo = (code: TokenRefusal, message: string) => new OAuthError(code as OAuthErrorCode, message);
const versionOne = (code: TokenRefusal, message: string) =>
  code === 'invalid_token' ? new InvalidTokenError(message) : new InsufficientScopeError(message);

function verifier(
  answer: Introspection,
  refuse = versionTwo as (code: TokenRefusal, message: string) => Error,
) {
  return createMcpTokenVerifier({ introspect: async () => answer, resource, refuse });
}

async function gateV2(answer: Introspection) {
  const gate = requireBearerAuth({
    verifier: verifier(answer),
    expectedResource: new URL(resource),
    requiredScopes: ['mcp'],
  });
  return gate(new Request(resource, { headers: { authorization: 'Bearer good' } }));
}

/** Runs the Express middleware of version 1 with the few parts of Express that it touches. */
async function gateV1(answer: Introspection) {
  const request = { headers: { authorization: 'Bearer good' } };
  let status = 200;
  const response = {
    set: () => response,
    status: (code: number) => {
      status = code;
      return response;
    },
    json: () => response,
  };
  const middleware = requireBearerAuthV1({
    verifier: verifier(answer, versionOne),
    expectedResource: new URL(resource),
    requiredScopes: ['mcp'],
  });
  type Parameter = Parameters<typeof middleware>;
  await middleware(request as unknown as Parameter[0], response as unknown as Parameter[1], () => undefined);
  return { status, auth: (request as { auth?: unknown }).auth };
}

test('tells MCP handlers who calls and what holds now', async () => {
  expect(await verifier(live).verifyAccessToken('good')).toEqual({
    token: 'good',
    clientId: 'mandate-cli',
    scopes: ['mcp'],
    expiresAt: 4_000_000_000,
    resource: new URL(resource),
    resourceMetadataUrl: 'https://acme.example/.well-known/oauth-protected-resource/mcp/atlas',
    extra: { authorization: live },
  });
});

test('passes the gates of both official SDKs', async () => {
  expect(await gateV2(live)).toMatchObject({ clientId: 'mandate-cli' });
  expect(await gateV1(live)).toMatchObject({ status: 200, auth: { clientId: 'mandate-cli' } });
});

test('passes an API key that does not expire and has no client and no audience', async () => {
  const { aud: _aud, exp: _exp, client_id: _client, ...rest } = live;
  const key = { ...rest, authorization_kind: 'api_key' as const };
  expect(await gateV2(key)).toMatchObject({ clientId: 'az_1' });
  expect(await gateV1(key)).toMatchObject({ status: 200 });
});

test.each<[string, Introspection, number]>([
  ['inactive', { active: false }, 401],
  ['meant for another server', { ...live, aud: 'https://acme.example/mcp/borealis' }, 401],
  ['not reaching this server any more', { ...live, authorization_details: [] }, 403],
])('refuses a token that is %s', async (_, answer, status) => {
  const refused = await gateV2(answer);
  expect(refused).toBeInstanceOf(Response);
  expect(refused).toMatchObject({ status });
  expect(await gateV1(answer)).toMatchObject({ status });
});
