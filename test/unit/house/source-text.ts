/**
 * Reads TypeScript source far enough to judge it: what it imports, and its code without comments and literal text.
 * Owns no rule; import-rules.ts does.
 */

/** One import of a module, in whatever form it was written. */
export interface ModuleImport {
  /** What the source says; `undefined` when a dynamic import computes it. */
  readonly specifier: string | undefined;
  /** `import type` and `export type … from`: gone when the program runs. */
  readonly typeOnly: boolean;
  readonly dynamic: boolean;
  /** Counted from one. */
  readonly line: number;
}

/** A source file, taken apart. */
export interface SourceText {
  /** The code with the same length and lines, in which comments, strings and regular expressions are blanks. */
  readonly code: string;
  readonly imports: readonly ModuleImport[];
}

// `from` must be followed by a string; its closing quote is found in the blanked code.
const staticImport =
  /(?<![.\w$])(?:import|export)\b(\s+type\b(?!\s*(?:,|from\b)))?(?:[^'"`;()=]*?\bfrom)?\s*(['"])/g;
const dynamicImport = /(?<![.\w$])(?:import|require|import\.meta\.resolve)\s*\(\s*(['"`])?/g;

/** Takes a source file apart. Total: source that does not parse gives whatever can be read from it. */
export function readSource(text: string): SourceText {
  const code = blankOut(text);
  const lineAt = (index: number) => text.slice(0, index).split('\n').length;
  const literalFrom = (start: number, quote: string) => text.slice(start, code.indexOf(quote, start));
  const imports: ModuleImport[] = [];
  for (const match of code.matchAll(staticImport)) {
    const specifier = literalFrom(match.index + match[0].length, match[2] ?? '');
    imports.push({ specifier, typeOnly: match[1] !== undefined, dynamic: false, line: lineAt(match.index) });
  }
  for (const match of code.matchAll(dynamicImport)) {
    const start = match.index + match[0].length;
    const end = match[1] === undefined ? -1 : code.indexOf(match[1], start);
    // Anything but the end of the argument after the literal, or a hole in it, makes the name a computed one.
    const plain = end >= 0 && /^\s*[,)]/.test(code.slice(end + 1)) && !code.slice(start, end).includes('${');
    const specifier = plain ? text.slice(start, end) : undefined;
    imports.push({ specifier, typeOnly: false, dynamic: true, line: lineAt(match.index) });
  }
  return { code, imports };
}

/** Replaces comments, and the insides of strings, templates and regular expressions, by blanks. */
function blankOut(text: string): string {
  const kept = text.split('');
  const blank = (from: number, to: number) => {
    for (let index = from; index < to; index++) if (kept[index] !== '\n') kept[index] = ' ';
  };
  /** For each `${` that is open: how many braces are open inside it. */
  const templates: number[] = [];
  let index = 0;
  const readTemplate = () => {
    const start = index;
    while (index < text.length && text[index] !== '`' && !text.startsWith('${', index)) {
      index += text[index] === '\\' ? 2 : 1;
    }
    blank(start, Math.min(index, text.length));
    if (text[index] === '$') {
      templates.push(0);
      index += 2;
    } else {
      index += 1;
    }
  };
  while (index < text.length) {
    const character = text[index] ?? '';
    const two = text.slice(index, index + 2);
    if (two === '//' || two === '/*') {
      const found = two === '//' ? text.indexOf('\n', index) : text.indexOf('*/', index + 2) + 2;
      const end = found < index + 2 ? text.length : found;
      blank(index, end);
      index = end;
    } else if (character === "'" || character === '"') {
      const end = endOfLiteral(text, index + 1, character);
      blank(index + 1, end);
      index = end + 1;
    } else if (character === '`') {
      index += 1;
      readTemplate();
    } else if (character === '/' && beginsExpression(kept, index)) {
      const end = endOfLiteral(text, index + 1, '/');
      blank(index + 1, end);
      index = end + 1;
    } else if (character === '}' && templates.at(-1) === 0) {
      templates.pop();
      index += 1;
      readTemplate();
    } else {
      const depth = templates.length - 1;
      if (depth >= 0 && character === '{') templates[depth] = (templates[depth] ?? 0) + 1;
      if (depth >= 0 && character === '}') templates[depth] = (templates[depth] ?? 0) - 1;
      index += 1;
    }
  }
  return kept.join('');
}

/** Finds where a literal on one line ends; inside `[…]` of a regular expression a slash is a plain character. */
function endOfLiteral(text: string, start: number, close: string): number {
  let inClass = false;
  for (let index = start; index < text.length; index++) {
    const character = text[index];
    if (character === '\\') index += 1;
    else if (character === '\n') return index;
    else if (close === '/' && character === '[') inClass = true;
    else if (close === '/' && character === ']') inClass = false;
    else if (character === close && !inClass) return index;
  }
  return text.length;
}

/** Whether a slash here begins a regular expression rather than divides: it does unless a value stands before it. */
function beginsExpression(kept: readonly string[], slash: number): boolean {
  const before = kept
    .slice(Math.max(0, slash - 60), slash)
    .join('')
    .trimEnd();
  if (/(?:^|[^.\w$])(?:return|typeof|case|of|in|await|yield|void|else)$/.test(before)) return true;
  return !/[\w$)\]}'"`]$/.test(before);
}
