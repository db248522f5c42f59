/**
 * The identifier of a refresh token's successor. It is derived from the parent, so that two processes which refresh at once
 * get the same successor, there is one living leaf, and nothing secret has to be stored for the second answer.
 * @see RFC 9700 section 4.14.2
 */
import type Provider from 'oidc-provider';
import type { Secrets } from '../secrets.ts';

/** Overrides how a refresh token gets its identifier: derived inside a refresh, random otherwise. */
export function deriveRefreshSuccessors(provider: Provider, secrets: Secrets): void {
  const model = provider.RefreshToken.prototype as unknown as { generateTokenId(): string };
  const random = model.generateTokenId;
  model.generateTokenId = function generateTokenId() {
    const parent = (provider.constructor as typeof Provider).ctx?.oidc.entities.RotatedRefreshToken;
    return parent ? secrets.keyedHash('refresh-successor', parent.jti) : random.call(this);
  };
}
