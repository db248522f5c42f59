import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { errorKinds } from '../../../src/http/error-page.ts';
import { chooseLocale, locales } from '../../../src/http/locale.ts';
import { placeholdersOf } from '../../../src/http/messages.ts';
import { catalogue, messages, now, viewsRoot } from '../../support/sample-pages.ts';

const english = messages.entries('en');
const source = join(import.meta.dirname, '../../../src');

function textsIn(folder: string, extension: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(extension))
    .map((name) => readFileSync(join(folder, name), 'utf8'));
}

const sources = [...textsIn(viewsRoot, '.ejs'), ...textsIn(source, '.ts')];

/** Keys that templates and page models ask for. */
const used = sources
  .flatMap((text) => [...text.matchAll(/\b(?:t|plural|parts|raw)\(\s*'([a-z_]+\.[a-z_.]+)'/g)])
  .map((match) => match[1]!);

/** Everything in quotes that could be a key: tables of keys count too. */
const quoted = new Set(
  sources.flatMap((text) => [...text.matchAll(/['"`]([a-z_]+\.[a-z_.]+)['"`]/g)]).map((match) => match[1]!),
);

describe('the catalogues', () => {
  test.each(locales)('%s has every key of English with the same placeholders, and no other', (locale) => {
    const entries = messages.entries(locale);
    expect([...entries.keys()].sort()).toEqual([...english.keys()].sort());
    for (const [key, message] of entries) {
      expect({ key, placeholders: placeholdersOf(message) }).toEqual({
        key,
        placeholders: placeholdersOf(english.get(key)!),
      });
      expect(typeof message).toBe(typeof english.get(key));
    }
  });

  test('hold every key that a template or a page model names', () => {
    expect(used.length).toBeGreaterThan(100);
    for (const key of used) expect(english.has(key) ? '' : key).toBe('');
    for (const kind of errorKinds) {
      for (const part of ['title', 'happened', 'why', 'next']) {
        expect(english.has(`error.${kind}.${part}`)).toBe(true);
      }
    }
    for (const { name, worstCase } of catalogue.values()) {
      for (const part of ['title', 'consequence', 'phrase']) {
        expect(english.has(`capability.${name}.${part}`)).toBe(true);
      }
      expect(english.has(`capability.${name}.worst_case`)).toBe(worstCase !== undefined);
    }
  });

  test('say of the shipped capabilities what the shipped catalogue says', () => {
    const shipped = parse(readFileSync(join(source, '../config/capabilities.yaml'), 'utf8')) as {
      capabilities: Record<string, string>[];
    };
    expect(shipped.capabilities.length).toBe(catalogue.size);
    for (const { name, title, consequence, worst_case } of shipped.capabilities) {
      expect(english.get(`capability.${name}.title`)).toBe(title);
      expect(english.get(`capability.${name}.consequence`)).toBe(consequence);
      expect(english.get(`capability.${name}.worst_case`)).toBe(worst_case);
    }
  });

  test('hold no sentence that nobody says', () => {
    const idle = [...english.keys()].filter((key) => !/^(capability|error)\./.test(key) && !quoted.has(key));
    expect(idle).toEqual([]);
  });
});

describe('words', () => {
  const en = messages.words('en');
  const de = messages.words('de');

  test('say each number in its plural form, and nothing at all in its own', () => {
    expect(en.plural('summary.call_servers', 0)).toBe('call no MCP server');
    expect(en.plural('summary.call_servers', 1)).toBe('call 1 MCP server');
    expect(en.plural('summary.call_servers', 1200)).toBe('call 1,200 MCP servers');
    expect(de.plural('lifetime.days', 1)).toBe('1 Tag');
  });

  test('fill a placeholder once: a value that looks like one stays as it is', () => {
    expect(en.t('consent.role', { project: '{project} $& {x}' })).toBe('Role in {project} $& {x}');
    expect(en.t('consent.role', { toString: 'no' })).toBe('Role in ');
  });

  test('read instants in UTC', () => {
    expect(en.date(now + 30 * 86_400, now)).toBe('21 December');
    expect(en.date(now + 90 * 86_400, now)).toBe('19 February 2027');
    expect(de.date(now + 30 * 86_400, now)).toBe('21. Dezember');
    expect(en.machine(now)).toBe('2026-11-21 12:00:00Z');
    expect(en.exact(now)).toBe('21 November 2026 at 12:00:00 UTC');
    expect(en.relative(now - 95, now)).toBe('1 minute ago');
    expect(en.relative(now + 2 * 86_400, now)).toBe('in 2 days');
  });

  test('refuse a key that the catalogue lacks', () => {
    expect(() => en.t('no.such')).toThrow('no en message named no.such');
    expect(() => en.t('lifetime.days')).toThrow('needs a count');
    expect(() => en.plural('sign_in.title', 1)).toThrow('has no plural forms');
  });
});

test.each([
  [undefined, undefined, 'en'],
  ['de', 'en', 'de'],
  ['fr de-AT en', undefined, 'de'],
  ['fr', 'de;q=0.4, en-GB;q=0.9', 'en'],
  [undefined, 'fr-FR, de;q=0.8, en;q=0.5', 'de'],
  [undefined, 'de;q=0, en;q=0.1', 'en'],
  [undefined, 'xx, *;q=0.5, de;q=0.1', 'en'],
  ['\u0000<script>'.repeat(9000), ';;,,q=', 'en'],
] as const)('chooses the language of ui_locales %j and Accept-Language %j', (uiLocales, accept, locale) => {
  expect(chooseLocale(uiLocales, accept)).toBe(locale);
});
