import { locales } from '../http/locale.ts';
import type { Renderer } from '../http/render.ts';
import { buildSignInPage } from './sign-in-page.ts';

/**
 * Makes ready what the first person to sign in would wait for, and with them everybody whose question is answered in the same process:
 * the words and the template of the sign-in page, in one language after another. Takes some tens of milliseconds in a few turns.
 */
export async function readySignInPages(renderer: Pick<Renderer, 'render'>): Promise<void> {
  const page = buildSignInPage({ action: '', csrf: '', passkey: { action: '', options: '' }, upstream: [] });
  for (const locale of locales) {
    renderer.render('sign-in', page, locale);
    await new Promise((resume) => setImmediate(resume));
  }
}
