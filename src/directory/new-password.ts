/** What a password has to be before it is kept, wherever one is set. Pure: known before anything is hashed or read. */
import { isCommonPassword } from './common-passwords.ts';
import { emailKey } from './email-key.ts';
import { leakedPasswords } from './leaked-passwords.ts';
import { isListed } from './leaked-passwords-format.ts';
import { longestPassword } from './passwords.ts';

/** In characters as people count them. */
export const shortestPassword = 8;

const leaked = Buffer.from(leakedPasswords, 'base64');

/** Why a password is not taken. */
export type PasswordProblem =
  /** Fewer than `shortestPassword` characters. */
  | 'too_short'
  /** More than `longestPassword` bytes of UTF-8. */
  | 'too_long'
  /** Among the first that somebody would guess. */
  | 'common'
  /** Little else than the address or the name of the account. */
  | 'names_account';

/**
 * Checks a new password. Pure and total; what is too long is refused before anything looks at it.
 * @param about whose it is going to be, as far as it is known
 * @returns undefined when it can be taken
 * @see NIST SP 800-63B-4 section 3.1.1.2; OWASP ASVS 5.0 section 6.2
 */
export function checkNewPassword(
  password: string,
  about: { readonly email?: string; readonly name?: string } = {},
): PasswordProblem | undefined {
  if (password.length > longestPassword || Buffer.byteLength(password) > longestPassword) return 'too_long';
  if ([...password.normalize('NFC')].length < shortestPassword) return 'too_short';
  if (isCommonPassword(password) || isListed(password, leaked)) return 'common';
  return namesAccount(password, about) ? 'names_account' : undefined;
}

function namesAccount(password: string, { email = '', name = '' }: { email?: string; name?: string }) {
  const letters = (text: string) => emailKey(text).replaceAll(/[^\p{L}]/gu, '');
  const written = letters(password);
  const [local = ''] = email.split('@', 1);
  return [email, local, name, ...name.split(/\s+/)]
    .map(letters)
    .some((known) => known.length >= 3 && written === known);
}
