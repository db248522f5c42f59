import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { isOutage } from '../../../db/outage.ts';
import { addressBlock, clientAddress } from '../../../src/http/client-address.ts';
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

describe('the address of a request', () => {
  test('is the socket’s when no proxy is trusted, whatever a header says', () => {
    expect(clientAddress(from('::ffff:192.0.2.1', '203.0.113.9'), 0)).toBe('192.0.2.1');
  });
  test('is what the trusted proxy appended, not what stands left of it', () => {
    expect(clientAddress(from('10.0.0.1', '203.0.113.9, 198.51.100.7'), 1)).toBe('198.51.100.7');
    expect(clientAddress(from('10.0.0.1', '203.0.113.9, 198.51.100.7'), 2)).toBe('203.0.113.9');
    expect(clientAddress(from('10.0.0.1'), 1)).toBe('10.0.0.1');
  });
  test('counts as one /64 when it is IPv6', () => {
    expect(addressBlock('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
    expect(addressBlock('2001:DB8::1')).toBe('2001:db8:0:0::/64');
    expect(addressBlock('::1')).toBe('0:0:0:0::/64');
    expect(addressBlock('192.0.2.1')).toBe('192.0.2.1');
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
