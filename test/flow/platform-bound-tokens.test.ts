/** The example platform takes tokens that are bound to a key (RFC 9449), at its API and at its MCP servers, and nobody else's. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as openid from 'openid-client';
import { makeProof, proofKey } from '../support/dpop.ts';
import { demo } from '../support/mandate.ts';
import { type PlatformOnMandate, startPlatformOnMandate } from '../support/platform-on-mandate.ts';

let both: PlatformOnMandate;
let config: openid.Configuration;
beforeAll(async () => {
  both = await startPlatformOnMandate();
  config = await openid.discovery(new URL(both.mandate.issuer), demo.ci.id, demo.ci.secret, undefined, {
    execute: [openid.allowInsecureRequests],
  });
});
afterAll(() => both.stop());

const listTools = {
  method: 'POST',
  body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }),
  headers: {
    'Content-Type': 'application/json',
    Accept: 'application/json, text/event-stream',
    'MCP-Protocol-Version': '2025-06-18',
  },
};

describe.each([
  ['its API', '/api', '/projects', { method: 'GET', headers: {} }, 'atlas'],
  ['an MCP server', '/mcp/atlas', '', listTools, 'whoami'],
])('%s', (_, path, under, request, content) => {
  const address = () => new URL(both.platform.origin + path + under);
  const tokenFor = async (DPoP?: openid.DPoPHandle) => {
    const resource = both.platform.origin + path;
    const answer = await openid.clientCredentialsGrant(config, { resource }, DPoP ? { DPoP } : {});
    return answer.access_token;
  };
  const newHandle = async () => openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256'));
  const call = (authorization: string, proof?: string) =>
    fetch(address(), {
      ...request,
      headers: {
        ...request.headers,
        Authorization: authorization,
        ...(proof === undefined ? {} : { DPoP: proof }),
      },
    });

  test('lets a token in by a proof of its key, each time by another', async () => {
    const DPoP = await newHandle();
    const token = await tokenFor(DPoP);
    for (const _turn of ['first', 'second']) {
      const answer = await openid.fetchProtectedResource(
        config,
        token,
        address(),
        request.method,
        'body' in request ? request.body : undefined,
        new Headers(request.headers),
        { DPoP },
      );
      expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining(content)]);
    }
  });

  test('refuses it without a proof, and with a proof of another key', async () => {
    const token = await tokenFor(await newHandle());
    const asBearer = await call(`Bearer ${token}`);
    expect(asBearer.status).toBe(401);
    expect(asBearer.headers.get('www-authenticate')).toMatch(/^Bearer error="invalid_token".*, DPoP algs="/);
    const bare = await call(`DPoP ${token}`);
    expect([bare.status, bare.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringMatching(/^DPoP error="invalid_dpop_proof"/),
    ]);
    const about = { method: request.method, url: address().href, accessToken: token };
    const proof = await makeProof(await proofKey(), { ...about, now: Math.floor(Date.now() / 1_000) });
    expect((await call(`DPoP ${token}`, proof)).status).toBe(401);
  });

  test('takes bearer tokens as before, and says in its metadata which proofs it takes', async () => {
    expect((await call(`Bearer ${await tokenFor()}`)).status).toBe(200);
    const metadata = await fetch(`${both.platform.origin}/.well-known/oauth-protected-resource${path}`);
    expect(await metadata.json()).toMatchObject({
      dpop_signing_alg_values_supported: expect.arrayContaining(['ES256', 'EdDSA']),
    });
  });
});
