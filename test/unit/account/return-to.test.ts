import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { returnTo } from '../../../src/account/return-to.ts';

test.each(['/account', '/account/authorizations?tab=api-keys&q=a%20b', '/admin/users/usr_01'])(
  'leads to %s',
  (path) => {
    expect(returnTo(path)).toBe(path);
  },
);

test('never leads to another origin, nor out of the areas that take a sign-in', () => {
  const pieces = fc.constantFrom(
    '/',
    '\\',
    '.',
    '..',
    '%2f',
    '%2e',
    '@',
    ':',
    'account',
    'admin',
    'evil',
    '?',
    '#',
    '\t',
    ' ',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
      const target = returnTo(parts.join(''));
      if (target === undefined) return;
      const url = new URL(target, 'https://mandate.example');
      expect(url.origin).toBe('https://mandate.example');
      expect(url.pathname).toMatch(/^\/(account|admin)(\/|$)/);
    }),
    { numRuns: 2_000 },
  );
});
