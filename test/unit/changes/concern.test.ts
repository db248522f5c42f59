import { describe, expect, test } from '@jest/globals';
import { type ConcernedBy, concerns, type Reach } from '../../../src/changes/concern.ts';
import type { Catalogue } from '../../../src/policy/vocabulary.ts';

const capability = (name: string, bound: string) => [name, { name, bound }] as const;
const catalogue = new Map([
  capability('mcp', 'mcp_server'),
  capability('api', 'organization'),
  capability('flows:edit', 'project'),
]) as unknown as Catalogue;
const api: ConcernedBy = { apiAudiences: ['https://acme.example/api'], mcpServers: [] };
const gateway: ConcernedBy = { apiAudiences: [], mcpServers: [{ id: 'mcp_1' }, { id: 'mcp_2' }] };
const idle: ConcernedBy = { apiAudiences: [], mcpServers: [] };

describe('an authorization concerns', () => {
  test.each<[string, Reach, boolean, boolean]>([
    ['the API by what it may do on the organization', { capabilities: ['api'] }, true, false],
    ['the API by what it may do on projects', { capabilities: ['flows:edit'] }, true, false],
    ['the API by roles, whatever they hold', { capabilities: [], roles: ['rol_1'] }, true, false],
    ['a gateway by a server that it picked', { capabilities: ['mcp'], mcpServers: ['mcp_2'] }, false, true],
    ['nobody by a server of somebody else', { capabilities: ['mcp'], mcpServers: ['mcp_9'] }, false, false],
    ['both by both', { capabilities: ['api', 'mcp'], mcpServers: ['mcp_1'] }, true, true],
    ['everybody when it follows its owner', { followsOwner: true }, true, true],
    ['nobody by a name that the catalogue does not list', { capabilities: ['gone'] }, false, false],
    ['nobody when it says nothing', {}, false, false],
  ])('%s', (_, reach, forApi, forGateway) => {
    expect(concerns(api, reach, catalogue)).toBe(forApi);
    expect(concerns(gateway, reach, catalogue)).toBe(forGateway);
    expect(concerns(idle, reach, catalogue)).toBe(false);
  });
});
