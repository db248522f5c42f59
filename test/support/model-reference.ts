/**
 * The reference of the model-based test (R16): everything that an answer depends on, and what the answer then has to be. Pure; it knows
 * nothing of requests, tables or time.
 */

export const people = ['editor@acme.test', 'viewer@acme.test'] as const;
export type Person = (typeof people)[number];
export type AtlasRole = 'none' | 'viewer' | 'editor';
/** Who guards a token's audience: the demo's API, or its MCP servers. */
export const guards = ['api', 'mcp'] as const;
export type Guard = (typeof guards)[number];

/** What somebody chose for a tool. */
export interface Slice {
  readonly api: boolean;
  readonly flows: boolean;
  /** Whether atlas is among the projects, as Editor. */
  readonly atlas: boolean;
  /** Whether atlas's MCP server may be called. */
  readonly mcp: boolean;
}
export interface Handed {
  readonly id: string;
  readonly owner: Person;
  readonly guard: Guard;
  slice: Slice;
  status: 'active' | 'suspended' | 'revoked';
}
export interface AccessToken {
  /** Index of what was handed over. */
  readonly of: number;
  readonly value: string;
  alive: boolean;
}
/** A code or a refresh token. */
export interface Single {
  readonly kind: 'code' | 'refresh';
  readonly of: number;
  readonly value: string;
  /** The code's verifier (RFC 7636). */
  readonly verifier?: string;
  /** The code that a refresh token goes back to. */
  readonly family?: string;
  alive: boolean;
  used: 'never' | 'lately' | 'long ago';
  /** What it was exchanged for. */
  successor?: string | undefined;
}
export interface Model {
  readonly handed: Handed[];
  readonly tokens: AccessToken[];
  readonly singles: Single[];
  readonly suspended: Set<Person>;
  readonly role: Record<Person, AtlasRole>;
  clientEnabled: boolean;
}

/** Nothing was handed over, nobody holds a role. */
export const emptyModel = (): Model => ({
  handed: [],
  tokens: [],
  singles: [],
  suspended: new Set(),
  role: { 'editor@acme.test': 'none', 'viewer@acme.test': 'none' },
  clientEnabled: true,
});

/** What holds now of what was handed over, as its own audience sees it: granted ∩ live. Sorted; empty when nothing is left. */
export function rightsOf({ suspended, role }: Model, { owner, guard, slice }: Handed): string {
  if (suspended.has(owner)) return '';
  const edits = slice.flows && slice.atlas && role[owner] === 'editor';
  const calls = slice.mcp && role[owner] !== 'none';
  // Who guards MCP servers sees what may be done in their projects where one of them may be called.
  const own = guard === 'api' ? slice.api && 'api' : calls && 'mcp';
  return [own, edits && (guard === 'api' || calls) && 'flows:edit'].filter(Boolean).sort().join(' ');
}

/** What introspection has to tell a caller of a token: of which authorization it is, and its scope; or nothing. */
export function expectedOf(model: Model, token: AccessToken, caller: Guard): string | undefined {
  const from = model.handed[token.of];
  if (!token.alive || from?.status !== 'active' || !model.clientEnabled || caller !== from.guard)
    return undefined;
  const rights = rightsOf(model, from);
  // A project on which nothing may be done is nothing that anybody guards.
  return rights === '' ? undefined : `${from.id}: ${rights}`;
}

/** What becomes of a code or a refresh token that is shown to the token endpoint. */
export type Verdict = 'issued' | 'invalid_client' | 'invalid_grant' | 'access_denied' | 'replayed';

export function verdictOn({ handed, suspended, clientEnabled }: Model, one: Single): Verdict {
  const from = handed[one.of];
  if (!clientEnabled) return 'invalid_client';
  if (!one.alive || !from || from.status === 'revoked') return 'invalid_grant';
  const ownerMay = !suspended.has(from.owner);
  // RFC 6749 section 4.1.2 and RFC 9700 section 4.14.2. Of an account that is suspended, a refresh token is not looked at further.
  if (one.kind === 'code' && one.used !== 'never') return 'replayed';
  if (one.kind === 'refresh' && one.used === 'long ago' && ownerMay) return 'replayed';
  if (!ownerMay) return 'invalid_grant';
  // A pause: tools keep what they have.
  return from.status === 'suspended' ? 'access_denied' : 'issued';
}

/** A theft was seen: every token and code of the authorization ends, what was chosen stays (RFC 9700 section 4.14.2). */
export function endTokens({ tokens, singles }: Model, of: number): void {
  for (const one of [...tokens, ...singles]) if (one.of === of) one.alive = false;
}

/** The refresh tokens that can be used and were not: one a family at most. */
export function leavesOf({ handed, singles }: Model): Single[] {
  return singles.filter(
    ({ kind, of, alive, used }) =>
      kind === 'refresh' && alive && used === 'never' && handed[of]?.status !== 'revoked',
  );
}
