import { describe, expect, test } from '@jest/globals';
import { shownProjects } from '../../../src/interaction/shown-projects.ts';

const projects = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    id: `prj_${index}`,
    slug: `project-${index}`,
    name: index === 250 ? 'The Odd One' : `Project ${index}`,
  }));
const none = new Set<string>();

describe('the projects of a form', () => {
  test('are all drawn, without a search, while there are a hundred at most', () => {
    expect(shownProjects(projects(100), none, 'nowhere')).toEqual({ projects: projects(100) });
  });

  test('are the first hundred of more', () => {
    const { projects: drawn, search } = shownProjects(projects(300), none);
    expect(drawn).toEqual(projects(100));
    expect(search).toEqual({ sought: '', found: 300, shown: 100 });
  });

  test('are found by a part of their short name or name, whatever its case', () => {
    const sought = (text: string) => shownProjects(projects(300), none, text);
    expect(sought('PROJECT-29').projects.map(({ id }) => id)).toEqual([
      'prj_29',
      ...Array.from({ length: 10 }, (_, index) => `prj_${290 + index}`),
    ]);
    expect(sought(' odd ').projects.map(({ id }) => id)).toEqual(['prj_250']);
    expect(sought(' odd ').search).toEqual({ sought: 'odd', found: 1, shown: 1 });
    expect(sought('nowhere')).toEqual({ projects: [], search: { sought: 'nowhere', found: 0, shown: 0 } });
  });

  test('hold every ticked one, in its place and not counted as found', () => {
    const ticked = new Set(['prj_3', 'prj_299']);
    const { projects: drawn, search } = shownProjects(projects(300), ticked, 'odd');
    expect(drawn.map(({ id }) => id)).toEqual(['prj_3', 'prj_250', 'prj_299']);
    expect(search).toEqual({ sought: 'odd', found: 1, shown: 1 });
    expect(shownProjects(projects(300), ticked).projects).toHaveLength(101);
  });
});
