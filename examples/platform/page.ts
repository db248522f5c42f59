import { createHash } from 'node:crypto';

const style = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem .4rem 0; border-bottom: 1px solid light-dark(#ccc, #555); }
code { overflow-wrap: anywhere; }
form { display: inline-block; margin-right: .5rem; }
button { font: inherit; padding: .4rem 1rem; }
`;
const styleHash = createHash('sha256').update(style).digest('base64');

/** Headers of every page: nothing from elsewhere, no script, no frame, no cache. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${styleHash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
};

/** Text that is HTML already. */
export interface Html {
  readonly html: string;
}

/** Writes HTML; every value that is not `Html` is escaped. */
export function html(strings: TemplateStringsArray, ...values: (string | Html | readonly Html[])[]): Html {
  const written = values.map((value) => {
    if (typeof value === 'string') return escapeHtml(value);
    return 'html' in value ? value.html : value.map((part) => part.html).join('');
  });
  return { html: strings.map((part, index) => part + (written[index] ?? '')).join('') };
}

/** Writes a whole page. */
export function page(title: string, body: Html): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} · Acme platform</title><style>${style}</style></head>
<body><main><h1>${escapeHtml(title)}</h1>
${body.html}
</main></body>
</html>
`;
}

function escapeHtml(value: string): string {
  return value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
