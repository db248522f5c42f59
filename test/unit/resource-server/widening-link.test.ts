import { expect, test } from '@jest/globals';
import type { Requirement } from '../../../src/resource-server/index.ts';
import { wideningLink } from '../../../src/resource-server/widening-link.ts';
import { activeAnswer } from './active-answer.ts';

const resource = 'https://acme.example/mcp/atlas';

test.each<[string, Requirement, Record<string, string>]>([
  ['a scope', { scopes: ['api', 'apps:view'] }, { add: 'apps:view' }],
  ['a capability anywhere', { capability: 'secrets:edit' }, { add: 'secrets:edit' }],
  [
    'a capability on a project that it reaches',
    { capability: 'flows:edit', project: 'borealis' },
    { add: 'flows:edit', project: 'borealis' },
  ],
  ['a project', { capability: 'flows:edit', project: 'cygnus' }, { add: 'flows:edit', project: 'cygnus' }],
  ['an MCP server', { mcpServer: true }, { add: 'mcp', mcp_server: resource }],
])('names what is missing: %s', (_what, requirement, query) => {
  const link = new URL(wideningLink(activeAnswer(), resource, requirement) ?? 'about:blank');
  expect(link.origin + link.pathname).toBe('https://mandate.example/account/authorizations/az_1');
  expect(Object.fromEntries(link.searchParams)).toEqual(query);
});

test.each(['not a url', ''])('is left out where the issuer is %j', (iss) => {
  expect(wideningLink(activeAnswer({ iss }), resource, { scopes: ['mcp'] })).toBeUndefined();
});

test('what somebody else wrote stays inside the query', () => {
  const answer = activeAnswer({ authorization_id: 'az_1/../x?y' });
  const link = wideningLink(answer, resource, { capability: 'a"b', project: 'x&add=all#"' });
  expect(link).toMatch(/^https:\/\/mandate\.example\/account\/authorizations\/az_1%2F\.\.%2Fx%3Fy\?[^"#]*$/);
});
