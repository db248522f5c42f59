/**
 * Which projects a form draws when there are very many: those that are ticked, and the first of those that were looked for. Nothing that
 * is ticked is ever left out, so that what is not drawn was not chosen. Pure.
 */
import { displayText } from './display-text.ts';

/** With more projects than these a form draws these many, and has a search of the server's. */
const mostShown = 100;
const longestSearch = 200;

/** What the search field shows, and how much of everything is drawn. */
export interface ProjectSearch {
  readonly sought: string;
  /** How many there are that were looked for. */
  readonly found: number;
  /** How many of them are drawn. */
  readonly shown: number;
}

interface Named {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
}

/**
 * Chooses what is drawn, in the order given.
 * @param ticked ids of those that are drawn whatever was looked for
 * @param sought part of a short name or a name, as typed
 * @returns no search where everything is drawn
 */
export function shownProjects<Project extends Named>(
  projects: readonly Project[],
  ticked: { has(id: string): boolean },
  sought = '',
): { readonly projects: readonly Project[]; readonly search?: ProjectSearch } {
  if (projects.length <= mostShown) return { projects };
  const wanted = sought.trim().slice(0, longestSearch).toLowerCase();
  const drawn: Project[] = [];
  let found = 0;
  for (const project of projects) {
    const matches = `${project.slug}\n${project.name}`.toLowerCase().includes(wanted);
    if (matches) found += 1;
    if (ticked.has(project.id) || (matches && found <= mostShown)) drawn.push(project);
  }
  return {
    projects: drawn,
    search: { sought: displayText(sought.trim(), longestSearch), found, shown: Math.min(found, mostShown) },
  };
}
