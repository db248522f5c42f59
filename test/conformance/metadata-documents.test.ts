/** Client ID metadata documents whose hosts mean no good: what is not asked for, not believed and not waited for. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import * as jose from 'jose';
import { requestOf, toolDocument, toolId, toolRedirect, visit } from '../support/documented-tool.ts';
import { type BrowserlessClient, createBrowserlessClient } from '../support/http.ts';
import { createInternet, documentOf, type Internet } from '../support/internet.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, postForm } from '../support/oauth.ts';
import { codeFlow, openConsent } from '../support/oauth-requests.ts';

const actor = { id: 'command' };
const answers = { api: true };

let internet: Internet;
let mandate: TestMandate;
let browser: BrowserlessClient;
beforeAll(async () => {
  internet = await createInternet();
  mandate = await startMandate({ metadataDocuments: { internet: internet.reached } });
});
beforeEach(() => {
  internet.asked.length = 0;
  internet.turn('tool.example', 'on');
  internet.serve(toolId, toolDocument);
  browser = createBrowserlessClient(mandate.issuer);
});
// Whatever a story left fresh or limited is past.
afterEach(() => mandate.clock.advance(400));
afterAll(async () => {
  await mandate.stop();
  await internet.stop();
});

describe('CM-01, CM-03, CM-07. what is not asked for, and what is not believed', () => {
  test.each([
    ['http', 'http://tool.example/client.json'],
    ['no path', 'https://tool.example'],
    ['a fragment', 'https://tool.example/client.json#one'],
    ['user information', 'https://user@tool.example/client.json'],
    ['encoded dot segments', 'https://tool.example/%2e%2e/client.json'],
    ['a tab', 'https://tool.example/cli\tent.json'],
    ['a backslash', 'https://tool.example\\client.json'],
    ['2,049 characters', `https://tool.example/${'a'.repeat(2_028)}`],
    ['a decimal host', 'https://2130706433/client.json'],
    ['the loopback', 'https://127.0.0.1/client.json'],
    ['a mapped address', 'https://[::ffff:7f00:1]/client.json'],
  ])('a client id with %s gets a page, and is not asked for', async (_what, clientId) => {
    const page = await visit(browser, clientId);
    expect([page.status, page.headers.get('content-type')]).toEqual([400, 'text/html; charset=utf-8']);
    expect(page.text).toContain('invalid_client');
    expect(internet.asked).toEqual([]);
    expect(await mandate.stores.clients.find(clientId)).toBeUndefined();
  });

  test('a name that leads inside gets a page', async () => {
    internet.name('inside.example', ['93.184.216.34', '169.254.169.254']);
    const page = await visit(browser, 'https://inside.example/client.json');
    expect([page.status, page.text.includes('not on the public internet')]).toEqual([400, true]);
    expect(internet.asked).toEqual([]);
  });

  test.each<[string, string, Parameters<Internet['serve']>[1]]>([
    ['404', 'the host answered 404', (_request, response) => void response.writeHead(404).end()],
    [
      'HTML',
      'not JSON',
      (_request, response) => void response.writeHead(200, { 'Content-Type': 'text/html' }).end('<p>'),
    ],
    ['5 KB + 1', 'larger than 5120 bytes', { ...toolDocument, padding: 'x'.repeat(5_121) }],
    ['another client_id', 'client_id in the document', { ...toolDocument, client_id: `${toolId}/` }],
    [
      'a shared secret',
      'shared secret',
      { ...toolDocument, token_endpoint_auth_method: 'client_secret_post' },
    ],
    ['a redirect over http', 'loopback', { ...toolDocument, redirect_uris: ['http://evil.example/'] }],
    [
      'an algorithm that is none',
      'id_token_signed_response_alg',
      { ...toolDocument, id_token_signed_response_alg: 'none' },
    ],
  ])('a document that is %s gets a page that says so; nothing is kept', async (what, says, answer) => {
    const bad = `https://bad.example/${encodeURIComponent(what)}.json`;
    const isDocument = typeof answer === 'object' && what !== 'another client_id';
    internet.serve(bad, isDocument ? { ...answer, client_id: bad } : answer);
    const page = await visit(browser, bad);
    expect([page.status, page.headers.get('content-type')]).toEqual([400, 'text/html; charset=utf-8']);
    expect(page.text).toContain(says);
    expect(internet.asked).toEqual([bad]);
    expect(await mandate.stores.clients.find(bad)).toBeUndefined();
    const pushed = await postForm(`${mandate.issuer}/par`, requestOf(bad));
    expect([pushed.status, JSON.parse(pushed.text)]).toMatchObject([400, { error: 'invalid_client' }]);
  });

  test('at the token endpoint nobody is asked', async () => {
    internet.serve('https://unseen.example/client.json', toolDocument);
    const answer = await askToken(mandate.issuer, {
      grant_type: 'authorization_code',
      client_id: 'https://unseen.example/client.json',
      code: 'code',
    });
    expect(answer.body.error).toBe('invalid_client');
    expect(internet.asked).toEqual([]);
  });
});

describe('CM-08. a document that asks for private_key_jwt', () => {
  const signing = 'https://signing.example/client.json';
  const jwksUri = 'https://signing.example/jwks.json';
  let key: jose.CryptoKey;
  beforeAll(async () => {
    const pair = await jose.generateKeyPair('RS256');
    key = pair.privateKey;
    const jwk = { ...(await jose.exportJWK(pair.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' };
    internet.serve(jwksUri, { keys: [jwk] });
  });
  beforeEach(() => {
    // The library misses the means of its own protection in this runtime, and says so; ours stands before it.
    jest.spyOn(console, 'warn').mockImplementation(() => {});
    internet.serve(signing, {
      ...toolDocument,
      client_id: signing,
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'RS256',
      jwks_uri: jwksUri,
    });
  });

  const sign = () =>
    new jose.SignJWT({ jti: crypto.randomUUID() })
      .setProtectedHeader({ alg: 'RS256', kid: 'one' })
      .setIssuer(signing)
      .setSubject(signing)
      .setAudience(mandate.issuer)
      .setIssuedAt(mandate.clock.now())
      .setExpirationTime(mandate.clock.now() + 60)
      .sign(key);
  const flow = (redeem: Record<string, string>) =>
    codeFlow(mandate.issuer, { clientId: signing, redirectUri: toolRedirect, answers, browser, redeem });

  test('gets nothing without an assertion, and tokens with one', async () => {
    const without = await flow({});
    expect([without.status, without.body.error]).toEqual([401, 'invalid_client']);
    const assertion = {
      client_assertion: await sign(),
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    };
    expect((await flow(assertion)).status).toBe(200);
    expect(internet.asked.filter((url) => url === jwksUri)).toHaveLength(1);
  });

  test('counts as changed with its keys at another origin', async () => {
    await visit(browser, signing);
    await mandate.stores.clients.verify(actor, signing);
    const elsewhere = 'https://elsewhere.example/jwks.json';
    internet.serve(signing, {
      ...toolDocument,
      client_id: signing,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: elsewhere,
    });
    mandate.clock.advance(301);
    await visit(browser, signing);
    const [change] = await mandate.stores.history.of('client', signing, 1);
    expect(change).toMatchObject({
      action: 'document_changed',
      before: { metadata: { jwks_uri: jwksUri } },
      after: { metadata: { jwks_uri: elsewhere } },
    });
    expect((await mandate.stores.clients.find(signing))?.verified).toBe(false);
  });

  test('is never asked for keys inside', async () => {
    internet.name('inside.example', ['10.0.0.1']);
    internet.serve(signing, {
      ...toolDocument,
      client_id: signing,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: 'https://inside.example/jwks.json',
    });
    const answer = await flow({
      client_assertion: await sign(),
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    });
    expect(answer.body.error).toBe('invalid_client');
    expect(internet.asked).not.toContain('https://inside.example/jwks.json');
  });
});

describe('CM-04. a herd', () => {
  test('of 500 documents from one address is stopped, while others go on', async () => {
    let open = 0;
    let most = 0;
    for (let n = 0; n < 500; n += 1) {
      const one = `https://herd-${n}.example/client.json`;
      internet.serve(one, (request, response) => {
        most = Math.max(most, ++open);
        setTimeout(() => {
          open -= 1;
          documentOf({ ...toolDocument, client_id: one })(request, response);
        }, 50);
      });
    }
    const asked = Array.from({ length: 500 }, async (_, n) => {
      const query = new URLSearchParams(requestOf(`https://herd-${n}.example/client.json`));
      const response = await fetch(`${mandate.issuer}/authorize?${query}`, { redirect: 'manual' });
      await response.text();
      return response;
    });
    const other = await openConsent(browser, requestOf(demo.web.id, demo.web.redirect));
    expect(other.title).toContain('Authorize');
    const responses = await Promise.all(asked);
    const refused = responses.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThanOrEqual(470);
    expect(refused.length + responses.filter(({ status }) => status === 303).length).toBe(500);
    expect(refused.every(({ headers }) => Number(headers.get('retry-after')) >= 1)).toBe(true);
    expect(most).toBeLessThanOrEqual(16);
    expect(internet.asked.length).toBeLessThanOrEqual(30);
  });
});
