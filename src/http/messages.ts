/**
 * The words of the pages: one catalogue per language, and what turns a key into a sentence.
 * Owns plurals, lists and dates as people read them. Does not know pages, and never produces markup.
 */

import { join } from 'node:path';
import type { Locale } from './locale.ts';
import { type Message, type MessageCatalogue, openCatalogue } from './message-catalogue.ts';

/** Values for the `{placeholders}` of a message. */
export type Params = Readonly<Record<string, string | number>>;

/** A piece of a message: its own words, or the value of the placeholder `name`. */
export interface Part {
  readonly text: string;
  readonly name?: string;
}

/** One language, ready to speak. An unknown key is a bug and throws. */
export interface Words {
  readonly locale: Locale;
  /** What to hand to Intl: English here writes "21 December". */
  readonly region: string;
  t(key: string, params?: Params): string;
  /** Speaks about `count` things; `{count}` is filled in, grouped as the language does it. */
  plural(key: string, count: number, params?: Params): string;
  /** Splits a message at its placeholders, so that a template can set each value in its own type. */
  parts(key: string, params: Params): readonly Part[];
  /** Joins with commas and "and". */
  list(items: readonly string[]): string;
  /** The message as it stands in the catalogue, placeholders unfilled: for scripts that speak later. */
  raw(key: string): Message;
  /** The English message, if there is one: tells whether a text is the shipped one, and so has translations. */
  english(key: string): Message | undefined;
  /** Day and month, and the year unless it is the year of `now`. Instants are epoch seconds, read in UTC. */
  date(instant: number, now: number): string;
  /** The exact time in UTC, for a `title`. */
  exact(instant: number): string;
  /** The exact time for a machine, for a `datetime`. */
  machine(instant: number): string;
  /** How long ago, or how long until. */
  relative(instant: number, now: number): string;
}

export interface Messages {
  words(locale: Locale): Words;
  /** Every key of a language with its message. */
  entries(locale: Locale): ReadonlyMap<string, Message>;
}

/**
 * Opens the catalogues. Each is opened when its language is first spoken: a start does without, and a machine never needs one.
 *
 * @param directory Folder that holds one `<locale>.yaml` a language.
 * @throws Error, when something is first said whose catalogue is missing or is not a tree of strings.
 */
export function loadMessages(directory: string): Messages {
  const catalogue = eachOnce((locale) => openCatalogue(join(directory, `${locale}.yaml`)));
  return {
    words: eachOnce((locale) => createWords(locale, catalogue(locale), catalogue('en'))),
    entries: (locale) => catalogue(locale).entries(),
  };
}

/** Makes something of each language when it is first asked for. */
function eachOnce<T>(make: (locale: Locale) => T): (locale: Locale) => T {
  const made = new Map<Locale, T>();
  return (locale) => {
    const known = made.get(locale);
    if (known !== undefined) return known;
    const fresh = make(locale);
    made.set(locale, fresh);
    return fresh;
  };
}

/** Makes something when it is first needed. */
function lazily<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

const placeholder = /\{([a-z_]+)\}/g;

/** Names the placeholders of a message, sorted. Pure. */
export function placeholdersOf(message: Message): string[] {
  const texts = typeof message === 'string' ? [message] : Object.values(message);
  return [
    ...new Set(texts.flatMap((text) => [...text.matchAll(placeholder)].map((match) => match[1]!))),
  ].sort();
}

function createWords(locale: Locale, entries: MessageCatalogue, english: MessageCatalogue): Words {
  const region = locale === 'en' ? 'en-GB' : locale;
  // Each takes up to 20 ms the first time, and most pages need none.
  const rules = lazily(() => new Intl.PluralRules(region));
  const numbers = lazily(() => new Intl.NumberFormat(region));
  const lists = lazily(() => new Intl.ListFormat(region, { type: 'conjunction' }));
  const ages = lazily(() => new Intl.RelativeTimeFormat(region, { numeric: 'auto' }));
  const inUtc = (options: Intl.DateTimeFormatOptions, language = region) =>
    lazily(() => new Intl.DateTimeFormat(language, { ...options, timeZone: 'UTC' }));
  const dayAndMonth = inUtc({ day: 'numeric', month: 'long' });
  const fullDay = inUtc({ dateStyle: 'long' });
  const exactly = inUtc({ dateStyle: 'long', timeStyle: 'medium' });
  const year = inUtc({ year: 'numeric' }, 'en');
  // Swedish writes "2026-12-21 15:04:05": the one format of Intl that HTML reads as a time.
  const iso = inUtc({ dateStyle: 'short', timeStyle: 'medium' }, 'sv-SE');

  function raw(key: string): Message {
    const message = entries.get(key);
    if (message === undefined) throw new Error(`no ${locale} message named ${key}`);
    return message;
  }
  function text(key: string): string {
    const message = raw(key);
    if (typeof message !== 'string') throw new Error(`the ${locale} message ${key} needs a count`);
    return message;
  }
  const value = (given: string | number | undefined) =>
    typeof given === 'number' ? numbers().format(given) : (given ?? '');
  const fill = (template: string, params: Params) =>
    template.replace(placeholder, (_, name: string) =>
      value(Object.hasOwn(params, name) ? params[name] : undefined),
    );

  return {
    locale,
    region,
    raw,
    english: (key) => english.get(key),
    t: (key, params = {}) => fill(text(key), params),
    plural(key, count, params = {}) {
      const message = raw(key);
      if (typeof message === 'string') throw new Error(`the ${locale} message ${key} has no plural forms`);
      const form =
        (count === 0 ? message.zero : undefined) ?? message[rules().select(count)] ?? message.other;
      return fill(form ?? '', { ...params, count });
    },
    parts(key, params) {
      return text(key)
        .split(/(\{[a-z_]+\})/)
        .filter((piece) => piece !== '')
        .map((piece) => {
          const name = /^\{([a-z_]+)\}$/.exec(piece)?.[1];
          return name === undefined
            ? { text: piece }
            : { text: value(Object.hasOwn(params, name) ? params[name] : undefined), name };
        });
    },
    list: (items) => lists().format(items),
    date(instant, now) {
      const sameYear = year().format(instant * 1000) === year().format(now * 1000);
      return (sameYear ? dayAndMonth : fullDay)().format(instant * 1000);
    },
    exact: (instant) => `${exactly().format(instant * 1000)} UTC`,
    machine: (instant) => `${iso().format(instant * 1000)}Z`,
    relative(instant, now) {
      const seconds = instant - now;
      const size = Math.abs(seconds);
      for (const [unit, length] of units) {
        if (size >= length || unit === 'second') return ages().format(Math.trunc(seconds / length), unit);
      }
      return ages().format(0, 'second');
    },
  };
}

const units = [
  ['year', 365 * 86_400],
  ['month', 30 * 86_400],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const;
