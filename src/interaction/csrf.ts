import type { Secrets } from '../secrets.ts';

/** Makes and checks the token of one interaction's forms; the interaction itself is bound to the browser by its signed cookie. */
export function createInteractionCsrf(secrets: Secrets) {
  return {
    token: (uid: string): string => secrets.keyedHash('csrf', uid),
    matches: (uid: string, token: string): boolean => secrets.matches('csrf', uid, token),
  };
}
