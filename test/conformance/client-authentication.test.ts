/** TK-06: how a client may show who it is, and what it may ask for then (RFC 6749 sections 2.3.1 and 5.2). */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { postForm } from '../support/oauth.ts';
import { register } from '../support/oauth-requests.ts';

let mandate: TestMandate;
beforeAll(async () => {
  mandate = await startMandate();
});
afterAll(() => mandate.stop());

describe('TK-06: a secret is taken only as it was registered', () => {
  test.each(['client_secret_basic', 'client_secret_post'])('%s', async (method) => {
    const { body } = await register(mandate.issuer, {
      redirect_uris: ['https://web.example/callback'],
      token_endpoint_auth_method: method,
    });
    const [id, secret] = [String(body.client_id), String(body.client_secret)];
    const refresh = { grant_type: 'refresh_token', refresh_token: 'none' };
    const inHeader = await postForm(`${mandate.issuer}/token`, refresh, { id, secret });
    const inBody = await postForm(`${mandate.issuer}/token`, {
      ...refresh,
      client_id: id,
      client_secret: secret,
    });
    const [right, wrong] = method === 'client_secret_basic' ? [inHeader, inBody] : [inBody, inHeader];
    expect([right.status, JSON.parse(right.text)]).toMatchObject([400, { error: 'invalid_grant' }]);
    expect([wrong.status, JSON.parse(wrong.text)]).toMatchObject([401, { error: 'invalid_client' }]);
  });
});

test.each([
  ['client_credentials', demo.web, {}],
  ['urn:ietf:params:oauth:grant-type:device_code', demo.web, { device_code: 'x' }],
  ['authorization_code', demo.ci, { code: 'x', redirect_uri: 'x', code_verifier: 'x' }],
  ['refresh_token', demo.ci, { refresh_token: 'x' }],
])('a grant that is not the client’s is unauthorized_client: %s of %j', async (grant, client, fields) => {
  const asked = { grant_type: grant, ...fields } as Record<string, string>;
  const { status, text } = await postForm(`${mandate.issuer}/token`, asked, client);
  expect([status, JSON.parse(text)]).toMatchObject([400, { error: 'unauthorized_client' }]);
});
