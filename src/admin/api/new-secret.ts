import { randomBytes } from 'node:crypto';

/** Makes a secret of 256 bits for a client or a resource server; it is shown once and kept as a keyed hash. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}
