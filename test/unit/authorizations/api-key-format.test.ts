import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isApiKey, looksLikeApiKey, writeApiKey } from '../../../src/authorizations/api-key-format.ts';

const random = fc.uint8Array({ minLength: 32, maxLength: 32 });

test('a key is mk_, 43 base62 characters and 6 of their CRC-32', () => {
  fc.assert(
    fc.property(random, (bytes) => {
      const key = writeApiKey(bytes);
      expect(key).toMatch(/^mk_[0-9A-Za-z]{49}$/);
      expect(isApiKey(key)).toBe(true);
      expect(looksLikeApiKey(key)).toBe(true);
    }),
  );
  expect(writeApiKey(new Uint8Array(32))).toMatch(/^mk_0{43}/);
});

test('two keys are the same only when their bytes are', () => {
  fc.assert(
    fc.property(random, random, (one, other) => {
      expect(writeApiKey(one) === writeApiKey(other)).toBe(Buffer.from(one).equals(Buffer.from(other)));
    }),
  );
});

test('one wrong character is told without a look at the database', () => {
  fc.assert(
    fc.property(random, fc.nat(48), fc.constantFrom(...'0aZ-_ é'), (bytes, at, character) => {
      const key = writeApiKey(bytes);
      const wrong = key.slice(0, 3 + at) + character + key.slice(4 + at);
      expect(isApiKey(wrong)).toBe(wrong === key);
    }),
  );
});

test.each(['', 'mk_', 'sk_'.padEnd(52, '0'), `${writeApiKey(new Uint8Array(32))}0`, '\u0000'])(
  'is not a key: %j',
  (text) => {
    expect(isApiKey(text)).toBe(false);
  },
);
