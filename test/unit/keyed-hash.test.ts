import { createHmac, randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { createKeyedHash } from '../../src/keyed-hash.ts';

const base64url = (hex: string) => Buffer.from(hex, 'hex').toString('base64url');

test.each([
  {
    key: Buffer.alloc(20, 0x0b),
    text: 'Hi There',
    mac: 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
  },
  {
    key: Buffer.from('Jefe'),
    text: 'what do ya want for nothing?',
    mac: '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  },
])('a keyed hash is an HMAC-SHA-256: RFC 4231, $text', ({ key, text, mac }) => {
  expect(createKeyedHash(key)(text)).toBe(base64url(mac));
});

test('a keyed hash is the HMAC of any text, whatever was hashed before it', () => {
  const key = randomBytes(32);
  const keyedHash = createKeyedHash(key);
  const lengths = [0, 1, 43, 63, 64, 65, 1_023, 1_024, 1_025, 5_000, 2, 55, 56];
  for (const length of lengths) {
    for (const text of ['a'.repeat(length), 'ü€😀'.repeat(length / 3), 'lone \ud800'.repeat(length / 6)]) {
      expect(keyedHash(text)).toBe(createHmac('sha256', key).update(text).digest('base64url'));
    }
  }
});

test('a keyed hash takes keys of up to one block', () => {
  const key = randomBytes(64);
  expect(createKeyedHash(key)('text')).toBe(createHmac('sha256', key).update('text').digest('base64url'));
  expect(() => createKeyedHash(randomBytes(65))).toThrow(RangeError);
});
