/** Tools written in Python, as the documentation of their libraries has them. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { demo } from '../support/mandate.ts';
import { type PlatformOnMandate, startPlatformOnMandate } from '../support/platform-on-mandate.ts';
import { describeWith } from './describe-with.ts';
import { runForeignTool } from './foreign-tool.ts';
import { python, pythonLibraries, sources } from './prepared.ts';

describeWith([pythonLibraries], 'Python', () => {
  let both: PlatformOnMandate;
  beforeAll(async () => {
    both = await startPlatformOnMandate();
  });
  afterAll(() => both.stop());

  const run = (program: string, answers: Record<string, boolean>) =>
    runForeignTool(both.mandate, {
      command: python,
      args: [
        '-B',
        program,
        JSON.stringify({
          issuer: both.mandate.issuer,
          client_id: demo.cli.id,
          guard: demo.apiServer,
          api: `${both.platform.origin}/api`,
          mcp_server: `${both.platform.origin}/mcp/atlas`,
        }),
      ],
      folder: join(sources, 'python'),
      answers,
    });
  const flows = { 'flows:edit': true, atlas: true };
  const active = { active: true, username: 'editor@acme.test' };
  const editing = { ...active, scope: 'api flows:edit' };

  test('Authlib: code with PKCE, refresh, introspection, revocation, the device flow', async () => {
    expect(await run('authlib_tool.py', flows)).toMatchObject({
      code: { first: editing, refreshed: editing, revoked: { active: false } },
      device: active,
    });
  });

  test('requests-oauthlib: code with PKCE, automatic refresh on the way to the API, the device flow', async () => {
    expect(await run('requests_oauthlib_tool.py', flows)).toMatchObject({
      code: { first: editing, api: 200, refreshed: editing },
      device: active,
    });
  });

  test('the MCP SDK: from the URL of a server to a tool that answers, and on after a refresh', async () => {
    expect(await run('mcp_tool.py', { mcp: true, 'atlas-flows': true })).toMatchObject({
      tools: expect.arrayContaining(['whoami']),
      answer: expect.stringContaining('editor@acme.test'),
      again: expect.stringContaining('editor@acme.test'),
      refreshed: true,
      client_id: expect.stringMatching(/^dcr_/),
    });
  });
});
