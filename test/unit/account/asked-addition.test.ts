import { expect, test } from '@jest/globals';
import { type AskedAddition, addAsked, readAddition } from '../../../src/account/asked-addition.ts';
import type { Offer } from '../../../src/interaction/consent-preselection.ts';

const capability = (name: string, bound: 'organization' | 'project' | 'mcp_server') => ({
  name,
  bound,
  title: name,
  consequence: name,
  sensitive: false,
  implies: [],
});
const role = (id: string, capabilities: string[]) => ({ id, slug: id, name: id, capabilities });
const roles = [
  role('editor', ['flows:edit', 'secrets:edit']),
  role('writer', ['flows:edit']),
  role('viewer', []),
];
const offer: Offer = {
  catalogue: new Map(
    [
      capability('api', 'organization'),
      capability('mcp', 'mcp_server'),
      capability('flows:edit', 'project'),
      capability('secrets:edit', 'project'),
    ].map((one) => [one.name, one]),
  ),
  delegable: ['api', 'mcp', 'flows:edit', 'secrets:edit'],
  projects: [
    { id: 'prj_1', slug: 'atlas', name: 'Atlas', offeredRoles: roles, yourRole: 'editor' },
    { id: 'prj_2', slug: 'borealis', name: 'Borealis', offeredRoles: roles.slice(2), yourRole: 'viewer' },
  ],
  servers: [
    {
      id: 'mcp_1',
      name: 'flows',
      resource: 'https://a.example/mcp',
      projectId: 'prj_1',
      projectSlug: 'atlas',
    },
  ],
};
const slice = {
  capabilities: ['api'],
  roles: [],
  projects: [{ id: 'prj_2', roles: ['viewer'] }],
  mcpServers: [],
};
const asked = (more: Partial<AskedAddition>): AskedAddition => ({
  capabilities: [],
  project: undefined,
  mcpServer: undefined,
  ...more,
});

test('adds a capability with the weakest role that is enough on the project', () => {
  const {
    slice: wider,
    added,
    beyond,
  } = addAsked(slice, asked({ capabilities: ['flows:edit'], project: 'atlas' }), offer);
  expect(wider).toEqual({
    capabilities: ['api', 'flows:edit'],
    roles: [],
    projects: [
      { id: 'prj_2', roles: ['viewer'] },
      { id: 'prj_1', roles: ['writer'] },
    ],
    mcpServers: [],
  });
  expect([added, beyond]).toEqual([['flows:edit', 'atlas'], false]);
});

test('keeps the roles that are picked, and adds one where they are not enough', () => {
  const picked = { ...slice, projects: [{ id: 'prj_1', roles: ['viewer'] }] };
  const wider = addAsked(picked, asked({ capabilities: ['flows:edit'], project: 'prj_1' }), offer).slice;
  expect(wider.projects).toEqual([{ id: 'prj_1', roles: ['viewer', 'writer'] }]);
});

test('adds a server by its address', () => {
  const server = asked({ capabilities: ['mcp'], mcpServer: 'https://a.example/mcp' });
  const { slice: wider, added } = addAsked(slice, server, offer);
  expect([wider.capabilities, wider.mcpServers, added]).toEqual([
    ['api', 'mcp'],
    ['mcp_1'],
    ['mcp', 'flows'],
  ]);
});

test.each<[string, Partial<AskedAddition>]>([
  ['a capability that the owner lacks', { capabilities: ['apps:admin'] }],
  ['a project that is not there', { capabilities: ['api'], project: 'cygnus' }],
  ['a role that nobody may give there', { capabilities: ['flows:edit'], project: 'borealis' }],
  ['a server that is not there', { mcpServer: 'https://b.example' }],
])('leaves out %s, and says so', (_what, more) => {
  const { slice: same, beyond } = addAsked(slice, asked(more), offer);
  expect([same.projects, same.mcpServers, beyond]).toEqual([slice.projects, slice.mcpServers, true]);
});

test('what is there already changes nothing', () => {
  const again = addAsked(slice, asked({ capabilities: ['api'], project: 'borealis' }), offer);
  expect(again).toEqual({ slice, added: [], beyond: false });
});

test('reads whatever a query holds', () => {
  expect(readAddition({})).toBeUndefined();
  expect(readAddition({ add: '', project: 'atlas' })).toBeUndefined();
  expect(readAddition({ add: ['flows:edit api', 'x'], project: ['a', 'b'] })).toEqual(
    asked({ capabilities: ['flows:edit', 'api'], project: 'a' }),
  );
  expect(readAddition({ add: 'x '.repeat(9_000) })?.capabilities).toEqual(['x']);
});
