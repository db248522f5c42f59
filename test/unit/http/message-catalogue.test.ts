import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { locales } from '../../../src/http/locale.ts';
import { openCatalogue, sectionsOf } from '../../../src/http/message-catalogue.ts';

const folder = mkdtempSync(join(tmpdir(), 'mandate-messages-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function catalogueOf(text: string) {
  const file = join(folder, 'xx.yaml');
  writeFileSync(file, text);
  return openCatalogue(file);
}

describe('a catalogue', () => {
  test('has one message or one group of plural forms for each key', () => {
    const catalogue = catalogueOf(
      'a:\n  b: text\n  c: { one: "{count} day", other: "{count} days" }\nd:\n  e:f: g\n',
    );
    expect(catalogue.get('a.b')).toBe('text');
    expect(catalogue.get('a.c')).toEqual({ one: '{count} day', other: '{count} days' });
    expect(catalogue.get('d.e:f')).toBe('g');
    expect([...catalogue.entries().keys()]).toEqual(['a.b', 'a.c', 'd.e:f']);
  });

  test('lacks what it lacks', () => {
    const catalogue = catalogueOf('a:\n  b: text\n');
    for (const key of ['a', 'a.x', 'b', 'x.y', '', '.', 'constructor.name']) {
      expect(catalogue.get(key)).toBeUndefined();
    }
  });

  test('is read a section at a time, when something of it is asked for', () => {
    const catalogue = catalogueOf('a:\n  b: text\nbroken:\n  - a list\n');
    expect(catalogue.get('a.b')).toBe('text');
    expect(() => catalogue.get('broken.x')).toThrow('neither text nor a group');
    expect(() => catalogue.get('broken.x')).toThrow('neither text nor a group');
    expect(() => catalogue.entries()).toThrow('neither text nor a group');
  });

  test('is refused when it is made of anything but sections of different names', () => {
    expect(() => catalogueOf('a:\n  b: c\na:\n  d: e\n')).toThrow('two sections of messages are named a');
    expect(() => catalogueOf('- a\n- b\n')).toThrow('not a section');
    expect(() => openCatalogue(join(folder, 'none.yaml'))).toThrow('ENOENT');
  });
});

test.each(locales)('the sections of %s say together what the whole file says', (locale) => {
  const text = readFileSync(join(import.meta.dirname, `../../../config/messages/${locale}.yaml`), 'utf8');
  const sections = [...sectionsOf(text).values()].map((section) => parse(section) as object);
  expect(sections.length).toBeGreaterThan(10);
  expect(Object.assign({}, ...sections)).toEqual(parse(text));
});
