import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { locales } from '../../../src/http/locale.ts';
import { createRenderer } from '../../../src/http/render.ts';
import { assets, messages, renderer, samplePages, viewsRoot } from '../../support/sample-pages.ts';

const payloads = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "'><svg onload=alert(1)>",
  '</title><script>alert(1)</script>',
  '" autofocus onfocus="alert(1)',
  "' onmouseover='alert(1)",
  'javascript:alert(1)"',
  '<%= process.env %>',
  '<%- include("/etc/passwd") %>',
  '{{constructor.constructor("alert(1)")()}}<b>',
  '</textarea><iframe srcdoc="<script>alert(1)</script>">',
  '<!--<script>alert(1)//-->"\'`&<style>@import "x"</style>',
];

/** Puts a payload after every string of a model, at any depth; what chooses a branch keeps its value. */
function poison(value: unknown, payload: string, key = ''): unknown {
  if (typeof value === 'string') {
    return ['kind', 'tone', 'outcome', 'method', 'bound', 'href', 'action'].includes(key)
      ? value
      : value + payload;
  }
  if (Array.isArray(value)) return value.map((item) => poison(item, payload));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, poison(item, payload, name)]),
    );
  }
  return value;
}

/** What a page is made of: its tags with the names of their attributes, in order. */
function skeleton(html: string): string[] {
  return [...html.matchAll(/<(\/?[a-z!][a-z0-9]*)((?:\s+[a-z-]+(?:="[^"]*")?)*)\s*>/gi)].map(
    ([, tag, attributes = '']) =>
      `${tag} ${[...attributes.matchAll(/([a-z-]+)(?:="[^"]*")?/gi)].map((match) => match[1]).join(' ')}`,
  );
}

describe.each(locales)('every page in %s', (locale) => {
  test.each(samplePages(locale))('$name keeps its shape whatever its strings hold', ({ template, model }) => {
    const clean = renderer.render(template, poison(model, 'x') as object, locale);
    for (const payload of payloads) {
      const html = renderer.render(template, poison(model, payload) as object, locale);
      expect(skeleton(html)).toEqual(skeleton(clean));
      expect(html.match(/[<>]/g)?.length).toBe(clean.match(/[<>]/g)?.length);
    }
  });

  test.each(samplePages(locale))(
    '$name has one h1, one main, a title, and nothing inline',
    ({ template, model }) => {
      const html = renderer.render(template, model, locale);
      expect(html.match(/<h1[ >]/g)).toHaveLength(1);
      expect(html.match(/<main[ >]/g)).toHaveLength(1);
      expect(html).toMatch(/<title>[^<]+ · Mandate<\/title>/);
      expect(html).toContain(`<html lang="${locale}">`);
      expect(html).not.toMatch(/\sstyle=|\son[a-z]+=|<style|<script(?! src="\/assets\/)|undefined|\[object/);
      const ids = [...html.matchAll(/\sid="([^"]+)"/g)].map((match) => match[1]!);
      expect(new Set(ids).size).toBe(ids.length);
      for (const [, , list] of html.matchAll(/\s(aria-labelledby|aria-describedby|for|form)="([^"]+)"/g)) {
        for (const id of list!.split(' ')) expect(ids).toContain(id);
      }
    },
  );
});

test('templates write values escaped and inside quotes', () => {
  for (const name of readdirSync(viewsRoot, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ejs')) continue;
    const text = readFileSync(join(viewsRoot, name), 'utf8');
    for (const [, inside] of text.matchAll(/<%-([\s\S]*?)%>/g)) {
      expect(inside!.trim()).toMatch(name === 'layout.ejs' ? /^(body$|include\()/ : /^include\('/);
    }
    expect(text).not.toMatch(/=\s*<%/);
  }
});

test('an unknown language reads as English', () => {
  expect(renderer.render('signed-out', {}, 'tlh')).toContain('You are signed out');
});

describe('a template that is edited', () => {
  let seconds = 1_700_000_000;
  const edit = (folder: string, name: string, text: string, at?: number) => {
    seconds += 1;
    writeFileSync(join(folder, `${name}.ejs`), text);
    utimesSync(join(folder, `${name}.ejs`), at ?? seconds, at ?? seconds);
  };
  const render = (cache: boolean, step: (show: () => string, folder: string) => void) => {
    const folder = mkdtempSync(join(tmpdir(), 'mandate-views-'));
    try {
      edit(folder, 'layout', '<%- body %>');
      edit(folder, 'page', "page <%- include('part') %>");
      edit(folder, 'part', 'part');
      const own = createRenderer({ viewsRoot: folder, messages, assets, cache });
      step(() => own.render('page', {}, 'en'), folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };

  test('is shown as it is now, where it is included too', () =>
    render(false, (show, folder) => {
      expect(show()).toBe('page part');
      edit(folder, 'page', "new page <%- include('part') %>");
      expect(show()).toBe('new page part');
      edit(folder, 'part', 'new part');
      expect(show()).toBe('new page new part');
      edit(folder, 'layout', '[<%- body %>]');
      expect(show()).toBe('[new page new part]');
    }));

  test('is compiled once for as long as it stays the same', () =>
    render(false, (show, folder) => {
      edit(folder, 'part', 'part', 1_600_000_000);
      expect(show()).toBe('page part');
      edit(folder, 'part', 'another text, written at the same time', 1_600_000_000);
      expect(show()).toBe('page part');
    }));

  test('is as it was at first in production', () =>
    render(true, (show, folder) => {
      expect(show()).toBe('page part');
      edit(folder, 'page', 'new page');
      expect(show()).toBe('page part');
    }));
});
