import { type Assets, createAssets } from './assets.ts';
import { loadMessages, type Messages } from './messages.ts';
import { createPageWriter, type PageWriter } from './page-writer.ts';
import { createRenderer, type Renderer } from './render.ts';

/** What pages are made of: their words, their templates, what they load, and who writes them as an answer. */
export interface Pages {
  readonly assets: Assets;
  readonly messages: Messages;
  readonly renderer: Renderer;
  readonly pages: PageWriter;
}

/** @param deps.production whether templates stay as they are */
export function createPages(deps: {
  readonly viewsRoot: string;
  readonly messagesRoot: string;
  readonly production: boolean;
}): Pages {
  const assets = createAssets(deps);
  const messages = loadMessages(deps.messagesRoot);
  const renderer = createRenderer({ ...deps, messages, assets, cache: deps.production });
  return { assets, messages, renderer, pages: createPageWriter({ renderer, messages }) };
}
