import { describe, expect, test } from '@jest/globals';
import { locales } from '../../../src/http/locale.ts';
import type { Deliverable } from '../../../src/mail/letter.ts';
import { writeLetter } from '../../../src/mail/write-letter.ts';
import { messages } from '../../support/sample-pages.ts';

const issuer = 'https://mandate.example';
const key = { to: 'ada@acme.test', key: 'nightly', by: 'owner@acme.test', authorizationId: 'az_1' };
const letters: Deliverable[] = [
  { kind: 'invitation', to: 'ada@acme.test', by: 'owner@acme.test', token: 'tok', until: 1_790_000_000 },
  { kind: 'password_reset', to: 'ada@acme.test', token: 'tok', until: 1_790_000_000 },
  { kind: 'password_changed', to: 'ada@acme.test' },
  { kind: 'sign_in_changed', to: 'ada@acme.test', what: 'second_factor_removed' },
  { kind: 'key_made', ...key },
  { kind: 'key_leaked', ...key, by: null },
  { kind: 'key_moved_here', ...key },
  { kind: 'key_moved_away', ...key },
  {
    kind: 'approval_requested',
    to: 'ada@acme.test',
    capabilities: ['secrets:edit'],
    justification: 'to rotate https://vault.test keys',
    by: 'ben@acme.test',
  },
  {
    kind: 'approval_given',
    to: 'ada@acme.test',
    capability: 'secrets:edit',
    note: null,
    authorizationId: 'az_1',
  },
  {
    kind: 'approval_declined',
    to: 'ada@acme.test',
    capability: 'secrets:edit',
    note: 'no',
    authorizationId: 'az_1',
  },
  {
    kind: 'document_changed',
    to: 'ada@acme.test',
    clientId: 'https://tool.example/client.json',
    parts: ['name', 'redirects', 'authentication', 'keys'],
    wasVerified: true,
  },
  {
    kind: 'tool_set_up',
    to: 'ada@acme.test',
    tool: 'Assistant',
    issuer: 'https://login.acme.example',
    authorizationId: 'az_1',
  },
  { kind: 'tokens_replayed', to: 'ada@acme.test', tool: null, authorizationId: 'az_1' },
];

describe.each(locales)('letters in %s', (locale) => {
  test.each(letters)('$kind has a subject, the same words twice, and links to the issuer alone', (letter) => {
    const { subject, text, html } = writeLetter(letter, issuer, messages.words(locale));
    expect(subject).not.toMatch(/[{}\r\n]/);
    expect(text).not.toMatch(/[{}]/);
    const links = [...`${text} ${html}`.matchAll(/https?:\/\/[^\s"<]+/g)].map(([link]) =>
      link.replace(/[.,]$/, ''),
    );
    expect(links.length).toBeGreaterThan(3);
    expect(links.filter((link) => new URL(link).origin !== issuer)).toEqual([]);
    for (const line of text.split('\n').filter((one) => one !== '' && one !== '-- ')) {
      const escaped = line.replaceAll('&', '&amp;').replace(/:$/, '');
      expect(html).toContain(escaped);
    }
  });
});

test('what a stranger named neither breaks out of its line, nor of the markup, nor runs on', () => {
  const name = '<img src=x>\r\nBcc: all@evil.test\u202e https://evil.test/now "& '.padEnd(500, 'x');
  const letter = { kind: 'key_made', ...key, key: name } as const;
  const { text, html, subject } = writeLetter(letter, issuer, messages.words('en'));
  expect(html).not.toContain('<img');
  expect(html).not.toContain('https://evil');
  expect(text).not.toMatch(/^Bcc:/m);
  expect(`${text}${html}`).not.toMatch(/\u202e|x{60}/);
  expect(subject).toBe('An API key was made for you');
});
