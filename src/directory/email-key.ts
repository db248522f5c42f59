/**
 * Folds an e-mail address to what uniqueness and sign-in go by: NFKC, no outer blanks, lower case. Pure.
 * Both engines store the folded form, so neither one's collation decides who is who.
 */
export function emailKey(email: string): string {
  return email.normalize('NFKC').trim().toLowerCase();
}
