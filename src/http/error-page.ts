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
}

/** Every kind of error that has a page; the catalogue says four sentences about each. */
export const errorKinds = [
  'not_found',
  'interaction_expired',
  'form_refused',
  'signed_out',
  'changed_meanwhile',
  'account_changed',
  'rate_limited',
  'bad_request',
  'forbidden',
  'unavailable',
  'internal',
] as const;

export type ErrorKind = (typeof errorKinds)[number];

/** Builds the error page in the reader's words. Pure. */
export function buildErrorPage(
  kind: ErrorKind,
  facts: {
    readonly status: number;
    readonly requestId: string;
    readonly code?: string | undefined;
    readonly detail?: string | undefined;
    readonly links?: ErrorPage['links'];
  },
  words: Words,
): ErrorPage {
  return {
    status: facts.status,
    title: words.t(`error.${kind}.title`),
    happened: words.t(`error.${kind}.happened`),
    why: words.t(`error.${kind}.why`),
    next: words.t(`error.${kind}.next`),
    requestId: facts.requestId,
    ...(facts.code !== undefined && { code: facts.code }),
    ...(facts.detail !== undefined && { detail: facts.detail }),
    links: facts.links ?? [],
  };
}
