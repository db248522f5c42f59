import { describe, expect, test } from '@jest/globals';
import { CatalogueError, parseCatalogue, readCatalogue } from '../../src/catalogue.ts';
import { readBuiltInRoles } from '../../src/organization/built-in-roles.ts';
import { shippedFiles } from '../../src/shipped-files.ts';

const shipped = readCatalogue(shippedFiles().capabilities);

describe('the shipped catalogue', () => {
  test('is the one of the design, in its order', () => {
    expect(
      [...shipped.values()].map(({ name, bound, sensitive, implies }) => [name, bound, sensitive, implies]),
    ).toEqual([
      ['mcp', 'mcp_server', false, []],
      ['api', 'organization', false, []],
      ['apps:view', 'organization', false, []],
      ['apps:admin', 'organization', true, ['apps:view']],
      ['flows:edit', 'project', false, []],
      ['secrets:edit', 'project', true, []],
      ['endpoints:access', 'project', false, []],
      ['mandate:admin', 'organization', true, []],
    ]);
  });

  test('names the worst case of what is sensitive, and of nothing else', () => {
    for (const { sensitive, worstCase } of shipped.values()) expect(worstCase !== undefined).toBe(sensitive);
  });
});

describe('a catalogue', () => {
  const entry = (more: string) =>
    `capabilities: [{ name: a, bound: project, title: A, consequence: C.${more} }]`;

  test.each([
    ['what is not YAML', 'capabilities: [', /Flow sequence/],
    ['what is empty', '', /the file: /],
    ['no capability at all', 'capabilities: []', /capabilities: /],
    ['an unknown bound', entry('').replace('project', 'planet'), /capabilities\.0\.bound/],
    ['an unknown field', entry(', colour: red'), /colour/],
    ['a name that is no scope token', entry('').replace('name: a', 'name: "a b"'), /lower case/],
    ['a scope of OpenID Connect', entry('').replace('name: a', 'name: openid'), /OpenID Connect/],
    [
      'an administration that is bound elsewhere',
      entry('').replace('name: a', 'name: "mandate:admin"'),
      /bound to the organization, sensitive/,
    ],
    [
      'what implies the administration',
      'capabilities: [{ name: a, bound: organization, title: A, consequence: C., implies: ["mandate:admin"] }, { name: "mandate:admin", bound: organization, title: A, consequence: C., sensitive: true, worst_case: W. }]',
      /cannot imply mandate:admin/,
    ],
    ['a management permission', entry('').replace('name: a', 'name: users.manage'), /management permission/],
    ['the same name twice', `${entry('').slice(0, -1)}, ${entry('').slice(15)}`, /listed twice/],
    ['a sensitive one without its worst case', entry(', sensitive: true'), /worst_case/],
    ['a worst case of what is not sensitive', entry(', worst_case: Bad.'), /must be sensitive/],
    ['an implication of nothing', entry(', implies: [b]'), /b, which is not in the catalogue/],
    [
      'an implication of a wider bound',
      `${entry(', implies: [b]').slice(0, -1)}, { name: b, bound: organization, title: B, consequence: C. }]`,
      /bounded elsewhere/,
    ],
  ])('is refused for %s', (_, text, problem) => {
    expect(() => parseCatalogue(text, 'mine.yaml')).toThrow(CatalogueError);
    expect(() => parseCatalogue(text, 'mine.yaml')).toThrow(problem);
    expect(() => parseCatalogue(text, 'mine.yaml')).toThrow(/^mine\.yaml: /);
  });

  test('is refused with every mistake at once', () => {
    const text = entry(', sensitive: true, implies: [b]');
    expect(() => parseCatalogue(text)).toThrow(/worst_case[\s\S]*not in the catalogue/);
  });
});

describe('the built-in roles', () => {
  const roles = new Map(
    readBuiltInRoles(shippedFiles().roles, shipped).map(({ slug, permissions }) => [slug, permissions]),
  );

  test('hold what the design says', () => {
    expect([...roles.keys()]).toEqual(['owner', 'admin', 'editor', 'viewer', 'member']);
    expect(roles.get('owner')).toHaveLength(shipped.size + 12);
    expect(roles.get('admin')).toEqual(roles.get('owner'));
    expect(roles.get('editor')).toEqual([
      'api',
      'mcp',
      'apps:view',
      'flows:edit',
      'endpoints:access',
      'api-keys.create',
    ]);
    expect(roles.get('viewer')).toEqual(['api', 'mcp', 'apps:view', 'api-keys.create']);
    expect(roles.get('member')).toEqual(['api', 'apps:view', 'api-keys.create']);
  });

  test('are refused when they name a permission that the catalogue does not have', () => {
    const small = parseCatalogue(
      'capabilities: [{ name: api, bound: organization, title: A, consequence: C. }]',
    );
    expect(() => readBuiltInRoles(shippedFiles().roles, small)).toThrow('editor: there is no permission mcp');
  });
});
