/**
 * Mail: what is in the outbox is written in the reader's language and handed to a transport, off every request's path. Owns the
 * sending and its retries; does not own the outbox (`outbox.ts`), nor when something is worth a letter (`notices.ts`, invitations,
 * forgotten passwords).
 */
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Locale } from '../http/locale.ts';
import type { Messages } from '../http/messages.ts';
import type { LabelledCounters } from '../operations/labelled-counters.ts';
import type { Deliverable, Letter } from './letter.ts';
import type { ClaimedLetter, Outbox } from './outbox.ts';
import { createTransport, fileNameOf, MailNotTaken, type MailRoute } from './transport.ts';
import { writeLetter } from './write-letter.ts';

/** What an operator sets. */
export interface MailSettings {
  readonly route: MailRoute;
  /** `Name <address>`. */
  readonly from: string;
  /** Of letters that no page was the occasion for. */
  readonly language: Locale;
}

export interface Mail {
  /** Whether mail leaves at all; what needs it says so otherwise. */
  readonly available: boolean;
  /** The file that a letter is written to where mail goes to a folder. */
  fileOf(id: string): string | undefined;
  /** Sends what is due. @returns how many letters were sent */
  sendDue(): Promise<number>;
  /** Sends what is due from now on. @returns what ends it, giving what is being sent three seconds to leave */
  start(): () => Promise<void>;
}

const atOnce = 20;
const lookEveryMilliseconds = 1_000;
const stopWithinMilliseconds = 3_000;

/** A server that sends nothing. */
export const noMail: MailSettings = {
  route: { kind: 'none' },
  from: 'Mandate <mandate@localhost>',
  language: 'en',
};

export interface MailDependencies {
  readonly issuer: string;
  readonly settings: MailSettings;
  readonly outbox: Outbox;
  readonly messages: Messages;
  readonly log: Logger;
  /** Of tries, by what came of them. */
  readonly mails: LabelledCounters;
  /** Finds out what a wish for a new password comes to; undefined: no such account, so nobody is written to. */
  answerReset(email: string): Promise<Deliverable | undefined>;
}

/** Creates the sender. */
export function createMail(deps: MailDependencies): Mail {
  const { issuer, settings, outbox, messages, log, mails } = deps;
  const transport = createTransport(settings.route, { ...settings, issuer });
  const counters = { sent: mails.of('sent'), failed: mails.of('failed'), givenUp: mails.of('given_up') };
  let sending: Promise<number> | undefined;

  const deliverable = async (letter: Letter): Promise<Deliverable | undefined> =>
    letter.kind === 'password_reset_wanted' ? await deps.answerReset(letter.email) : letter;

  async function send({ id, kind, locale, letter, last }: ClaimedLetter): Promise<boolean> {
    if (!letter) {
      await outbox.failed(id, 'sealed_otherwise', true);
      counters.givenUp.n += 1;
      log.warn({ mail: id, kind }, 'a mail was sealed under another MANDATE_SECRET and is given up');
      return false;
    }
    if (!transport) {
      await outbox.failed(id, 'no_transport', true);
      counters.givenUp.n += 1;
      log.warn({ mail: id, kind }, 'a mail was not sent: SMTP_URL is not set');
      return false;
    }
    const ready = await deliverable(letter);
    if (ready) {
      const written = writeLetter(ready, issuer, messages.words(locale ?? settings.language));
      try {
        await transport.send({ id, to: ready.to, ...written });
        counters.sent.n += 1;
      } catch (error) {
        const { code, final } =
          error instanceof MailNotTaken ? error : new MailNotTaken('not_written', false, error);
        const givenUp = final || last;
        counters[givenUp ? 'givenUp' : 'failed'].n += 1;
        await outbox.failed(id, code, givenUp);
        log.warn({ mail: id, kind, code, givenUp }, 'a mail could not be sent');
        return false;
      }
    }
    await outbox.sent(id);
    return ready !== undefined;
  }

  async function sendAll(): Promise<number> {
    let sent = 0;
    for (;;) {
      const claimed = await outbox.claimDue(atOnce);
      for (const letter of claimed) if (await send(letter)) sent += 1;
      if (claimed.length === 0) return sent;
    }
  }

  function sendDue(): Promise<number> {
    // Within one process one round at a time; between nodes the claim decides.
    sending ??= sendAll().finally(() => {
      sending = undefined;
    });
    return sending;
  }

  return {
    available: transport !== undefined,
    fileOf: (id) =>
      settings.route.kind === 'folder' ? join(settings.route.path, fileNameOf(id)) : undefined,
    sendDue,
    start() {
      const look = () =>
        void sendDue().catch((error: unknown) => log.warn({ err: error }, 'the outbox could not be read'));
      const timer = setInterval(look, lookEveryMilliseconds).unref();
      return async () => {
        clearInterval(timer);
        if (!sending) return;
        // A mail server that hangs does not hold a stop up: what it may not have taken is tried again by whoever comes next.
        const patience = setTimeout(stopWithinMilliseconds, undefined, { ref: false });
        await Promise.race([sending.catch(() => {}), patience]);
      };
    },
  };
}
