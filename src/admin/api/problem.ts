/** Why a request to the administration was refused: a code, its status, and facts for its sentence (RFC 9457). */

import type { Params } from '../../http/messages.ts';

/** Every refusal with its HTTP status and the sentence that explains it, on pages and in answers alike. */
export const problems = {
  malformed: { status: 400, message: 'admin.problem.malformed' },
  not_signed_in: { status: 401, message: 'admin.problem.not_signed_in' },
  token_not_accepted: { status: 401, message: 'admin.problem.token_not_accepted' },
  token_bound: { status: 401, message: 'admin.problem.token_bound' },
  insufficient_scope: { status: 403, message: 'admin.problem.insufficient_scope' },
  not_over_token: { status: 403, message: 'admin.problem.not_over_token' },
  request_forged: { status: 403, message: 'admin.problem.request_forged' },
  permission_missing: { status: 403, message: 'admin.problem.permission_missing' },
  owners_only: { status: 403, message: 'admin.problem.owners_only' },
  beyond_own_rights: { status: 403, message: 'admin.problem.beyond_own_rights' },
  sign_in_again: { status: 403, message: 'admin.problem.sign_in_again' },
  own_request: { status: 403, message: 'admin.problem.own_request' },
  administers: { status: 403, message: 'admin.problem.administers' },
  not_found: { status: 404, message: 'admin.problem.not_found' },
  email_taken: { status: 409, message: 'admin.problem.email_taken' },
  slug_taken: { status: 409, message: 'admin.problem.slug_taken' },
  name_taken: { status: 409, message: 'admin.problem.name_taken' },
  id_taken: { status: 409, message: 'admin.problem.id_taken' },
  resource_taken: { status: 409, message: 'admin.problem.resource_taken' },
  last_owner: { status: 409, message: 'admin.problem.last_owner' },
  built_in: { status: 409, message: 'admin.problem.built_in' },
  in_use: { status: 409, message: 'admin.problem.in_use' },
  ended: { status: 409, message: 'admin.problem.ended' },
  too_many_additions: { status: 409, message: 'admin.problem.too_many_additions' },
  follows_owner: { status: 409, message: 'admin.problem.follows_owner' },
  handed_on: { status: 409, message: 'admin.problem.handed_on' },
  nothing_moved: { status: 409, message: 'admin.problem.nothing_moved' },
  has_password: { status: 409, message: 'admin.problem.has_password' },
  mail_unavailable: { status: 409, message: 'admin.problem.mail_unavailable' },
  no_secret: { status: 409, message: 'admin.problem.no_secret' },
  not_for_assertions: { status: 409, message: 'admin.problem.not_for_assertions' },
  not_for_exchange: { status: 409, message: 'admin.problem.not_for_exchange' },
  not_for_device_login: { status: 409, message: 'admin.problem.not_for_device_login' },
  version_changed: { status: 412, message: 'admin.problem.version_changed' },
  too_large: { status: 413, message: 'admin.problem.too_large' },
  wrong_media_type: { status: 415, message: 'admin.problem.wrong_media_type' },
  password_too_short: { status: 422, message: 'set_password.problem.too_short' },
  password_too_long: { status: 422, message: 'set_password.problem.too_long' },
  password_common: { status: 422, message: 'set_password.problem.common' },
  password_names_account: { status: 422, message: 'admin.problem.password_names_account' },
  invalid: { status: 422, message: 'admin.problem.invalid' },
  not_granted: { status: 422, message: 'admin.problem.not_granted' },
  nothing_chosen: { status: 422, message: 'admin.problem.nothing_chosen' },
  lifetime_too_long: { status: 422, message: 'admin.problem.lifetime_too_long' },
  justification_missing: { status: 422, message: 'admin.problem.justification_missing' },
  not_for_a_while: { status: 422, message: 'admin.problem.not_for_a_while' },
  unknown_reference: { status: 422, message: 'admin.problem.unknown_reference' },
  invalid_redirect: { status: 422, message: 'admin.problem.invalid_redirect' },
  redirect_missing: { status: 422, message: 'admin.problem.redirect_missing' },
  invalid_keys: { status: 422, message: 'admin.problem.invalid_keys' },
  version_missing: { status: 428, message: 'admin.problem.version_missing' },
} as const;

export type ProblemCode = keyof typeof problems;

/** One refusal. */
export interface Problem {
  readonly code: ProblemCode;
  /** What its sentence names. */
  readonly params: Params;
  /** Which members of the request are wrong, and how. */
  readonly members?: readonly { readonly pointer: string; readonly detail: string }[];
}

/** Ends an operation and rolls its transaction back; `perform` folds it into the outcome. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.code);
    this.problem = problem;
  }
}

/** Makes a refusal to throw. */
export function refusal(code: ProblemCode, params: Params = {}): Refusal {
  return new Refusal({ code, params });
}
