import type { Words } from '../http/messages.ts';
import { nameLifetime } from '../interaction/consent-lifetime.ts';
import { displayText } from '../interaction/display-text.ts';
import type { TermsRefusal } from './key-desk.ts';

/** Says what is against the terms that somebody chose, and what to do. Pure. */
export function termsProblem(refused: TermsRefusal, words: Words): string {
  switch (refused.kind) {
    case 'too_long':
      return words.t('terms.too_long', { longest: nameLifetime(refused.longest, words) });
    case 'justification_missing':
      return words.t('terms.justification_missing', { items: words.list([...refused.capabilities]) });
    case 'not_for_a_while':
      return words.t('terms.not_for_a_while', {
        items: words.list(refused.items.map((item) => displayText(item))),
      });
  }
}
