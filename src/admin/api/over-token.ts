/**
 * What a token may not do, whatever its owner may. `mandate:admin` hands a tool the administration of others, never the means to
 * grow: with a token alone nobody
 *
 * 1. makes, replaces or widens a credential of the account that the token acts for: no key, no client's secret, no resumed, longer
 *    or wider authorization, no new owner for a key. Narrowing, pausing and ending is always allowed;
 * 2. changes that account itself, or a role that it holds or that one of its authorizations mentions: a key that carries a role by
 *    reference would grow with the role;
 * 3. hands out the right to run Mandate: no role with a management permission other than `api-keys.create`, none with
 *    `mandate:admin`, and no key with it, old or new;
 * 4. sets a password or an address, with which somebody could sign in, and so be no tool any more;
 * 5. touches the client that carries it;
 * 6. sets a policy that would leave more, or longer, of what that account handed out;
 * 7. does anything else that is not listed below: what brings somebody in (invitations, keys to sign with), or tells whom what
 *    happened, is for people on the pages.
 *
 * What cannot be taken back, or decides about the tokens of many, takes a person's own login: no API key and no machine asks for it.
 *
 * Everything a token does is bounded by its owner's permissions as they are at that call, like everything a person does.
 */
import type { Store } from '../../../db/open.ts';
import { standingAuthorizations } from '../../authorizations/everyones.ts';
import type { Clock } from '../../clock.ts';
import { isManagementPermission } from '../../directory/management-permissions.ts';
import type { PolicyLimits } from '../../policies/policy-limits.ts';
import { unite } from '../../policy/additions.ts';
import { administration } from '../../policy/administration.ts';
import { isWithin } from '../../policy/is-within.ts';
import type { Slice } from '../../policy/key-decision.ts';
import { leavesMore } from '../../policy/leaves-more.ts';
import { noLimits } from '../../policy/limits.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Catalogue } from '../../policy/vocabulary.ts';
import type { Caller } from './caller.ts';
import { refusal } from './problem.ts';

/** Changes that a token may ask for, each within the rules above; every `get` is open to it. */
const open: ReadonlySet<string> = new Set([
  ...['user', 'service_account'].flatMap((noun) => [
    ...['create', 'update', 'suspend', 'resume'].map((verb) => `${verb}_${noun}`),
    `assign_${noun}_role`,
    `unassign_${noun}_role`,
  ]),
  'end_user_session',
  'end_user_sessions',
  'create_service_account_client',
  'rotate_service_account_client_secret',
  'delete_service_account_client',
  ...['create', 'update', 'delete'].flatMap((verb) => [`${verb}_role`, `${verb}_project`]),
  'create_mcp_server',
  'update_mcp_server',
  ...['create', 'update', 'verify', 'unverify', 'enable', 'disable', 'delete'].map(
    (verb) => `${verb}_client`,
  ),
  'rotate_client_secret',
  ...['create', 'update', 'enable', 'disable'].map((verb) => `${verb}_resource_server`),
  'rotate_resource_server_secret',
  ...['update', 'suspend', 'resume', 'revoke'].map((verb) => `${verb}_authorization`),
  'create_authorization_addition',
  'end_authorization_addition',
  ...['preview', 'create', 'update', 'rotate', 'suspend', 'resume', 'revoke', 'move'].map(
    (verb) => `${verb}_api_key`,
  ),
  'move_user_keys',
  'move_service_account_keys',
  'withdraw_invitation',
  'decline_approval',
  'simulate',
]);

/** Changes that a token may ask for which a person got at a login of theirs; an API key and a machine's token may not. */
const forLogins: ReadonlySet<string> = new Set([
  'replace_policies',
  'approve_approval',
  'delete_user',
  'delete_service_account',
]);

/** Tells whether a token may ask for an operation at all. Pure. */
export function isOpenToTokens({ id, method }: { readonly id: string; readonly method: string }): boolean {
  return method === 'get' || open.has(id) || forLogins.has(id);
}

/** Refuses a token an operation that is not open to it. @throws Refusal `not_over_token` */
export function requireOpen(
  operation: { readonly id: string; readonly method: string },
  caller: Caller,
): void {
  const { via, access } = caller;
  if (via.kind === 'session') return;
  const isLogin = via.clientId !== undefined && access.user.kind === 'person';
  if (!isOpenToTokens(operation) || (forLogins.has(operation.id) && !isLogin)) requireSession(caller);
}

/** Refuses a token what is for a person in their browser. @throws Refusal `not_over_token` */
export function requireSession({ via }: Caller): void {
  if (via.kind === 'token') throw refusal('not_over_token');
}

/** Refuses a token what concerns the account that it acts for. @throws Refusal `not_over_token` */
export function guardSelf(caller: Caller, userId: string): void {
  if (userId === caller.id) requireSession(caller);
}

/** Refuses a token to touch the client that carries it. @throws Refusal `not_over_token` */
export function guardCarrier(caller: Caller, clientId: string): void {
  if (caller.via.kind === 'token' && caller.via.clientId === clientId) requireSession(caller);
}

/** Refuses a token to hand out a right to run Mandate. @throws Refusal `not_over_token` */
export function guardManagement(caller: Caller, permissions: readonly string[]): void {
  const runs = (name: string) =>
    name === administration || (isManagementPermission(name) && name !== 'api-keys.create');
  if (permissions.some(runs)) requireSession(caller);
}

/** Refuses a token to change a role from which its own account, or an authorization of it, has rights. @throws Refusal `not_over_token` */
export async function guardOwnRole(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  caller: Caller,
  roleId: string,
): Promise<void> {
  if (caller.via.kind !== 'token') return;
  const { organization, projects } = caller.access.assigned;
  if (organization.includes(roleId) || [...projects.values()].some((ids) => ids.includes(roleId))) {
    requireSession(caller);
  }
  const found = await standingAuthorizations(
    store.db,
    { userIds: [caller.id] },
    { now: clock.now(), limit: mostLookedAt, paused: true },
  );
  const mentions = ({ roles, projects: picked, additions }: (typeof found)[number]) =>
    roles.includes(roleId) ||
    unite({ capabilities: [], projects: picked, mcpServers: [] }, additions).projects.some((project) =>
      project.roles.includes(roleId),
    );
  // With more of them than are looked at nothing is known: then it is for a person.
  if (found.length === mostLookedAt || found.some(mentions)) requireSession(caller);
}

const mostLookedAt = 10_000;

/** Refuses a token a policy that leaves more, or longer, of what its own account handed out. @throws Refusal `not_over_token` */
export async function guardOwnLimits(
  { store, clock, policyLimits, catalogue }: OwnLimitsDependencies,
  caller: Caller,
  { before, after }: { readonly before: Policy; readonly after: Policy },
): Promise<void> {
  if (caller.via.kind !== 'token') return;
  const own = await standingAuthorizations(
    store.db,
    { userIds: [caller.id] },
    { now: clock.now(), limit: mostLookedAt, paused: true },
  );
  const [limits, limitsThen] = await Promise.all([
    policyLimits.ofAll(own, before),
    policyLimits.ofAll(own, after),
  ]);
  const grows = own.some(({ id, capabilities, roles, expiresAt, additions }) =>
    leavesMore(limits.get(id) ?? noLimits, limitsThen.get(id) ?? noLimits, {
      // What a role brings can be anything.
      capabilities:
        roles.length === 0
          ? [...capabilities, ...additions.flatMap((addition) => addition.capabilities)]
          : [...catalogue.keys()],
      expiresAt,
    }),
  );
  if (own.length === mostLookedAt || grows) requireSession(caller);
}

interface OwnLimitsDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly policyLimits: PolicyLimits;
  readonly catalogue: Catalogue;
}

/**
 * Refuses a token an edit that widens what its own account handed out, or what holds the right to administer Mandate.
 * @param keepsEnd the edit leaves the end as it is; any other counts as widening, for policies count lifetimes from there
 * @throws Refusal `not_over_token`
 */
export function guardEdit(
  caller: Caller,
  before: Slice & { readonly userId: string },
  after: Slice,
  keepsEnd: boolean,
): void {
  if (keepsEnd && isWithin(after, before)) return;
  if (before.userId === caller.id || after.capabilities.includes(administration)) requireSession(caller);
}

/** Refuses a token a key of its own account, and any that may administer Mandate. @throws Refusal `not_over_token` */
export function guardKey(caller: Caller, ownerId: string, capabilities: readonly string[]): void {
  guardSelf(caller, ownerId);
  guardManagement(caller, capabilities);
}
