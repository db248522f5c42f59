/** The error page: what happened, why, what to do next, and the id that finds it in the log. */

import type { Words } from './messages.ts';

/** `error.ejs`. */
export interface ErrorPage {
  readonly status: number;
  readonly title: string;
  readonly happened: string;
  readonly why: string;
  readonly next: string;
  readonly requestId: string;
  /** The protocol's own error code, for whoever builds the tool. */
  readonly code?: string;
  /** The protocol's own sentence; plain text, shown as a quotation. */
  readonly detail?: string;
  readonly links: readonly { readonly href: string; readonly label: string }[];
  /** The tool as it names itself to the protocol. */
  readonly clientId?: string;
  /** When what is wrong now was last right; in words. */
  readonly lastGood?: string;
}

/** Every kind of error that has a page; the catalogue says four sentences about each. */
export const errorKinds = [
  'not_found',
  'interaction_expired',
  'link_ended',
  'sign_in_ended',
  'form_refused',
  'signed_out',
  'changed_meanwhile',
  'account_changed',
  'rate_limited',
  'bad_request',
  'client_gone',
  'client_disabled',
  'document_unreachable',
  'document_unusable',
  'forbidden',
  'unavailable',
  'busy',
  'internal',
] as const;

export type ErrorKind = (typeof errorKinds)[number];

/** What an error page is told beside its kind. */
export interface ErrorFacts {
  readonly status: number;
  readonly code?: string | undefined;
  readonly detail?: string | undefined;
  readonly links?: ErrorPage['links'];
  readonly clientId?: string | undefined;
  /** Integer seconds. */
  readonly lastGoodAt?: number | undefined;
  /** Names more exact advice than the kind's own: `error.<kind>.next_<advice>`. */
  readonly advice?: string | undefined;
}

/** Builds the error page in the reader's words. Pure. */
export function buildErrorPage(
  kind: ErrorKind,
  facts: ErrorFacts & { readonly requestId: string },
  words: Words,
): ErrorPage {
  return {
    status: facts.status,
    title: words.t(`error.${kind}.title`),
    happened: words.t(`error.${kind}.happened`),
    why: words.t(`error.${kind}.why`),
    next: words.t(`error.${kind}.${facts.advice === undefined ? 'next' : `next_${facts.advice}`}`),
    requestId: facts.requestId,
    ...(facts.code !== undefined && { code: facts.code }),
    ...(facts.detail !== undefined && { detail: facts.detail }),
    ...(facts.clientId !== undefined && { clientId: facts.clientId }),
    ...(facts.lastGoodAt !== undefined && { lastGood: words.exact(facts.lastGoodAt) }),
    links: facts.links ?? [],
  };
}
