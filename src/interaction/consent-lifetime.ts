import type { Words } from '../http/messages.ts';

/** How long an authorization lasts, in seconds; null is until it is revoked. */
export type Lifetime = number | null;

const hour = 3_600;
const day = 86_400;

/** The lifetimes that consent offers before policy bounds them. */
export const offeredLifetimes: readonly Lifetime[] = [hour, day, 30 * day, 90 * day, null];

/** Names a lifetime: "1 hour", "30 days", "until revoked". Pure. */
export function nameLifetime(lifetime: Lifetime, words: Words): string {
  if (lifetime === null) return words.t('lifetime.until_revoked');
  // A policy may allow hours that are no whole days.
  return lifetime < 2 * day && lifetime % day !== 0
    ? words.plural('lifetime.hours', Math.max(1, Math.round(lifetime / hour)))
    : words.plural('lifetime.days', Math.round(lifetime / day));
}

/** Says when it ends, as part of a sentence: "for 1 hour", "until 21 December", "until you revoke it". Pure. */
export function untilPhrase(lifetime: Lifetime, now: number, words: Words): string {
  if (lifetime === null) return words.t('summary.until_revoked');
  // A day is a date in UTC only; below two days the date would be wrong somewhere.
  return lifetime < 2 * day
    ? words.t('summary.for', { duration: nameLifetime(lifetime, words) })
    : words.t('summary.until', { date: words.date(now + lifetime, now) });
}

/** Picks the lifetime to start from: the last choice while it is allowed, else the longest up to 30 days. Pure. */
export function startingLifetime(allowed: readonly Lifetime[], previous?: Lifetime): Lifetime {
  if (previous !== undefined && allowed.includes(previous)) return previous;
  const finite = allowed.filter((lifetime) => lifetime !== null);
  const modest = finite.filter((lifetime) => lifetime <= 30 * day);
  if (modest.length > 0) return Math.max(...modest);
  return finite.length > 0 ? Math.min(...finite) : null;
}
