/** Signs security event tokens with the key that signs ID tokens, so that receivers find it where they find that one. */
import { importJWK, SignJWT } from 'jose';
import type { SigningKeys } from '../oauth/signing-keys.ts';
import type { EventClaims } from './security-event.ts';

export type SignEvent = (claims: EventClaims) => Promise<string>;

/** @see RFC 8417 section 2.3 */
export function createSignEvent({ signingKeys }: { signingKeys: Pick<SigningKeys, 'load'> }): SignEvent {
  return async (claims) => {
    const key = (await signingKeys.load()).find(
      ({ algorithm, state }) => algorithm === 'ES256' && state === 'signing',
    );
    if (!key) throw new Error('there is no key that signs');
    return new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: key.kid, typ: 'secevent+jwt' })
      .sign(await importJWK(key.jwk, 'ES256'));
  };
}
