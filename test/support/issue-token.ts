/** A token in the field without the steps that lead to it: the row that a token request leaves behind. */
import { randomBytes } from 'node:crypto';
import type { Store } from '../../db/open.ts';
import { developmentSecret } from '../../src/config.ts';
import { artifactKey } from '../../src/oauth/artifact-adapter.ts';
import { createSecrets } from '../../src/secrets.ts';

export interface IssuedToken {
  readonly authorizationId: string;
  readonly clientId: string;
  readonly audience: string;
  /** Capabilities that the token is limited to; it follows its authorization when absent. */
  readonly ceiling?: readonly string[];
  readonly issuedAt: number;
  readonly lifetimeSeconds?: number;
}

const secrets = createSecrets(developmentSecret);

/** Keeps an access token as the engine does. @returns its value */
export async function issueToken(store: Store, token: IssuedToken): Promise<string> {
  const value = randomBytes(32).toString('base64url');
  await store.db.insertInto('oidc_artifacts').values(tokenRow(value, token)).execute();
  return value;
}

/** The row of an access token. @param value what its holder shows */
export function tokenRow(
  value: string,
  { authorizationId, clientId, audience, ceiling, issuedAt, lifetimeSeconds = 3_600 }: IssuedToken,
) {
  const exp = issuedAt + lifetimeSeconds;
  const payload = {
    kind: 'AccessToken',
    clientId,
    grantId: authorizationId,
    aud: audience,
    iat: issuedAt,
    exp,
    ...(ceiling ? { scope: ceiling.join(' ') } : {}),
    extra: { live: ceiling === undefined },
  };
  return {
    model: 'AccessToken',
    key: artifactKey(secrets, 'AccessToken', value),
    grant_id: authorizationId,
    account_id: null,
    client_id: clientId,
    uid: null,
    user_code: null,
    payload: JSON.stringify(payload),
    consumed_at: null,
    expires_at: exp,
  };
}
