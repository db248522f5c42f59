/** The field in which a form asks for a project: a menu where there are few, else its short name, suggested while it is typed. */

import type { AdminDeps } from '../api/operation.ts';
import { projectOperations } from '../api/project-operations.ts';
import type { PageRequest } from './page.ts';
import type { Field } from './page-model.ts';

/** A longer menu is searched by nobody. */
export const longestMenu = 50;
/** A browser filters them by what is typed; whatever is not among them may be typed all the same. */
const mostSuggested = 5_000;

/** @param about.none what leaving it empty means; absent where a project is needed */
export async function projectField(
  { ask, deps, words }: PageRequest,
  about: { readonly name: string; readonly label: string; readonly value: string; readonly none?: string },
): Promise<Field> {
  const { name, label, value, none } = about;
  // Whether the reader may know them is the operation's to say.
  const { items, next } = await ask(projectOperations.list, { query: { limit: longestMenu } });
  if (next === null) {
    const options = items.map(({ id, slug }) => ({ value: id, label: slug, selected: value === id }));
    return {
      kind: 'menu',
      name,
      label,
      options: none === undefined ? options : [{ value: '', label: none }, ...options],
    };
  }
  const all = await deps.projects.list({ limit: mostSuggested });
  return {
    kind: 'text',
    name,
    label,
    value,
    suggestions: all.map(({ slug }) => slug),
    hint: none === undefined ? words.t('admin.project_hint') : words.t('admin.project_hint_or', { none }),
    ...(none === undefined && { required: true }),
  };
}

/** Reads what the field was given: an id stays one, a short name becomes one, anything else is for the operation to refuse. */
export async function projectOf({ projects }: Pick<AdminDeps, 'projects'>, value: string): Promise<string> {
  if (value === '') return value;
  return (await projects.findBySlug(value.toLowerCase()))?.id ?? value;
}
