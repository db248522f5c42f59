/**
 * Turns a page model into HTML. The only file that knows ejs.
 * A template sees `model`, the words of its language, `asset(name)` and `page`, on which it sets its title, its width
 * and the scripts that improve it; the layout closes around it.
 */

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import ejs from 'ejs';
import type { Assets } from './assets.ts';
import { localeOf } from './locale.ts';
import type { Messages } from './messages.ts';

/** What a page says about itself to the layout. */
interface PageFrame {
  title: string;
  width: 'narrow' | 'medium' | 'wide';
  scripts: string[];
}

/** Links above every signed-in page; a model may carry it as `nav`. */
export interface PageNav {
  readonly items: readonly { readonly href: string; readonly label: string; readonly current: boolean }[];
  readonly account?: { readonly name: string; readonly email: string };
  /** Address of the page that asks before it signs out. */
  readonly signOutHref?: string;
}

export interface RendererOptions {
  readonly viewsRoot: string;
  readonly messages: Messages;
  readonly assets: Pick<Assets, 'href'>;
  /** Keeps each template as it was first read; without it a template that was edited is read again, for where they are being written. */
  readonly cache: boolean;
}

export interface Renderer {
  /**
   * Renders a whole page.
   *
   * @param page Name of a template below `views/`, without `.ejs`; never taken from a request.
   * @param model What the template shows; every string in it is escaped.
   * @param locale Language tag; an unknown one reads as English.
   */
  render(page: string, model: object, locale: string): string;
}

export function createRenderer(options: RendererOptions): Renderer {
  const compiled = new Map<string, ejs.TemplateFunction>();
  /** When each file was written that something was compiled of, where that may change. */
  const writtenAt = new Map<string, number | undefined>();

  function note(filename: string): void {
    if (!options.cache && !writtenAt.has(filename)) writtenAt.set(filename, lastWrite(filename));
  }

  /** A page includes others: what is edited anywhere is compiled anew everywhere. */
  function forgetEdited(): void {
    for (const [filename, at] of writtenAt) {
      if (lastWrite(filename) === at) continue;
      compiled.clear();
      ejs.cache.reset();
      writtenAt.clear();
      return;
    }
  }

  function template(name: string): ejs.TemplateFunction {
    const known = compiled.get(name);
    if (known !== undefined) return known;
    const filename = join(options.viewsRoot, `${name}.ejs`);
    note(filename);
    const fresh = ejs.compile(readFileSync(filename, 'utf8'), {
      filename,
      views: [options.viewsRoot],
      // For what it includes, a row of a table perhaps, which is not to be read and compiled for each row.
      cache: true,
      includer(_, included) {
        note(included);
        return { filename: included };
      },
    });
    compiled.set(name, fresh);
    return fresh;
  }

  return {
    render(name, model, locale) {
      forgetEdited();
      const words = options.messages.words(localeOf(locale) ?? 'en');
      const page: PageFrame = { title: '', width: 'narrow', scripts: [] };
      const locals = {
        model,
        page,
        lang: words.locale,
        t: words.t,
        plural: words.plural,
        parts: words.parts,
        list: words.list,
        date: words.date,
        exact: words.exact,
        machine: words.machine,
        relative: words.relative,
        asset: options.assets.href,
      };
      const body = template(name)(locals);
      return template('layout')({ ...locals, body });
    },
  };
}

const lastWrite = (filename: string) => statSync(filename, { throwIfNoEntry: false })?.mtimeMs;
