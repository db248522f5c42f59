/** What an import does to one object of the organization. */
export interface ImportEntry {
  readonly subject:
    | 'role'
    | 'project'
    | 'mcp_server'
    | 'user'
    | 'resource_server'
    | 'client'
    | 'authorization'
    | 'policy';
  /** Slug, e-mail address, name or client id. */
  readonly name: string;
  readonly action: 'create' | 'update' | 'unchanged';
  /** One phrase for each difference; never a secret. */
  readonly details: readonly string[];
}

/** An import that cannot be done as it stands; undoes the transaction it is thrown in, and never leaves this folder. */
export class ImportRefused extends Error {
  override readonly name = 'ImportRefused';
  readonly problem: string;

  constructor(problem: string) {
    super(problem);
    this.problem = problem;
  }
}

/** Says how a value differs, or nothing when it does not. Pure. */
export function difference(label: string, before: string, after: string): string[] {
  return before === after ? [] : [`${label}: ${before} → ${after}`];
}

/** Says which members a list gains and loses, in alphabetical order, so that two comparisons read the same. Pure. */
export function listDifference(label: string, before: readonly string[], after: readonly string[]): string[] {
  const gained = after
    .filter((item) => !before.includes(item))
    .sort()
    .map((item) => `${label}: + ${item}`);
  const lost = before
    .filter((item) => !after.includes(item))
    .sort()
    .map((item) => `${label}: − ${item}`);
  return [...gained, ...lost];
}
