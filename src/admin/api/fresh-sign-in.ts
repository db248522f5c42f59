/**
 * What a browser left open must not be enough for: changes that hand out power, or the means to get it, ask for a sign-in of the
 * last ten minutes. The pages ask for a proof and go on; the JSON API says so and is called again afterwards. A token has no
 * sign-in, and bounds of its own (`over-token.ts`).
 * @see OWASP ASVS 5.0 sections 7.5.1 and 7.5.3
 */
import { isFresh } from '../../account/reauthentication.ts';
import type { Caller } from './caller.ts';
import { refusal } from './problem.ts';

/** A request before it is checked. */
interface Input {
  readonly body?: unknown;
}

/** Tells whether a request carries a member that makes it sensitive. Pure. */
const carries =
  (...members: readonly string[]) =>
  ({ body }: Input): boolean =>
    typeof body === 'object' &&
    body !== null &&
    Object.entries(body).some(
      ([name, value]) => members.includes(name) && !(Array.isArray(value) && value.length === 0),
    );
const always = () => true;

/** Operation → whether a request of it is sensitive. */
export const sensitiveOperations: ReadonlyMap<string, (input: Input) => boolean> = new Map([
  // Who may do what.
  ...['create_user', 'create_service_account'].map((id) => [id, carries('role_ids', 'password')] as const),
  ...['update_user', 'update_service_account'].map((id) => [id, carries('email', 'password')] as const),
  // Whose tokens it may exchange.
  ['update_client', carries('exchange_from', 'exchange_to')] as const,
  ...[
    'invite_user',
    'send_invitation',
    'assign_user_role',
    'unassign_user_role',
    'assign_service_account_role',
    'unassign_service_account_role',
    'create_role',
    'update_role',
    'delete_role',
    'replace_policies',
    'approve_approval',
    'reset_user_second_factor',
    'unlink_user_upstream_account',
    // Whose keys they are, and accounts, gone for good.
    'move_api_key',
    'move_user_keys',
    'move_service_account_keys',
    'delete_user',
    'delete_service_account',
    // What people believe of a tool; secrets, shown once; and clients, gone for good.
    'verify_client',
    'create_client',
    'create_resource_server',
    'rotate_resource_server_secret',
    'set_resource_server_keys',
    'rotate_client_secret',
    'delete_client',
    'create_service_account_client',
    'rotate_service_account_client_secret',
    'set_service_account_client_keys',
    'delete_service_account_client',
    // Where what changes is told to.
    'set_event_receiver',
    'remove_event_receiver',
  ].map((id) => [id, always] as const),
]);

/** Refuses a sensitive request of a session that may have been left open. @throws Refusal `sign_in_again` */
export function requireFreshSignIn(id: string, { via }: Caller, input: Input, now: number): void {
  if (!sensitiveOperations.get(id)?.(input)) return;
  if (via.kind === 'session' && !isFresh(via.signedInAt, now)) throw refusal('sign_in_again');
}
