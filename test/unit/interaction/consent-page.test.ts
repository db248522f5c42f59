import { describe, expect, test } from '@jest/globals';
import {
  buildConsentPage,
  type ConsentInput,
  type ConsentPage,
} from '../../../src/interaction/consent-page.ts';
import { catalogue, claude, cli, consentInput, web } from '../../support/sample-pages.ts';

const mcp = 'http://localhost:4100/mcp/atlas';
const api = 'http://localhost:4100/api';
const page = (change: Partial<ConsentInput> = {}) => buildConsentPage(consentInput('en', change));
const all = <Item>(part: { main: readonly Item[]; folded: readonly Item[] }) => [
  ...part.main,
  ...part.folded,
];
const ticked = (built: ConsentPage) => ({
  capabilities: all(built.capabilities)
    .filter((card) => card.checked)
    .map((card) => card.name),
  projects: all(built.projects)
    .filter((row) => row.checked)
    .map((row) => [row.id, row.roles.find((role) => role.selected)?.id]),
  servers: all(built.servers).flatMap((group) =>
    group.servers.filter((server) => server.checked).map(({ id }) => id),
  ),
});

describe('what is ticked at first', () => {
  test('is what was asked for and is held, and the server that the resource names', () => {
    const built = page({
      asked: { capabilities: ['mcp', 'flows:edit', 'apps:admin', 'nonsense'], resource: mcp },
    });
    expect(ticked(built)).toEqual({ capabilities: ['mcp', 'flows:edit'], projects: [], servers: ['mcp_1'] });
    expect(built.notices.map(({ text }) => text)).toEqual([
      'It also asked for apps:admin, which is not yours to hand over.',
    ]);
  });

  test('is the baseline of the resource when nothing was asked for', () => {
    expect(ticked(page({ asked: { capabilities: [], resource: mcp } }))).toEqual({
      capabilities: ['mcp'],
      projects: [],
      servers: ['mcp_1'],
    });
    expect(ticked(page({ asked: { capabilities: [], resource: api } })).capabilities).toEqual(['api']);
    expect(ticked(page({ asked: { capabilities: [] } }))).toEqual({
      capabilities: ['api'],
      projects: [],
      servers: [],
    });
  });

  test('holds a sensitive capability only when the request names it', () => {
    const delegable = [...catalogue.keys()];
    expect(
      ticked(page({ delegable, asked: { capabilities: ['api', 'secrets:edit'], resource: api } }))
        .capabilities,
    ).toEqual(['api', 'secrets:edit']);
    expect(ticked(page({ delegable, asked: { capabilities: [], resource: api } })).capabilities).toEqual([
      'api',
    ]);
  });

  test('is the last choice when there is one, whatever is asked now, without what was lost', () => {
    const previous = {
      capabilities: ['mcp', 'secrets:edit'],
      projects: [
        { id: 'prj_atlas', roles: ['rol_viewer'] },
        { id: 'prj_gone', roles: ['rol_editor'] },
      ],
      mcpServers: ['mcp_2', 'mcp_gone'],
      lifetimeSeconds: 3600,
    };
    const built = page({ previous });
    expect(ticked(built)).toEqual({
      capabilities: ['mcp'],
      projects: [['prj_atlas', 'rol_viewer']],
      servers: ['mcp_2'],
    });
    expect(built.lifetimes.find((option) => option.selected)?.value).toBe('3600');
    expect(built.presets.map(({ label, current }) => [label, current])[0]).toEqual(['As last time', true]);
    expect(built.notices[0]?.text).toContain('3 things');
    expect(ticked(page({ previous, preset: 'asked' })).capabilities).toEqual(['mcp', 'flows:edit']);
  });

  test('for reading only leaves out what changes things, and takes the weakest roles', () => {
    const built = page({
      preset: 'read',
      asked: {
        capabilities: ['api', 'apps:view', 'flows:edit'],
        projects: [{ id: 'prj_atlas', roles: ['rol_editor'] }],
        resource: api,
      },
    });
    expect(ticked(built)).toEqual({
      capabilities: ['api', 'apps:view'],
      projects: [['prj_atlas', 'rol_viewer']],
      servers: [],
    });
    expect(built.presets.find(({ current }) => current)?.href).toBe('/interaction/uid/consent?preset=read');
  });

  test('starts a role menu at the weakest role that is enough, else the strongest', () => {
    const role = (change: Partial<ConsentInput>) =>
      page(change).projects.main[0]?.roles.find(({ selected }) => selected)?.id;
    expect(role({ asked: { capabilities: ['flows:edit'], resource: api } })).toBe('rol_editor');
    expect(role({ asked: { capabilities: ['api'], resource: api } })).toBe('rol_editor');
  });
});

describe('what is folded', () => {
  test('is what has nothing to do with the MCP server, never what is ticked', () => {
    const built = page();
    expect(built.capabilities.folded.map(({ name }) => name)).toEqual(['api', 'apps:view']);
    expect(built.projects.main.map(({ slug }) => slug)).toEqual(['atlas']);
    expect(built.projects.folded.map(({ slug }) => slug)).toEqual(['borealis']);
    expect(built.servers.main.flatMap(({ servers }) => servers.map(({ name }) => name))).toEqual([
      'atlas-flows',
    ]);
    const chosen = page({
      previous: {
        capabilities: ['api'],
        projects: [{ id: 'prj_borealis', roles: [] }],
        mcpServers: ['mcp_2'],
      },
    });
    expect(chosen.capabilities.folded.some(({ checked }) => checked)).toBe(false);
    expect(chosen.projects.folded.some(({ checked }) => checked)).toBe(false);
    expect(chosen.servers.folded.flatMap(({ servers }) => servers)).toEqual([]);
  });

  test('is the MCP part when the resource is the API, and nothing when there is none', () => {
    const built = page({ asked: { capabilities: ['api'], resource: api } });
    expect(built.capabilities.folded.map(({ name }) => name)).toEqual(['mcp']);
    expect(built.projects.folded).toEqual([]);
    expect(built.servers.main).toEqual([]);
    const free = page({ asked: { capabilities: ['api'] } });
    expect([free.capabilities, free.projects, free.servers].flatMap(({ folded }) => [...folded])).toEqual([]);
    expect(free.target).toBeUndefined();
  });
});

describe('who is asking', () => {
  test('CN-08: is named only when it is verified, by its host else, and as a local tool when every redirect is local', () => {
    expect(page({ client: cli }).client).toMatchObject({ kind: 'name', heading: 'Mandate CLI' });
    expect(page({ client: web }).client).toMatchObject({
      kind: 'host',
      heading: 'reports.northwind.example',
      claimedName: 'Northwind Reports',
    });
    expect(page({ client: claude }).client).toMatchObject({
      kind: 'local',
      heading: '',
      claimedName: 'Claude Code',
      publishedAt: 'claude.ai',
    });
    expect(page({ client: claude }).summary.text).toMatch(/^This tool will/);
  });

  test('CN-08: cannot turn the text around, hide in it, break the line, or flood the page', () => {
    const name = `Mandate\u202e evil\u200b\n\u2028CLI ${'A'.repeat(40_000)}`;
    const { claimedName } = page({ client: { ...web, name } }).client;
    expect(claimedName).toMatch(/^Mandate evil CLI A+…$/);
    expect([...claimedName!]).toHaveLength(60);
    expect(page({ client: { ...web, name: '\u200b\u202e', verified: true } }).client).toMatchObject({
      kind: 'host',
    });
  });

  test('is never said to run on this computer in the device flow: it may be anywhere', () => {
    const onDevice = { ...cli, redirectHost: undefined, onDevice: true };
    expect(page({ client: onDevice }).client).toMatchObject({
      kind: 'name',
      localOnly: false,
      onDevice: true,
    });
    expect(page({ client: { ...onDevice, verified: false } }).client).toMatchObject({
      kind: 'device',
      heading: '',
      claimedName: 'Mandate CLI',
      localOnly: false,
    });
  });
});

test('starts from the longest lifetime up to 30 days that policy allows', () => {
  const chosen = (lifetimes: readonly (number | null)[]) =>
    page({ lifetimes }).lifetimes.find(({ selected }) => selected)?.value;
  expect(chosen([3600, 86_400, 30 * 86_400, 90 * 86_400, null])).toBe('2592000');
  expect(chosen([3600])).toBe('3600');
  expect(chosen([90 * 86_400, null])).toBe('7776000');
  expect(chosen([null])).toBe('until_revoked');
});

test('says when the MCP server it asks for is not this person’s to call', () => {
  const resource = 'http://localhost:4100/mcp/cygnus';
  const built = page({ asked: { capabilities: ['mcp'], resource, resourceKind: 'mcp_server' } });
  expect(built.target).toEqual({ kind: 'mcp_server_unavailable', resource });
  expect(built.notices[0]?.text).toContain(resource);
});

test('speaks German, and leaves a redefined capability in the words of its operator', () => {
  const redefined = new Map(catalogue).set('api', { ...catalogue.get('api')!, title: 'Query the warehouse' });
  const built = buildConsentPage(
    consentInput('de', { catalogue: redefined, asked: { capabilities: ['api', 'flows:edit'] } }),
  );
  expect(all(built.capabilities).map(({ title }) => title)).toEqual([
    'MCP-Server aufrufen',
    'Query the warehouse',
    'Apps ansehen',
    'Flows anlegen und ändern',
    'HTTP-Endpunkte aufrufen',
  ]);
  expect(built.summary.text).toContain('„Query the warehouse“ nutzen');
});
