import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { violationsOf } from '../../../src/operations/csp-reports.ts';

const issuer = 'https://mandate.example';
const body = {
  documentURL: `${issuer}/interaction/only-for-one-browser/consent?x=secret`,
  effectiveDirective: 'script-src-elem',
  blockedURL: 'https://evil.example/a.js?token=secret',
  lineNumber: 12,
};

test('both shapes of a report are read, and nothing of them that could be a secret', () => {
  const expected = [
    { directive: 'script-src-elem', blocked: 'https://evil.example', page: 'interaction', line: 12 },
  ];
  expect(violationsOf([{ type: 'csp-violation', body }], issuer)).toEqual(expected);
  expect(
    violationsOf(
      {
        'csp-report': {
          'document-uri': body.documentURL,
          'violated-directive': "script-src-elem 'self'",
          'blocked-uri': body.blockedURL,
          'line-number': 12,
        },
      },
      issuer,
    ),
  ).toEqual(expected);
});

test('what is blocked may be a word, or a scheme', () => {
  const blocked = (blockedURL: string) =>
    violationsOf([{ body: { ...body, blockedURL } }], issuer)[0]?.blocked;
  expect(blocked('inline')).toBe('inline');
  expect(blocked('data:text/html,secret')).toBe('data:');
  expect(blocked('chrome-extension://abc/x.js')).toBe('chrome-extension:');
  expect(blocked('A text that\nis no address')).toBe('unknown');
});

test('pages of others, made-up directives and too many reports are left out', () => {
  expect(violationsOf([{ body: { ...body, documentURL: 'https://other.example/' } }], issuer)).toEqual([]);
  expect(violationsOf([{ body: { ...body, effectiveDirective: '<script>' } }], issuer)).toEqual([]);
  expect(
    violationsOf(
      Array.from({ length: 50 }, () => ({ body })),
      issuer,
    ),
  ).toHaveLength(10);
});

test('whatever is sent, reading it does not throw', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(violationsOf(value, issuer)).toEqual([]);
      expect(violationsOf([{ body: value }], issuer)).toEqual([]);
    }),
  );
});
