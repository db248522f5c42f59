/**
 * Conditional introspection: whoever keeps an answer asks whether it still is the answer. Introspection is a question that is posted
 * only to keep the token out of addresses (RFC 7662 section 2.1), so what did not change is 304, as for a GET, and not the 412
 * that RFC 9110 section 13.1.2 has for methods that do something.
 *
 * An answer carries its tag only when the question has `If-None-Match`; `If-None-Match: ""` asks for the first one. The tag is made of
 * the answer itself, authorization and version included, so it is the same on every node and differs whenever anything does.
 */
import { hash } from 'node:crypto';

/** What goes with an answer to a conditional question. */
export interface Condition {
  readonly tag: string;
  /** Whether the asker has this answer already. */
  readonly unchanged: boolean;
}

/**
 * Compares an answer with what the asker keeps. Pure.
 * @param wanted the value of `If-None-Match`
 * @see RFC 9110 section 8.8.3.2
 */
export function conditionOf(wanted: string, body: string): Condition {
  const tag = `"${hash('sha256', body, 'base64url').slice(0, 22)}"`;
  const kept = wanted.split(',').map((item) => item.trim().replace(/^W\//, ''));
  return { tag, unchanged: kept.includes(tag) };
}
