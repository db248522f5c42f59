/** How mail leaves: to an SMTP server, or in development into a folder. Owns the connection's settings; knows no letter. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WrittenLetter } from './write-letter.ts';

/** Where mail goes. */
export type MailRoute =
  | { readonly kind: 'smtp'; readonly url: string }
  | { readonly kind: 'folder'; readonly path: string }
  /** Production without an SMTP server: no mail at all. */
  | { readonly kind: 'none' };

export interface OutgoingMail extends WrittenLetter {
  /** The same at every try: a receiver that got it twice shows it once. */
  readonly id: string;
  readonly to: string;
}

/** Mail that could not be handed over. */
export class MailNotTaken extends Error {
  override readonly name = 'MailNotTaken';
  /** A short code; what the other side wrote may hold anything. */
  readonly code: string;
  /** The other side said that no other try will do better (RFC 5321 section 4.2.1: 5yz). */
  readonly final: boolean;

  constructor(code: string, final: boolean, cause?: unknown) {
    super(code, { cause });
    this.code = code;
    this.final = final;
  }
}

export interface Transport {
  /** @throws MailNotTaken */
  send(mail: OutgoingMail): Promise<void>;
}

const patience = { connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 20_000 };

/** Creates the transport of a route. @param from `Name <address>` */
export function createTransport(
  route: MailRoute,
  { from, issuer }: { from: string; issuer: string },
): Transport | undefined {
  const message = ({ id, to, subject, text, html }: OutgoingMail) => ({
    from,
    // As a structure: an address is never read as a list of them.
    to: { name: '', address: to },
    subject,
    text,
    html,
    messageId: `<${id}@${new URL(issuer).hostname}>`,
    // RFC 3834 section 5: no automatic answers to this.
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  switch (route.kind) {
    case 'none':
      return undefined;
    case 'folder':
      return {
        async send(mail) {
          await mkdir(route.path, { recursive: true, mode: 0o700 });
          await writeFile(join(route.path, fileNameOf(mail.id)), legibleMail(from, mail), { mode: 0o600 });
        },
      };
    case 'smtp': {
      const settings = smtpSettings(route.url);
      return {
        async send(mail) {
          const { createTransport: create } = await import('nodemailer');
          try {
            await create({ ...settings, ...patience }).sendMail(message(mail));
          } catch (cause) {
            const { code = 'unknown', responseCode } = cause as { code?: string; responseCode?: number };
            const final = responseCode !== undefined && responseCode >= 500 && code !== 'EAUTH';
            throw new MailNotTaken(responseCode === undefined ? code : `${code} ${responseCode}`, final);
          }
        },
      };
    }
  }
}

/** Writes a mail (RFC 5322) whose links stay whole, so that they can be copied out of the file. Pure. */
function legibleMail(from: string, { id, to, subject, text, html }: OutgoingMail): string {
  const inHeader = (value: string) => value.replaceAll(/[\r\n]+/g, ' ');
  const part = (type: string, content: string) => [
    `--${id}`,
    `Content-Type: text/${type}; charset=utf-8`,
    'Content-Transfer-Encoding: 8bit',
    '',
    content,
  ];
  return [
    `From: ${inHeader(from)}`,
    `To: ${inHeader(to)}`,
    `Subject: =?utf-8?B?${Buffer.from(subject).toString('base64')}?=`,
    'MIME-Version: 1.0',
    `Content-Type: multipart/alternative; boundary="${id}"`,
    '',
    ...part('plain', text),
    ...part('html', html),
    `--${id}--`,
    '',
  ].join('\n');
}

/** Name of the file that a mail is written to, in development. Pure. */
export function fileNameOf(id: string): string {
  return `${id}.eml`;
}

/**
 * Reads the URL of an SMTP server. Pure. Links that sign somebody in travel in this mail: without TLS only to this machine, or where
 * the operator said so.
 */
export function smtpSettings(url: string) {
  const { protocol, hostname, port, username, password, searchParams } = new URL(url);
  const secure = protocol === 'smtps:';
  const host = hostname.replace(/^\[|\]$/g, '');
  const local = host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
  return {
    host,
    port: port === '' ? (secure ? 465 : 587) : Number(port),
    secure,
    requireTLS: !secure && !local && searchParams.get('tls') !== 'optional',
    ...(username !== '' && {
      auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) },
    }),
  };
}
