/**
 * Serves the stylesheet, the scripts and the icon: read once, named by their content, cached for ever.
 * Nothing else is reachable under `/assets/`.
 */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import type Koa from 'koa';

export interface Assets {
  /**
   * Names the address of an asset.
   *
   * @param name Its file name: `style.css`, `icon.svg`, or that of a script in `views/scripts`.
   * @throws Error when there is no such asset.
   */
  href(name: string): string;
  /** Answers `/assets/…`, 404 for what it does not know; passes everything else on. */
  readonly middleware: Koa.Middleware;
}

interface Asset {
  readonly type: string;
  readonly body: Buffer;
  /** Compressed when it is first asked for, which a start need not wait for. */
  brotli?: Buffer;
}

const types = new Map([
  ['css', 'text/css; charset=utf-8'],
  ['js', 'text/javascript; charset=utf-8'],
  ['svg', 'image/svg+xml'],
]);

/**
 * Reads and names every asset.
 *
 * @param options.viewsRoot Folder that holds `style.css`, `icon.svg` and `scripts/`.
 */
export function createAssets(options: { readonly viewsRoot: string }): Assets {
  const files = [
    ['style.css', join(options.viewsRoot, 'style.css')],
    ['icon.svg', join(options.viewsRoot, 'icon.svg')],
    ...readdirSync(join(options.viewsRoot, 'scripts'))
      .filter((name) => name.endsWith('.js'))
      .map((name) => [name, join(options.viewsRoot, 'scripts', name)] as const),
  ] as const;

  const hrefs = new Map<string, string>();
  const served = new Map<string, Asset>();
  for (const [name, path] of files) {
    const body = readFileSync(path);
    const dot = name.lastIndexOf('.');
    const hash = createHash('sha256').update(body).digest('hex').slice(0, 16);
    const href = `/assets/${name.slice(0, dot)}.${hash}${name.slice(dot)}`;
    hrefs.set(name, href);
    served.set(href, { type: types.get(name.slice(dot + 1))!, body });
  }

  return {
    href(name) {
      const href = hrefs.get(name);
      if (href === undefined) throw new Error(`no asset named ${name}`);
      return href;
    },
    async middleware(ctx, next) {
      if (!ctx.path.startsWith('/assets/')) return next();
      const asset = ctx.method === 'GET' || ctx.method === 'HEAD' ? served.get(ctx.path) : undefined;
      ctx.set('X-Content-Type-Options', 'nosniff');
      if (asset === undefined) {
        ctx.status = 404;
        ctx.body = 'Not found';
        return;
      }
      ctx.set('Cache-Control', 'public, max-age=31536000, immutable');
      ctx.vary('Accept-Encoding');
      ctx.type = asset.type;
      if (ctx.acceptsEncodings('br', 'identity') === 'br') {
        ctx.set('Content-Encoding', 'br');
        asset.brotli ??= brotliCompressSync(asset.body);
        ctx.body = asset.brotli;
      } else {
        ctx.body = asset.body;
      }
    },
  };
}
