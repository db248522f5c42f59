import { expect, test } from '@jest/globals';
import { toolOf } from '../../../src/interaction/tool-of.ts';

test.each([
  ['Claude Code (atlas)', undefined, 'claude_code'],
  ['Claude', undefined, 'claude'],
  ['Cursor', undefined, 'cursor'],
  ['Visual Studio Code', undefined, 'vs_code'],
  ['MCP CLI Proxy', 'http://localhost:3334/oauth/callback', 'mcp_remote'],
  ['MCP Inspector', undefined, 'mcp_inspector'],
  [undefined, 'https://claude.ai/api/mcp/auth_callback', 'claude'],
  [undefined, 'https://chatgpt.com/connector_platform_oauth_redirect', 'chatgpt'],
  [undefined, 'cursor://anysphere.cursor-mcp/oauth/callback', 'cursor'],
  [undefined, 'https://vscode.dev/redirect', 'vs_code'],
  [undefined, 'http://127.0.0.1:33418/', 'vs_code'],
  [undefined, 'http://localhost:3334/oauth/callback', 'mcp_remote'],
  [undefined, 'http://localhost:6274/oauth/callback/debug', 'mcp_inspector'],
  [undefined, 'http://localhost:54545/callback', 'claude_code'],
  ['Something else', 'http://localhost:54545/callback', undefined],
  [undefined, 'https://evil.example/?https://claude.ai/', undefined],
  [undefined, ['cursor:'], undefined],
  [undefined, undefined, undefined],
])('%j with %j is %s', (name, redirect, tool) => {
  expect(toolOf(name, redirect)).toBe(tool);
});
