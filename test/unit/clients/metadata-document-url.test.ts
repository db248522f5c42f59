/** CM-07: which client ids may be asked for. */
import { describe, expect, test } from '@jest/globals';
import { documentUrlProblem, looksLikeDocumentUrl } from '../../../src/clients/metadata-document-url.ts';

const issuer = 'https://mandate.example';
const long = (characters: number) => `https://tool.example/${'a'.repeat(characters - 21)}`;

describe('a client id', () => {
  test.each([
    'https://claude.ai/oauth/mcp-oauth-client-metadata',
    'https://tool.example/client.json',
    'https://tool.example:8443/client.json',
    'https://tool.example/client?version=2',
    'https://xn--tl-1ia.example/client',
    long(2_048),
  ])('may be %s', (id) => {
    expect(documentUrlProblem(id, issuer)).toBeUndefined();
  });

  test.each([
    ['http', 'http://tool.example/client'],
    ['no path', 'https://tool.example'],
    ['nothing but the root', 'https://tool.example/'],
    ['nothing but a query', 'https://tool.example/?client'],
    ['a fragment', 'https://tool.example/client#one'],
    ['an empty fragment', 'https://tool.example/client#'],
    ['a user', 'https://good.example@tool.example/client'],
    ['an empty user', 'https://@tool.example/client'],
    ['a user and a password', 'https://a:b@tool.example/client'],
    ['dot segments', 'https://tool.example/a/../client'],
    ['a single dot', 'https://tool.example/./client'],
    ['encoded dot segments', 'https://tool.example/a/%2e%2e/client'],
    ['half-encoded dot segments', 'https://tool.example/a/.%2E/client'],
    ['a tab', 'https://tool.example/cli\tent'],
    ['a line break', 'https://tool.example/client\n'],
    ['a blank', 'https://tool.example/a client'],
    ['a leading blank', ' https://tool.example/client'],
    ['a backslash', 'https://tool.example\\client'],
    ['a backslash in the path', 'https://tool.example/a\\b'],
    ['2,049 characters', long(2_049)],
    ['the default port', 'https://tool.example:443/client'],
    ['capital letters in the host', 'https://Tool.example/client'],
    ['capital letters in the scheme', 'HTTPS://tool.example/client'],
    ['a host that is not in ASCII', 'https://töol.example/client'],
    ['a decimal host', 'https://2130706433/client'],
    ['a hexadecimal host', 'https://0x7f000001/client'],
    ['one slash', 'https:/tool.example/client'],
    ['no host', 'https:///client'],
    ['our own host', 'https://mandate.example/client'],
  ])('is refused with %s', (_what, id) => {
    expect(documentUrlProblem(id, issuer)).toEqual(expect.any(String));
  });

  test.each([
    ['https://tool.example/client', true],
    ['HTTP://tool.example', true],
    ['dcr_abc', false],
    ['acme-web', false],
    ['ftp://tool.example/client', false],
  ])('%s looks like the URL of a document: %s', (id, looks) => {
    expect(looksLikeDocumentUrl(id)).toBe(looks);
  });
});
