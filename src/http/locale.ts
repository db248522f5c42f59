/** Picks the language of a page from what the request says about its reader. */

export type Locale = 'en' | 'de';

/** Every language that has a catalogue; the first one answers for the rest. */
export const locales: readonly Locale[] = ['en', 'de'];

/**
 * Narrows a language name to one that has a catalogue. Pure.
 *
 * @param tag A language tag such as `de` or `de-AT`; anything at all.
 */
export function localeOf(tag: string): Locale | undefined {
  const language = tag.trim().toLowerCase().split(/[-_]/, 1)[0];
  return locales.find((locale) => locale === language);
}

/**
 * Chooses the language of a page. Pure and total.
 *
 * @param uiLocales The request's `ui_locales`: tags in order of preference, separated by blanks.
 * @param acceptLanguage The `Accept-Language` header.
 * @returns The first language asked for that has a catalogue; English when none has.
 * @see OpenID Connect Core 1.0, section 3.1.2.1; RFC 9110, section 12.5.4
 */
export function chooseLocale(uiLocales?: string, acceptLanguage?: string): Locale {
  for (const tag of (uiLocales ?? '').slice(0, 500).split(' ')) {
    const locale = localeOf(tag);
    if (locale !== undefined) return locale;
  }
  const ranked = (acceptLanguage ?? '')
    .slice(0, 500)
    .split(',')
    .map((range) => {
      const [tag = '', ...parameters] = range.split(';');
      const quality = parameters
        .map((text) => /^\s*q=([01](?:\.\d{0,3})?)\s*$/i.exec(text)?.[1])
        .find(Boolean);
      return { tag, quality: quality === undefined ? 1 : Number(quality) };
    })
    .filter(({ quality }) => quality > 0)
    .sort((one, other) => other.quality - one.quality);
  for (const { tag } of ranked) {
    const locale = tag.trim() === '*' ? 'en' : localeOf(tag);
    if (locale !== undefined) return locale;
  }
  return 'en';
}
