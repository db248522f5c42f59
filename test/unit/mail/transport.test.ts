import { expect, test } from '@jest/globals';
import { smtpSettings } from '../../../src/mail/transport.ts';

test.each([
  ['smtp://mail.example', { host: 'mail.example', port: 587, secure: false, requireTLS: true }],
  ['smtps://mail.example', { host: 'mail.example', port: 465, secure: true, requireTLS: false }],
  ['smtp://mail.example:25?tls=optional', { port: 25, secure: false, requireTLS: false }],
  ['smtp://localhost:1025', { host: 'localhost', port: 1_025, requireTLS: false }],
  ['smtp://[::1]:1025', { host: '::1', requireTLS: false }],
  ['smtp://u%40x:p%3Aq@mail.example', { auth: { user: 'u@x', pass: 'p:q' }, requireTLS: true }],
])('%s is read as what it says', (url, settings) => {
  expect(smtpSettings(url)).toMatchObject(settings);
});

test('links travel without TLS only to this machine, or where the operator said so', () => {
  for (const host of ['localhost.evil.test', '127.evil.test.', '10.0.0.1', 'mail.example']) {
    const { secure, requireTLS } = smtpSettings(`smtp://${host}`);
    expect([host, secure || requireTLS]).toEqual([host, true]);
  }
});
