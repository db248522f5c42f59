import type { Words } from '../http/messages.ts';
import { nameLifetime } from '../interaction/consent-lifetime.ts';
import type { TermsRefusal } from './key-desk.ts';

/** Says what the organization's policy has against the terms that somebody chose, and what to do. Pure. */
export function termsProblem(refused: TermsRefusal, words: Words): string {
  switch (refused.kind) {
    case 'too_long':
      return words.t('terms.too_long', { longest: nameLifetime(refused.longest, words) });
    case 'justification_missing':
      return words.t('terms.justification_missing', { items: words.list([...refused.capabilities]) });
  }
}
