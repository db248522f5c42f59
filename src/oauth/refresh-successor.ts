/**
 * The identifier of a refresh token's successor. It is derived from the parent, so that two processes which refresh at once
 * get the same successor, there is one living leaf, and nothing secret has to be stored for the second answer.
 * @see RFC 9700 section 4.14.2
 */
import type Provider from 'oidc-provider';
import type { Secrets } from '../secrets.ts';
import type { UnitsOfWork } from './unit-of-work.ts';

/** Overrides how a refresh token gets its identifier: derived inside a refresh, random otherwise. */
export function deriveRefreshSuccessors(
  provider: Provider,
  { secrets, units }: { secrets: Secrets; units: UnitsOfWork },
): void {
  const model = provider.RefreshToken.prototype as unknown as { generateTokenId(): string };
  const random = model.generateTokenId;
  model.generateTokenId = function generateTokenId() {
    const parent = (provider.constructor as typeof Provider).ctx?.oidc.entities.RotatedRefreshToken;
    return parent ? successorOf(parent.jti) : random.call(this);
  };

  /** Under the secret that the parent is kept under: nodes may differ in their present one while it is being rotated. */
  function successorOf(parent: string): string {
    const successors = secrets.keyedHashes('refresh-successor', parent);
    if (successors.length === 1) return successors[0];
    const { found } = units.current();
    const [, ...earlier] = secrets.keyedHashes('RefreshToken', parent);
    const kept = earlier.findIndex((key) => found.has(`RefreshToken ${key}`)) + 1;
    return successors[kept] ?? successors[0];
  }
}
