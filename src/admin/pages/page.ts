/** How pages and forms of the administration are written down: data for the mounting in `routes.ts`. */

import type { ManagementPermission } from '../../directory/management-permissions.ts';
import type { Words } from '../../http/messages.ts';
import type { Form } from '../../http/read-form.ts';
import type { Caller } from '../api/caller.ts';
import type { AdminDeps, Operation, RawInput } from '../api/operation.ts';
import type { AdminPage } from './page-model.ts';

/** One reader of one page. */
export interface PageRequest {
  readonly deps: AdminDeps;
  readonly caller: Caller;
  readonly words: Words;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** What was typed into the form that was refused; the page shows it again. */
  readonly typed: Form | undefined;
  /** Performs an operation as the reader. @throws Refusal */
  ask<Answer>(operation: Operation<Answer>, input?: RawInput): Promise<Answer>;
}

export interface PageDefinition {
  /** Below `/admin`, as the router writes it. */
  readonly path: string;
  /** The section whose link is marked. */
  readonly section: string;
  /** The reader holds at least one of these. */
  readonly anyOf: readonly ManagementPermission[];
  build(request: PageRequest): Promise<AdminPage>;
}

export interface FormDefinition<Answer = unknown> {
  readonly path: string;
  /** What it does: the same operation that the JSON API performs. */
  readonly operation: Operation<Answer>;
  /** The page that is shown again when it is refused. */
  readonly page: PageDefinition;
  /** Reads the form; what was not asked is never read. */
  input(form: Form, params: Readonly<Record<string, string>>, deps: AdminDeps): RawInput | Promise<RawInput>;
  /** A page to show first, such as what the change would cut. */
  before?(request: PageRequest, form: Form): Promise<AdminPage | undefined>;
  /** Where it leads: another address, or a page that is shown this once. */
  done(answer: Answer, params: Readonly<Record<string, string>>, words: Words): string | AdminPage;
}

/** Defines a form; its answer's shape is that of its operation. */
export function form<Answer>(definition: FormDefinition<Answer>): FormDefinition {
  return {
    ...definition,
    // The routes hand back what the operation answered.
    done: (answer, params, words) => definition.done(answer as Answer, params, words),
  };
}

/** The first value of a field; the empty text when it was left out. Pure. */
export const field = (posted: Form | undefined, name: string): string => posted?.get(name)?.[0]?.trim() ?? '';

/** Every value of a field. Pure. */
export const fields = (posted: Form | undefined, name: string): readonly string[] => posted?.get(name) ?? [];

/** The lines of a field that are not blank. Pure. */
export const lines = (posted: Form, name: string): string[] =>
  field(posted, name)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** The version that the page showed. Pure. */
export function seenVersion(posted: Form): number | undefined {
  const given = field(posted, 'version');
  return /^\d{1,15}$/.test(given) ? Number(given) : undefined;
}
