/**
 * The kinds of rule that the house can state about its own source, and how each is judged. Pure: a tree in, sentences out.
 * Owns no rule; import-rules.ts does.
 */
import { posix } from 'node:path';
import { readSource, type SourceText } from './source-text.ts';
import type { SourceTree } from './source-tree.ts';

/**
 * A file's path from the root, `package:NAME` or `node:NAME`; a trailing `**` stands for anything.
 */
export type Pattern = string;

interface Stated {
  /** Completes "the house rule:". */
  readonly sentence: string;
  /** A made-up tree that breaks the rule; a rule that cannot fail is no rule. */
  readonly broken: Readonly<Record<string, string>>;
  /** A made-up tree, as near to the broken one as can be, that keeps the rule. */
  readonly kept: Readonly<Record<string, string>>;
}

/** These files import nothing but what is listed. */
export interface ImportsOnly extends Stated {
  readonly kind: 'imports only';
  readonly files: readonly Pattern[];
  readonly may: readonly Pattern[];
  /** What may be imported by `import type` alone. */
  readonly mayAsType?: readonly Pattern[];
}

/** These modules are imported from nowhere but the files that are listed. */
export interface ImportedOnlyBy extends Stated {
  readonly kind: 'imported only by';
  readonly modules: readonly Pattern[];
  readonly within: readonly Pattern[];
  readonly by: readonly Pattern[];
  /** Who may load them by a dynamic import alone. */
  readonly dynamicallyBy?: readonly Pattern[];
}

/** These words of code stand nowhere but in the files that are listed; comments and texts may say anything. */
export interface UsedOnlyIn extends Stated {
  readonly kind: 'used only in';
  readonly words: RegExp;
  readonly within: readonly Pattern[];
  readonly only: readonly Pattern[];
}

/** A long file says in its head why it is long. */
export interface NoLongerThan extends Stated {
  readonly kind: 'no longer than';
  readonly lines: number;
  readonly unlessHeadSays: string;
}

/** No file reaches itself through imports, types included. */
export interface NoCycles extends Stated {
  readonly kind: 'no cycles';
}

export type Rule = ImportsOnly | ImportedOnlyBy | UsedOnlyIn | NoLongerThan | NoCycles;

/**
 * Lists what breaks a rule.
 *
 * @returns `path:line what`, one for each break; empty when the rule is kept
 */
export function breaksOf(rule: Rule, tree: SourceTree): string[] {
  switch (rule.kind) {
    case 'imports only':
      return importsIn(tree, rule.files)
        .filter(({ target, typeOnly }) => {
          const allowed = typeOnly ? [...rule.may, ...(rule.mayAsType ?? [])] : rule.may;
          return !matches(target, allowed);
        })
        .map(({ place, target }) => `${place} imports ${target}`);
    case 'imported only by':
      return importsIn(tree, rule.within)
        .filter(({ path, target, dynamic }) => {
          const allowed = dynamic ? [...rule.by, ...(rule.dynamicallyBy ?? [])] : rule.by;
          return matches(target, rule.modules) && !matches(path, allowed);
        })
        .map(({ place, target }) => `${place} imports ${target}`);
    case 'used only in':
      return [...tree.keys()]
        .filter((path) => matches(path, rule.within) && !matches(path, rule.only))
        .flatMap((path) => uses(rule.words, path, sourceOf(tree, path).code));
    case 'no longer than':
      return [...tree].flatMap(([path, text]) => {
        const lines = text.replace(/\n$/, '').split('\n');
        const excused = lines.slice(0, 20).join('\n').includes(rule.unlessHeadSays);
        return lines.length > rule.lines && !excused ? [`${path} has ${lines.length} lines`] : [];
      });
    case 'no cycles':
      return cyclesOf(tree);
  }
}

function matches(name: string, patterns: readonly Pattern[]): boolean {
  return patterns.some((pattern) =>
    pattern.endsWith('**') ? name.startsWith(pattern.slice(0, -2)) : name === pattern,
  );
}

interface Edge {
  readonly path: string;
  readonly place: string;
  /** A pattern's counterpart; `(computed)` when the source does not name it. */
  readonly target: string;
  readonly typeOnly: boolean;
  readonly dynamic: boolean;
}

function importsIn(tree: SourceTree, files: readonly Pattern[]): Edge[] {
  return [...tree.keys()]
    .filter((path) => matches(path, files))
    .flatMap((path) =>
      sourceOf(tree, path).imports.map(({ specifier, typeOnly, dynamic, line }) => ({
        path,
        place: `${path}:${line}`,
        target: targetOf(path, specifier),
        typeOnly,
        dynamic,
      })),
    );
}

function targetOf(path: string, specifier: string | undefined): string {
  if (specifier === undefined) return '(computed)';
  if (specifier.startsWith('.')) return posix.join(posix.dirname(path), specifier);
  if (specifier.startsWith('node:')) return specifier;
  const parts = specifier.split('/');
  return `package:${specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0]}`;
}

function uses(words: RegExp, path: string, code: string): string[] {
  return [...code.matchAll(words)].map(
    (match) => `${path}:${code.slice(0, match.index).split('\n').length} uses ${match[0].trim()}`,
  );
}

function cyclesOf(tree: SourceTree): string[] {
  const next = new Map<string, Set<string>>();
  for (const { path, target } of importsIn(tree, ['**'])) {
    if (tree.has(target)) next.set(path, (next.get(path) ?? new Set()).add(target));
  }
  const cycles: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]) => {
    const seenAt = trail.indexOf(path);
    if (seenAt >= 0) cycles.push([...trail.slice(seenAt), path].join(' → '));
    if (seenAt >= 0 || done.has(path)) return;
    for (const target of next.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of next.keys()) visit(path, []);
  return cycles;
}

const read = new WeakMap<SourceTree, Map<string, SourceText>>();

/** Reads each file of a tree once, however many rules look at it. */
function sourceOf(tree: SourceTree, path: string): SourceText {
  const sources = read.get(tree) ?? new Map<string, SourceText>();
  read.set(tree, sources);
  const source = sources.get(path) ?? readSource(tree.get(path) ?? '');
  sources.set(path, source);
  return source;
}
