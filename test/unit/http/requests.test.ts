import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { isOutage } from '../../../db/outage.ts';
import { readConfig } from '../../../src/config.ts';
import { refuseOtherHost } from '../../../src/http/canonical-host.ts';
import { addressBlock, clientAddress, createTrustedProxies } from '../../../src/http/client-address.ts';
import { failureOf } from '../../../src/http/failures.ts';
import { parseForm } from '../../../src/http/read-form.ts';
import { isOurOwnPage } from '../../../src/http/same-site.ts';
import { formTarget } from '../../../src/http/security-headers.ts';
import { readBasic } from '../../../src/introspection/caller.ts';

const from = (remoteAddress: string, forwarded?: string) =>
  ({
    socket: { remoteAddress },
    headers: forwarded ? { 'x-forwarded-for': forwarded } : {},
  }) as unknown as IncomingMessage;

const hops = (count: number) => createTrustedProxies({ kind: 'hops', hops: count });

describe('the host that a request names', () => {
  test.each<[string, string | undefined, boolean]>([
    ['https://id.acme.example', 'id.acme.example', true],
    ['https://id.acme.example', 'ID.acme.example', true],
    // As proxies send it that write the port out.
    ['https://id.acme.example', 'id.acme.example:443', true],
    ['http://id.acme.example', 'id.acme.example:80', true],
    ['https://id.acme.example', 'id.acme.example:80', false],
    ['https://id.acme.example', 'id.acme.example:8443', false],
    ['https://id.acme.example:8443', 'id.acme.example:8443', true],
    ['https://id.acme.example:8443', 'id.acme.example', false],
    ['https://id.acme.example:8443', 'id.acme.example:8443:443', false],
    ['https://id.acme.example', 'evil.example:443', false],
    ['https://id.acme.example', undefined, false],
  ])('of %s, %s: %s', (issuer, host, ours) => {
    let status = 0;
    const end = () => {};
    const writeHead = (code: number) => {
      status = code;
      return { end };
    };
    const refused = refuseOtherHost(
      { headers: { host } } as unknown as IncomingMessage,
      { writeHead } as unknown as ServerResponse,
      issuer,
    );
    expect([refused, status]).toEqual(ours ? [false, 0] : [true, 421]);
  });
});

describe('the address of a request', () => {
  test('is the socket’s when no proxy is trusted, whatever a header says', () => {
    expect(clientAddress(from('::ffff:192.0.2.1', '203.0.113.9'), hops(0))).toBe('192.0.2.1');
  });
  test('is what the trusted proxy appended, not what stands left of it', () => {
    expect(clientAddress(from('10.0.0.1', '203.0.113.9, 198.51.100.7'), hops(1))).toBe('198.51.100.7');
    expect(clientAddress(from('10.0.0.1', '203.0.113.9, 198.51.100.7'), hops(2))).toBe('203.0.113.9');
    expect(clientAddress(from('10.0.0.1'), hops(1))).toBe('10.0.0.1');
  });
  test('is the same from every port that the trusted proxy appended with it', () => {
    expect(clientAddress(from('10.0.0.1', '203.0.113.9:4711'), hops(1))).toBe('203.0.113.9');
    expect(clientAddress(from('10.0.0.1', '[2001:db8::7]:4711'), hops(1))).toBe('2001:db8::7');
    expect(clientAddress(from('10.0.0.1', '[2001:db8::7]'), hops(1))).toBe('2001:db8::7');
    expect(clientAddress(from('10.0.0.1', '2001:db8::7'), hops(1))).toBe('2001:db8::7');
  });
  test('counts as one /64 when it is IPv6', () => {
    expect(addressBlock('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
    expect(addressBlock('2001:DB8::1')).toBe('2001:db8:0:0::/64');
    expect(addressBlock('::1')).toBe('0:0:0:0::/64');
    expect(addressBlock('192.0.2.1')).toBe('192.0.2.1');
  });
});

describe('with TRUSTED_PROXIES, the address of a request', () => {
  const { trustedProxies } = readConfig({
    TRUSTED_PROXIES: '10.0.0.0/8, 192.0.2.10, 2001:db8:1::/48, fe80::/10',
  });
  const trusted = createTrustedProxies(trustedProxies);
  test.each([
    ['is the socket’s without a header', '10.0.0.1', undefined, '10.0.0.1'],
    ['is the socket’s when a stranger forges a header', '203.0.113.5', '198.51.100.7', '203.0.113.5'],
    [
      'is the socket’s when a stranger claims to be a proxy',
      '203.0.113.5',
      '198.51.100.7, 10.0.0.1',
      '203.0.113.5',
    ],
    ['is what a proxy appended', '10.0.0.1', '198.51.100.7', '198.51.100.7'],
    [
      'is what a proxy appended, not what the client wrote',
      '10.0.0.1',
      '1.1.1.1, 198.51.100.7',
      '198.51.100.7',
    ],
    [
      'is found behind several proxies',
      '10.0.0.1',
      '1.1.1.1, 198.51.100.7, 192.0.2.10, 10.9.9.9',
      '198.51.100.7',
    ],
    [
      'stands left of a proxy that the client named as its own',
      '10.0.0.1',
      '10.2.3.4, 198.51.100.7',
      '198.51.100.7',
    ],
    ['is the first proxy’s when all are proxies', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['is that of a single address that is trusted', '192.0.2.10', '198.51.100.7', '198.51.100.7'],
    ['is not believed from its neighbour', '192.0.2.11', '198.51.100.7', '192.0.2.11'],
    ['is found behind a proxy of IPv6', '2001:db8:1:2::3', '2001:db8:2::7', '2001:db8:2::7'],
    ['is not believed from IPv6 outside the network', '2001:db8:2::3', '198.51.100.7', '2001:db8:2::3'],
    ['is found behind a proxy of a link with a zone', 'fe80::1%eth0', '198.51.100.7', '198.51.100.7'],
    ['takes an IPv4 proxy in its IPv6 spelling', '::ffff:10.0.0.1', '::ffff:198.51.100.7', '198.51.100.7'],
    ['takes that spelling in hexadecimal', '::ffff:a00:1', '198.51.100.7', '198.51.100.7'],
    ['leaves a port out', '10.0.0.1', '198.51.100.7:4711', '198.51.100.7'],
    ['leaves a port of IPv6 out', '10.0.0.1', '[2001:db8:2::7]:4711', '2001:db8:2::7'],
    ['is the proxy’s when it does not know', '10.0.0.1', '198.51.100.7, unknown', '10.0.0.1'],
    ['is the proxy’s when the entry is nonsense', '10.0.0.1', "1.1.1.1, 999.1.1.1'--", '10.0.0.1'],
    ['passes over empty entries', '10.0.0.1', ' , 198.51.100.7,, 10.0.0.2 ,', '198.51.100.7'],
  ])('%s', (_name, remote, header, expected) => {
    expect(clientAddress(from(remote, header), trusted)).toBe(expected);
  });

  test.each([
    ['no network', 'proxy.example', 'TRUSTED_PROXIES: proxy.example is no network'],
    ['too long a prefix', '10.0.0.0/33', '10.0.0.0/33 is no network'],
    ['too long a prefix of IPv6', '2001:db8::/129', '2001:db8::/129 is no network'],
    ['a trailing comma', '10.0.0.0/8,', 'an empty entry is no network'],
    ['everybody', '10.0.0.0/8,0.0.0.0/0', '0.0.0.0/0 is everybody'],
    ['everybody of IPv6', '::/0', '::/0 is everybody'],
    ['a zone', 'fe80::1%eth0', 'fe80::1%eth0 is no network'],
  ])('a start is refused with %s', (_name, TRUSTED_PROXIES, problem) => {
    expect(() => readConfig({ TRUSTED_PROXIES })).toThrow(problem);
  });

  test('a start is refused with both settings', () => {
    expect(() => readConfig({ TRUSTED_PROXIES: '10.0.0.0/8', TRUSTED_PROXY_HOPS: '1' })).toThrow(
      'TRUSTED_PROXIES: excludes TRUSTED_PROXY_HOPS; set one of the two',
    );
  });
});

describe('a form comes from our own page', () => {
  const issuer = 'https://id.example';
  test.each([
    ['when the browser says same-origin', { 'sec-fetch-site': 'same-origin', origin: issuer }, true],
    [
      'when the browser hides its origin from a page without referrer',
      { 'sec-fetch-site': 'same-origin', origin: 'null' },
      true,
    ],
    ['when neither header is there', {}, true],
    ['not when the browser says cross-site', { 'sec-fetch-site': 'cross-site', origin: issuer }, false],
    ['not when the browser says same-site', { 'sec-fetch-site': 'same-site' }, false],
    ['not from an opaque origin', { origin: 'null' }, false],
    ['not from another origin', { origin: 'https://evil.example' }, false],
    [
      'not from another origin that claims to be the same',
      { 'sec-fetch-site': 'same-origin', origin: 'https://evil.example' },
      false,
    ],
  ])('%s', (_sentence, headers, expected) => {
    expect(isOurOwnPage(headers, issuer)).toBe(expected);
  });
});

test('a form is read as lists, and no name reaches a prototype', () => {
  const form = parseForm('a=1&a=2&__proto__=x&b=%20+');
  expect(form.get('a')).toEqual(['1', '2']);
  expect(form.get('__proto__')).toEqual(['x']);
  expect(form.get('b')).toEqual(['  ']);
  expect(form.get('toString')).toBeUndefined();
});

test.each([
  ['https://tool.example/cb?x', 'https://tool.example'],
  ['http://127.0.0.1:3000/cb', 'http://127.0.0.1:3000'],
  ['http://[::1]:3000/cb', 'http:'],
  ['cursor://host/cb', 'cursor:'],
])('a page may send its form on to %s as %s', (uri, target) => {
  expect(formTarget(uri)).toBe(target);
});

describe('HTTP Basic (RFC 6749 section 2.3.1)', () => {
  const header = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
  test('is form-decoded', () => {
    expect(readBasic(header('a%3Ab:c+d%25'))).toEqual({ name: 'a:b', secret: 'c d%' });
  });
  test.each([
    ['Bearer x'],
    ['Basic'],
    [header('no colon')],
    [header(':secret')],
    [header('a:%zz')],
    ['Basic !!!'],
  ])('is refused when it is %s', (text) => expect(readBasic(text)).toBeUndefined());
});

describe('an unexpected error', () => {
  const coded = (code: string) => Object.assign(new Error('x'), { code });
  test.each([['SQLITE_BUSY'], ['SQLITE_FULL'], ['ECONNREFUSED'], ['57P01'], ['53300']])(
    'is an outage when its code is %s, however deep',
    (code) => {
      expect(isOutage(coded(code))).toBe(true);
      expect(failureOf(new Error('outer', { cause: coded(code) }))).toEqual({ kind: 'outage' });
    },
  );
  test('is an outage when the driver says so in words', () => {
    for (const said of ['Connection terminated unexpectedly', 'Client was closed and is not queryable']) {
      expect(isOutage(new Error('outer', { cause: new Error(said) }))).toBe(true);
    }
  });

  test('is a mistake of ours otherwise', () => {
    expect(failureOf(new TypeError('undefined is not a function'))).toEqual({ kind: 'bug' });
    expect(failureOf(coded('SQLITE_CONSTRAINT_UNIQUE'))).toEqual({ kind: 'bug' });
    expect(failureOf('text')).toEqual({ kind: 'bug' });
  });
});
