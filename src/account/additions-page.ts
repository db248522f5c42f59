/** What an authorization holds for a while, as its page shows it: what runs, for how long something new may, and what ended by itself. Pure. */
import type { Authorization } from '../authorizations/authorization.ts';
import type { RecordedChange } from '../changes/change-history.ts';
import type { Words } from '../http/messages.ts';
import { nameLifetime } from '../interaction/consent-lifetime.ts';
import { displayText } from '../interaction/display-text.ts';
import { type Addition, runningAdditions } from '../policy/additions.ts';
import type { TimedLimits } from '../policy/limits.ts';
import type { World } from '../policy/vocabulary.ts';
import { itemsOf, type LogLine } from './change-words.ts';

/** Something that was added for a while and has not ended. */
export interface AdditionRow {
  /** What the button that ends it is called, for whoever hears it alone. */
  readonly endLabel: string;
  readonly endHref: string;
  readonly items: string;
  readonly until: number;
  readonly by: string;
}

/** How long what is added holds. */
export interface HoldOption {
  /** Seconds, or `for_good`. */
  readonly value: string;
  readonly label: string;
  readonly selected: boolean;
}

/** Seconds for which something can be added on the page; the JSON API takes others too. */
export const offeredHolds: readonly number[] = [3_600, 86_400];

/** Lists what runs, what ends first on top. */
export function additionRows(
  { id, additions }: Pick<Authorization, 'id' | 'additions'>,
  nameOf: (userId: string) => string,
  world: World,
  now: number,
  words: Words,
): AdditionRow[] {
  return [...runningAdditions(additions, now)]
    .sort((one, other) => one.until - other.until)
    .map((addition) => {
      const items = itemsInWords(addition, world, words);
      return {
        endLabel: words.t('account.additions.end_named', { items }),
        endHref: `/account/authorizations/${id}/additions/${addition.id}/end`,
        items,
        until: addition.until,
        by: displayText(nameOf(addition.by), 254),
      };
    });
}

/** Lists for how long something can be added: what would not end before the authorization itself is no choice. */
export function holdOptions(
  { expiresAt }: Pick<Authorization, 'expiresAt'>,
  { end }: Pick<TimedLimits, 'end'>,
  chosen: number | null,
  now: number,
  words: Words,
): HoldOption[] {
  const shortest = Math.min(end, expiresAt ?? Number.POSITIVE_INFINITY);
  const holds = offeredHolds.filter((seconds) => now + seconds < shortest);
  if (holds.length === 0) return [];
  return [
    ...holds.map((seconds) => ({
      value: String(seconds),
      label: words.t('account.additions.for', { time: nameLifetime(seconds, words) }),
      selected: seconds === chosen,
    })),
    {
      value: 'for_good',
      label: words.t('account.additions.for_good'),
      selected: !holds.includes(chosen ?? 0),
    },
  ];
}

/** Puts what ended by itself into the log, newest first: nobody did it, so nobody wrote it down. @param recorded newest first */
export function withEnds(
  lines: readonly LogLine[],
  recorded: readonly RecordedChange[],
  { expiresAt }: Pick<Authorization, 'expiresAt'>,
  world: World,
  now: number,
  words: Words,
): LogLine[] {
  const endedEarly = recorded.flatMap(({ action, before }) =>
    action === 'addition_ended' ? [(before as RecordedAddition).addition] : [],
  );
  const revokedAt = recorded.find(({ action }) => action === 'revoked')?.at;
  const last = Math.min(now, revokedAt ?? now, expiresAt ?? now);
  const ends = recorded.flatMap(({ action, after }): LogLine[] => {
    if (action !== 'added_for_a_while') return [];
    const added = after as RecordedAddition;
    if (endedEarly.includes(added.addition) || added.until > last) return [];
    return [
      {
        text: words.t('account.log.addition_over'),
        details: [itemsInWords(added, world, words)],
        at: added.until,
        by: words.t('account.log.by_itself'),
        from: '',
      },
    ];
  });
  return [...ends, ...lines].sort((one, other) => other.at - one.at);
}

/** As `authorizations/additions.ts` records it. */
interface RecordedAddition extends Pick<Addition, 'capabilities' | 'projects' | 'mcpServers' | 'until'> {
  readonly addition: string;
}

const itemsInWords = (
  added: Pick<Addition, 'capabilities' | 'projects' | 'mcpServers'>,
  world: World,
  words: Words,
) => words.list(itemsOf(added, world));
