/** Words for each letter, as plain text and as simple HTML of the same content. Pure. */
import type { DocumentPart } from '../clients/document-difference.ts';
import type { Words } from '../http/messages.ts';
import type { Deliverable, SignInChange } from './letter.ts';

export interface WrittenLetter {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

interface Draft {
  readonly subject: string;
  readonly paragraphs: readonly string[];
  readonly action: { readonly label: string; readonly href: string };
  /** What to do when it was not oneself. */
  readonly otherwise: string;
}

const signInChanges = {
  passkey_added: 'mail.sign_in_changed.passkey_added',
  passkey_removed: 'mail.sign_in_changed.passkey_removed',
  passkey_doubtful: 'mail.sign_in_changed.passkey_doubtful',
  second_factor_added: 'mail.sign_in_changed.second_factor_added',
  second_factor_removed: 'mail.sign_in_changed.second_factor_removed',
  upstream_linked: 'mail.sign_in_changed.upstream_linked',
  upstream_unlinked: 'mail.sign_in_changed.upstream_unlinked',
  recovery_code_used: 'mail.sign_in_changed.recovery_code_used',
  address_changed: 'mail.sign_in_changed.address_changed',
} as const satisfies Record<SignInChange, string>;
const documentParts = {
  name: 'mail.document_changed.name',
  redirects: 'mail.document_changed.redirects',
  authentication: 'mail.document_changed.authentication',
  keys: 'mail.document_changed.keys',
} as const satisfies Record<DocumentPart, string>;
const longestName = 80;
const longestQuote = 500;

/**
 * Writes a letter. Every link begins with the issuer: what a request claims to have come to is never part of one.
 * @param issuer scheme, host and port
 */
export function writeLetter(letter: Deliverable, issuer: string, words: Words): WrittenLetter {
  const { subject, paragraphs, action, otherwise } = draft(letter, issuer, words);
  const footer = words.t('mail.footer', { issuer });
  const text = [...paragraphs, `${action.label}:\n${action.href}`, otherwise, `-- \n${footer}`].join('\n\n');
  const html = [
    '<!doctype html>',
    `<html lang="${words.locale}"><head><meta charset="utf-8"><title>${inHtml(subject)}</title></head>`,
    '<body style="font-family:system-ui,sans-serif;line-height:1.5;max-width:36em;margin:2em auto;padding:0 1em">',
    ...paragraphs.map((paragraph) => `<p>${inHtml(paragraph)}</p>`),
    `<p><a href="${inHtml(action.href)}">${inHtml(action.label)}</a></p>`,
    `<p>${inHtml(action.href)}</p>`,
    `<p>${inHtml(otherwise)}</p>`,
    `<hr><p><small>${inHtml(footer)}</small></p>`,
    '</body></html>',
  ].join('\n');
  return { subject: oneLine(subject), text: `${text}\n`, html };
}

function draft(letter: Deliverable, issuer: string, words: Words): Draft {
  const { t } = words;
  const open = (path: string, label: string) => ({ label, href: `${issuer}${path}` });
  const link = (path: string, name: string, value: string, label: string) =>
    open(`${path}?${new URLSearchParams({ [name]: value })}`, label);
  const authorization = (id: string) =>
    open(`/account/authorizations/${encodeURIComponent(id)}`, t('mail.look_at_it'));
  const by = (address: string | null) => address ?? t('mail.somebody');
  switch (letter.kind) {
    case 'invitation':
      return {
        subject: t('mail.invitation.subject'),
        paragraphs: [
          t('mail.invitation.text', { by: letter.by, issuer }),
          t('mail.invitation.until', { until: words.exact(letter.until) }),
        ],
        action: link('/invitation', 'token', letter.token, t('mail.invitation.action')),
        otherwise: t('mail.invitation.otherwise'),
      };
    case 'password_reset':
      return {
        subject: t('mail.reset.subject'),
        paragraphs: [
          t('mail.reset.text', { account: letter.to, issuer }),
          t('mail.reset.until', { until: words.exact(letter.until) }),
        ],
        action: link('/reset-password', 'token', letter.token, t('mail.reset.action')),
        otherwise: t('mail.reset.otherwise'),
      };
    case 'sign_in_changed':
      return {
        subject: t(signInChanges[letter.what]),
        paragraphs: [t('mail.sign_in_changed.text', { account: letter.to, issuer })],
        action: open('/account/security', t('mail.sign_in_changed.action')),
        otherwise: t('mail.sign_in_changed.otherwise'),
      };
    case 'password_changed':
      return {
        subject: t('mail.password_changed.subject'),
        paragraphs: [t('mail.password_changed.text', { account: letter.to, issuer })],
        action: open('/forgot-password', t('mail.password_changed.action')),
        otherwise: t('mail.password_changed.otherwise'),
      };
    case 'key_made':
      return {
        subject: t('mail.key_made.subject'),
        paragraphs: [t('mail.key_made.text', { key: named(letter.key), by: by(letter.by) })],
        action: authorization(letter.authorizationId),
        otherwise: t('mail.key_made.otherwise'),
      };
    case 'key_leaked':
      return {
        subject: t('mail.key_leaked.subject'),
        paragraphs: [t('mail.key_leaked.text', { key: named(letter.key) })],
        action: authorization(letter.authorizationId),
        otherwise: t('mail.key_leaked.otherwise'),
      };
    case 'key_moved_here':
      return {
        subject: t('mail.key_moved_here.subject'),
        paragraphs: [t('mail.key_moved_here.text', { key: named(letter.key), by: by(letter.by) })],
        action: authorization(letter.authorizationId),
        otherwise: t('mail.key_made.otherwise'),
      };
    case 'key_moved_away':
      return {
        subject: t('mail.key_moved_away.subject'),
        paragraphs: [t('mail.key_moved_away.text', { key: named(letter.key), by: by(letter.by) })],
        action: open('/account/authorizations', t('mail.look_at_all')),
        otherwise: t('mail.key_moved_away.otherwise'),
      };
    case 'approval_requested':
      return {
        subject: t('mail.approval_requested.subject'),
        paragraphs: [
          t('mail.approval_requested.text', {
            by: by(letter.by),
            items: words.list([...letter.capabilities]),
          }),
          t('mail.approval_requested.because', { text: quoted(letter.justification) }),
        ],
        action: open('/admin/approvals', t('mail.approval_requested.action')),
        otherwise: t('mail.approval_requested.otherwise'),
      };
    case 'approval_given':
      return {
        subject: t('mail.approval_given.subject'),
        paragraphs: [
          t('mail.approval_given.text', { item: letter.capability }),
          ...noted(letter.note, words),
        ],
        action: authorization(letter.authorizationId),
        otherwise: t('mail.approval_given.otherwise'),
      };
    case 'approval_declined':
      return {
        subject: t('mail.approval_declined.subject'),
        paragraphs: [
          t('mail.approval_declined.text', { item: letter.capability }),
          ...noted(letter.note, words),
        ],
        action: authorization(letter.authorizationId),
        otherwise: t('mail.approval_declined.otherwise'),
      };
    case 'document_changed':
      return {
        subject: t('mail.document_changed.subject'),
        paragraphs: [
          t('mail.document_changed.text', {
            tool: quoted(letter.clientId),
            parts: words.list(letter.parts.map((part) => t(documentParts[part]))),
          }),
          ...(letter.wasVerified ? [t('mail.document_changed.unverified')] : []),
        ],
        // A sign-in on the way leads back to no path with a slash in a name.
        action: link('/admin/clients', 'search', letter.clientId, t('mail.look_at_it')),
        otherwise: t('mail.document_changed.otherwise'),
      };
    case 'tool_set_up':
      return {
        subject: t('mail.tool_set_up.subject'),
        paragraphs: [
          t('mail.tool_set_up.text', {
            tool: letter.tool === null ? t('mail.a_tool') : named(letter.tool),
            issuer: quoted(letter.issuer),
          }),
        ],
        action: authorization(letter.authorizationId),
        otherwise: t('mail.tool_set_up.otherwise'),
      };
    case 'tokens_replayed':
      return {
        subject: t('mail.tokens_replayed.subject'),
        paragraphs: [
          t('mail.tokens_replayed.text', {
            tool: letter.tool === null ? t('mail.a_tool') : named(letter.tool),
          }),
        ],
        action: authorization(letter.authorizationId),
        otherwise: t('mail.tokens_replayed.otherwise'),
      };
  }
}

/** What whoever decided added, if anything. */
const noted = (note: string | null, { t }: Words) =>
  note === null ? [] : [t('mail.approval_given.note', { text: quoted(note) })];

/** A name that somebody else chose: one line of bounded length that no mail program takes for a link or an order of its own. */
const named = (name: string) => plainly(name, longestName);
/** What somebody else wrote. */
const quoted = (text: string) => plainly(text, longestQuote);

function plainly(text: string, longest: number): string {
  const plain = oneLine(text)
    .replaceAll(/[\u202a-\u202e\u2066-\u2069\u200b-\u200f]/gu, '')
    .replaceAll('://', ': / /');
  return [...plain].length > longest ? `${[...plain].slice(0, longest).join('')}…` : plain;
}

const oneLine = (text: string) => text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();

function inHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
