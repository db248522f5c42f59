import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { locales } from '../../../src/http/locale.ts';
import { createPages } from '../../../src/http/pages.ts';
import { readySignInPages } from '../../../src/interaction/ready-pages.ts';
import { samplePages } from '../../support/sample-pages.ts';

const root = join(import.meta.dirname, '../../..');

test('the first sign-in page of each language reads no template and no words any more', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mandate-ready-'));
  const [viewsRoot, messagesRoot] = [join(folder, 'views'), join(folder, 'messages')];
  cpSync(join(root, 'views'), viewsRoot, { recursive: true });
  cpSync(join(root, 'config/messages'), messagesRoot, { recursive: true });
  const { renderer } = createPages({ viewsRoot, messagesRoot, production: true });
  await readySignInPages(renderer);
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (/\.(ejs|yaml)$/.test(file)) writeFileSync(join(folder, file), '<%= what nobody reads');
  }
  try {
    for (const locale of locales) {
      const page = samplePages(locale).find(({ template }) => template === 'sign-in');
      expect(renderer.render('sign-in', page?.model ?? {}, locale)).toContain(`<html lang="${locale}">`);
    }
    expect(() => renderer.render('error', {}, 'en')).toThrow();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the languages are made ready in turns of their own', async () => {
  const rendered: string[] = [];
  const ready = readySignInPages({
    render(page, _, locale) {
      rendered.push(`${page} ${locale}`);
      return '';
    },
  });
  expect(rendered).toEqual(['sign-in en']);
  await turn();
  expect(rendered.length).toBeLessThanOrEqual(2);
  await ready;
  expect(rendered).toEqual(locales.map((locale) => `sign-in ${locale}`));
});
