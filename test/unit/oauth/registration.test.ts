import { describe, expect, test } from '@jest/globals';
import { cleanRegistration, contentAddressedId } from '../../../src/oauth/registration.ts';

const accepted = (body: Record<string, unknown>) => {
  const outcome = cleanRegistration(body);
  if (outcome.kind === 'refused') throw new Error(outcome.reason);
  return outcome.metadata;
};

describe('a registration', () => {
  test.each([
    ['https', 'https://tool.example/cb', 'web'],
    ['loopback', 'http://127.0.0.1:3000/cb', 'native'],
    ['loopback IPv6', 'http://[::1]:3000/cb', 'native'],
    ['localhost', 'http://localhost/cb', 'native'],
    ['a private scheme', 'cursor://anysphere.cursor-retrieval/oauth/callback', 'native'],
  ])('is accepted with a redirect to %s', (_name, uri, type) => {
    expect(accepted({ redirect_uris: [uri] })).toMatchObject({
      application_type: type,
      redirect_uris: [uri],
    });
  });

  test.each([
    ['none at all', []],
    ['http elsewhere', ['http://evil.example/cb']],
    ['a host that only looks local', ['http://localhost.evil/cb']],
    ['user information', ['https://good@evil.example/cb']],
    ['a wildcard', ['https://*.example/cb']],
    ['a fragment', ['https://tool.example/cb#x']],
    ['javascript', ['javascript:alert(1)']],
    ['data', ['data:text/html,x']],
    ['view-source', ['view-source:https://x']],
    ['ms-msdt', ['ms-msdt:/id']],
    ['jar', ['jar:https://x!/y']],
    ['a relative reference', ['/cb']],
    ['a backslash', ['https://tool.example\\@evil.example/cb']],
    ['too many', Array.from({ length: 21 }, (_, i) => `https://tool.example/${i}`)],
    ['one that is dangerous among good ones', ['https://tool.example/cb', 'http://evil.example/cb']],
  ])('RG-01: is refused with %s', (_name, uris) => {
    expect(cleanRegistration({ redirect_uris: uris })).toMatchObject({ error: 'invalid_redirect_uri' });
  });

  test('is cleaned of scope, unknown grants, nulls and what is ours', () => {
    expect(
      accepted({
        redirect_uris: ['https://tool.example/cb'],
        scope: 'mcp everything',
        grant_types: ['authorization_code', 'client_credentials', 'implicit'],
        response_types: ['token'],
        client_name: null,
        logo_uri: '',
        service_account_id: 'usr_1',
        token_endpoint_auth_method: 'none',
      }),
    ).toEqual({
      redirect_uris: ['https://tool.example/cb'],
      response_types: ['code'],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
      application_type: 'web',
    });
  });

  test('loses characters of its name that would disguise it, and is refused when the name is a novel', () => {
    expect(
      accepted({ redirect_uris: ['https://a.example/'], client_name: 'Cla\u202eude\u200b ' }),
    ).toMatchObject({
      client_name: 'Claude',
    });
    expect(
      cleanRegistration({ redirect_uris: ['https://a.example/'], client_name: 'x'.repeat(81) }),
    ).toMatchObject({
      error: 'invalid_client_metadata',
    });
  });

  test('has the same id on every loopback port and in every order, and another for another name', () => {
    const metadata = (port: number, name = 'Tool') =>
      accepted({
        redirect_uris: [`http://127.0.0.1:${port}/cb`],
        client_name: name,
        token_endpoint_auth_method: 'none',
      });
    const reordered = Object.fromEntries(Object.entries(metadata(2)).reverse());
    expect(contentAddressedId(metadata(1))).toBe(contentAddressedId(reordered));
    expect(contentAddressedId(metadata(1))).not.toBe(contentAddressedId(metadata(1, 'Other')));
  });
});
