/** What was saved, in sentences on the page that comes afterwards. */
import { contentOf } from '../authorizations/authorization-editor.ts';
import type { RecordedChange } from '../changes/change-history.ts';
import type { Words } from '../http/messages.ts';
import type { Slice } from '../policy/key-decision.ts';
import { callAuthorization, type PageNotice } from './authorization-page.ts';
import { describeEffect } from './change-words.ts';
import type { Situation, Situations } from './situations.ts';

/** Says what the change that was just saved means to the tool right now. @param saved undefined when nothing was */
export function savedNotices(
  situations: Pick<Situations, 'effectOf'>,
  found: Situation,
  saved: RecordedChange | undefined,
  words: Words,
): PageNotice[] {
  const { authorization, client, world } = found;
  if (saved?.action === 'added_for_a_while') {
    const { addition, until } = saved.after as { addition: string; until: number };
    const before = authorization.additions.filter(({ id }) => id !== addition);
    const sentences = describeEffect(
      callAuthorization(authorization, client, words),
      situations.effectOf(found, authorization, before),
      found.effective,
      world,
      words,
    );
    const text = words.t('account.additions.saved', { until: words.exact(until) });
    return [{ tone: 'good', text: [text, ...sentences].join(' ') }];
  }
  if (saved?.action !== 'changed') return [];
  const was = saved.before as Slice;
  const is = saved.after as Slice;
  const who = callAuthorization(authorization, client, words);
  const whole = { ...contentOf(authorization) };
  const sentences = describeEffect(
    who,
    situations.effectOf(found, { ...whole, ...was }),
    situations.effectOf(found, { ...whole, ...is }),
    world,
    words,
  );
  return [{ tone: 'good', text: [words.t('account.saved'), ...sentences].join(' ') }];
}
