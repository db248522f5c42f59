/** Sample models of the pages that say who somebody is. */
import type { AuthenticatorPage, RecoveryCodesPage } from '../../src/account/second-factor-routes.ts';
import { type SecurityPage, sessionRows } from '../../src/account/security-page.ts';
import type { ConfirmPage } from '../../src/account/step-up.ts';
import type { Words } from '../../src/http/messages.ts';
import { buildSignInPage, type SignInCodePage } from '../../src/interaction/sign-in-page.ts';

/** What a sign-in page offers beside the password. */
export const waysIn = {
  passkey: { action: '/sign-in/passkey', options: '/sign-in/passkey/options' },
  upstream: [{ action: '/sign-in/upstream/acme', label: 'Acme' }],
};

/** Builds one model of each page. */
export function signInSamples({ words, now }: { readonly words: Words; readonly now: number }) {
  const nav = { items: [{ href: '/account/security', label: 'Security', current: true }] };
  const userAgent = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
  const session = { uid: 'u', userAgent, address: '2001:db8::1', signedInAt: now - 90_000, lastSeenAt: now };
  const security: SecurityPage = {
    nav,
    csrf: 'x',
    now,
    notice: { tone: 'good', text: 'Renamed.' },
    email: 'editor@acme.test',
    hasPassword: true,
    passkeys: [
      { id: 'psk_1', name: 'Work laptop', synced: true, createdAt: now - 90_000, lastUsedAt: now - 60 },
      { id: 'psk_2', name: 'Key', synced: false, createdAt: now, lastUsedAt: null },
    ],
    newPasskey: false,
    upstream: {
      providers: [{ name: 'acme', label: 'Acme' }],
      accounts: [
        {
          id: 'ups_1',
          provider: 'Acme',
          account: 'ada.lovelace@acme.example',
          linkedAt: now - 90_000,
          lastUsedAt: null,
        },
      ],
    },
    secondFactor: { enabled: true, since: now - 90_000, recoveryCodesLeft: 1 },
    sessions: sessionRows(
      [
        { ...session, id: 'ses_1', methods: ['pwd', 'otp', 'mfa'] },
        { ...session, id: 'ses_2', uid: 'v', userAgent: 'something', methods: ['upstream:acme'] },
      ],
      'u',
      [{ name: 'acme', label: 'Acme', issuer: 'https://login.acme.example' }],
      words,
    ),
  };
  const confirm: ConfirmPage = {
    action: '/account/security/passkeys/remove',
    csrf: 'x',
    held: 'sealed',
    email: 'editor@acme.test',
    hasPassword: true,
    needsCode: true,
    passkeys: true,
    backHref: '/account/security',
    signInHref: '/sign-in?again=1',
    problem: 'That does not match.',
  };
  const authenticator: AuthenticatorPage = {
    nav,
    csrf: 'x',
    qr: { path: 'M0 0h1v1h-1z', size: 33 },
    secret: 'ABCD EFGH IJKL MNOP',
    backHref: '/account/security',
    problem: 'wrong',
  };
  const codes: RecoveryCodesPage = { nav, codes: ['abcde-fghjk'], backHref: '/account/security' };
  const code: SignInCodePage = {
    action: '/sign-in/code',
    backHref: '/sign-in',
    csrf: 'x',
    problem: { kind: 'wrong' },
  };
  return [
    { name: 'security', template: 'account/security', model: security },
    {
      name: 'security-bare',
      template: 'account/security',
      model: {
        ...security,
        hasPassword: false,
        passkeys: [],
        newPasskey: true,
        secondFactor: { enabled: false, since: undefined, recoveryCodesLeft: 0 },
      },
    },
    { name: 'confirm', template: 'account/confirm', model: confirm },
    { name: 'confirm-passkey', template: 'account/confirm', model: { ...confirm, hasPassword: false } },
    { name: 'authenticator', template: 'account/authenticator', model: authenticator },
    { name: 'recovery-codes', template: 'account/recovery-codes', model: codes },
    {
      name: 'sign-in-upstream',
      template: 'sign-in',
      model: buildSignInPage({
        action: '/sign-in',
        csrf: 'x',
        ...waysIn,
        problem: { kind: 'upstream', text: words.t('sign_in.upstream.unknown', { provider: 'Acme' }) },
      }),
    },
    {
      name: 'upstream-leave',
      template: 'upstream-leave',
      model: { label: 'Acme', href: 'https://login.acme.example/authorize', host: 'login.acme.example' },
    },
    { name: 'sign-in-code', template: 'sign-in-code', model: code },
  ];
}
