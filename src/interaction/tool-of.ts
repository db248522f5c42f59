/** Which well-known tool is behind a request of a client that is not known any more. */

/** Tools that have advice of their own (`error.client_gone.next_…`). */
export type KnownTool =
  | 'claude_code'
  | 'claude'
  | 'chatgpt'
  | 'cursor'
  | 'vs_code'
  | 'mcp_remote'
  | 'mcp_inspector';

const byName: readonly (readonly [RegExp, KnownTool])[] = [
  [/^claude code\b/i, 'claude_code'],
  [/^claude(ai)?\b/i, 'claude'],
  [/^chatgpt\b/i, 'chatgpt'],
  [/^cursor\b/i, 'cursor'],
  [/^visual studio code\b/i, 'vs_code'],
  [/^mcp inspector\b/i, 'mcp_inspector'],
  [/^mcp cli proxy\b|\bmcp-remote\b/i, 'mcp_remote'],
];

const byRedirect: readonly (readonly [RegExp, KnownTool])[] = [
  [/^https:\/\/claude\.(ai|com)\//, 'claude'],
  [/^https:\/\/chatgpt\.com\//, 'chatgpt'],
  [/^cursor:/, 'cursor'],
  [/^https:\/\/(insiders\.)?vscode\.dev\/redirect/, 'vs_code'],
  [/^http:\/\/(localhost|127\.0\.0\.1):627[47]\/oauth\/callback/, 'mcp_inspector'],
  [/^http:\/\/(localhost|127\.0\.0\.1):\d+\/oauth\/callback/, 'mcp_remote'],
  [/^http:\/\/localhost:\d+\/callback$/, 'claude_code'],
  [/^http:\/\/127\.0\.0\.1:\d+\/$/, 'vs_code'],
];

/**
 * Recognizes a tool, so that a person can be told where to reset it; a wrong guess costs a misplaced hint and nothing else. Pure.
 * @param clientName what it registered, where that is on record
 * @param redirectUri where it wants the answer; well-known tools have addresses or paths of their own
 */
export function toolOf(clientName: unknown, redirectUri: unknown): KnownTool | undefined {
  if (typeof clientName === 'string') return byName.find(([pattern]) => pattern.test(clientName))?.[1];
  if (typeof redirectUri !== 'string') return undefined;
  return byRedirect.find(([pattern]) => pattern.test(redirectUri))?.[1];
}
