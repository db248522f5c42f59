import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type FormFields, parseConsentForm } from '../../../src/interaction/consent-form.ts';

const good: FormFields = {
  csrf: 'x',
  decision: 'authorize',
  seen_account: 'usr_1',
  lifetime: '2592000',
  capability: ['mcp', 'flows:edit', 'mcp'],
  project: 'prj_1',
  'role.prj_1': 'rol_editor',
  'role.prj_2': 'rol_viewer',
  mcp_server: ['mcp_1', 'mcp_2'],
};

test('reads scalars and lists alike, drops duplicates and the roles of projects that were not picked', () => {
  expect(parseConsentForm(good)).toEqual({
    kind: 'choice',
    decision: 'authorize',
    projectSearch: '',
    seenAccount: 'usr_1',
    capabilities: ['mcp', 'flows:edit'],
    projects: [{ id: 'prj_1', roles: ['rol_editor'] }],
    mcpServers: ['mcp_1', 'mcp_2'],
    justification: '',
    lifetimeSeconds: 2_592_000,
    byHand: false,
  });
  expect(parseConsentForm({ ...good, lifetime: 'until_revoked' })).toMatchObject({ lifetimeSeconds: null });
});

test('a denial counts whatever else was posted', () => {
  expect(parseConsentForm({ decision: 'deny', project: Array(10_000).fill('p') })).toMatchObject({
    kind: 'choice',
    decision: 'deny',
    projects: [],
  });
});

describe('refuses', () => {
  test.each<[string, FormFields, string, string]>([
    ['no decision', { decision: undefined }, 'decision', 'missing'],
    ['two decisions', { decision: ['authorize', 'deny'] }, 'decision', 'malformed'],
    ['another decision', { decision: 'allow' }, 'decision', 'malformed'],
    ['no account', { seen_account: undefined }, 'seen_account', 'missing'],
    ['no lifetime', { lifetime: undefined }, 'lifetime', 'missing'],
    ['lifetime 0', { lifetime: '0' }, 'lifetime', 'malformed'],
    ['lifetime -1', { lifetime: '-1' }, 'lifetime', 'malformed'],
    ['lifetime 1e9', { lifetime: '1e9' }, 'lifetime', 'malformed'],
    ['a lifetime of centuries', { lifetime: '9999999999' }, 'lifetime', 'malformed'],
    [
      '10 000 projects',
      { project: Array.from({ length: 10_000 }, (_, at) => `prj_${at}`) },
      'project',
      'too_many',
    ],
    [
      '10 000 roles',
      { 'role.prj_1': Array.from({ length: 10_000 }, (_, at) => `rol_${at}`) },
      'role',
      'too_many',
    ],
    ['an endless id', { mcp_server: 'a'.repeat(201) }, 'mcp_server', 'malformed'],
    ['an empty id', { capability: ['mcp', ''] }, 'capability', 'malformed'],
  ])('%s', (_, change, field, why) => {
    expect(parseConsentForm({ ...good, ...change })).toEqual({ kind: 'invalid', field, why });
  });
});

test('the names of Object’s own properties are ids like any other', () => {
  const fields = JSON.parse(
    '{"decision":"authorize","seen_account":"u","lifetime":"3600","project":["__proto__","constructor"],"__proto__":{"capability":["mcp"]}}',
  ) as FormFields;
  expect(parseConsentForm(fields)).toMatchObject({
    capabilities: [],
    projects: [
      { id: '__proto__', roles: [] },
      { id: 'constructor', roles: [] },
    ],
  });
  expect(({} as Record<string, unknown>).capability).toBeUndefined();
});

test('is total, and never yields what was not posted', () => {
  const names = fc.constantFrom(
    'decision',
    'seen_account',
    'lifetime',
    'capability',
    'project',
    'mcp_server',
    'role.a',
    'role.__proto__',
  );
  const texts = fc.oneof(
    fc.string(),
    fc.constantFrom('authorize', 'deny', 'a', '3600', '__proto__', 'until_revoked'),
  );
  const values = fc.oneof(texts, fc.array(texts), fc.anything() as fc.Arbitrary<string>);
  fc.assert(
    fc.property(fc.dictionary(fc.oneof(names, fc.string()), values), (fields) => {
      const read = parseConsentForm(fields);
      if (read.kind === 'invalid') return;
      const posted = (name: string) => [Object.hasOwn(fields, name) ? fields[name] : []].flat();
      for (const id of read.capabilities) expect(posted('capability')).toContain(id);
      for (const id of read.mcpServers) expect(posted('mcp_server')).toContain(id);
      for (const { id, roles } of read.projects) {
        expect(posted('project')).toContain(id);
        for (const role of roles) expect(posted(`role.${id}`)).toContain(role);
      }
    }),
    { numRuns: 500 },
  );
});

test('asks for the page again with other projects, whatever was ticked', () => {
  expect(parseConsentForm({ ...good, decision: 'find', project_search: 'atlas' })).toMatchObject({
    kind: 'choice',
    decision: 'find',
    projectSearch: 'atlas',
    capabilities: ['mcp', 'flows:edit'],
  });
});
