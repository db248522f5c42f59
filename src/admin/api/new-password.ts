import { checkNewPassword, type PasswordProblem } from '../../directory/new-password.ts';
import { type ProblemCode, refusal } from './problem.ts';

const codes: Readonly<Record<PasswordProblem, ProblemCode>> = {
  too_short: 'password_too_short',
  too_long: 'password_too_long',
  common: 'password_common',
  names_account: 'password_names_account',
};

/** Refuses a password that must not be kept, before it is hashed. @throws Refusal */
export function guardNewPassword(
  password: string,
  about: { readonly email?: string; readonly name?: string },
): void {
  const problem = checkNewPassword(password, about);
  if (problem) throw refusal(codes[problem]);
}
