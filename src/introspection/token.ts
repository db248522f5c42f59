/** Finds the access token behind a string: whose it is, for which audience, under which authorization. Never asks anyone else. */
import type { Store } from '../../db/open.ts';
import type { Clock } from '../clock.ts';
import { artifactKey } from '../oauth/artifact-adapter.ts';
import type { Secrets } from '../secrets.ts';

/** A token that was issued and has not expired; whether it still means anything is the live view's to say. */
export interface FoundToken {
  readonly authorizationId: string;
  readonly clientId: string;
  readonly audience: string | undefined;
  /** Capabilities that it is limited to; undefined when it follows its authorization. */
  readonly ceiling: ReadonlySet<string> | undefined;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** JWK thumbprint that the token is bound to (RFC 9449 section 6). */
  readonly jkt: string | undefined;
}

export interface TokenSource {
  find(token: string): Promise<FoundToken | undefined>;
}

/** No token of ours is longer; what is longer is not looked up. */
const mostCharacters = 200;

interface StoredToken {
  readonly clientId: string;
  readonly grantId?: string;
  readonly aud?: string;
  readonly scope?: string;
  readonly iat: number;
  readonly exp: number;
  readonly jkt?: string;
  readonly extra?: { readonly live?: boolean; readonly authorization_id?: string };
}

export function createTokenSource({
  store,
  clock,
  secrets,
}: {
  store: Store;
  clock: Clock;
  secrets: Secrets;
}): TokenSource {
  return {
    async find(token) {
      if (token.length > mostCharacters || !/^[\w.~-]+$/.test(token)) return undefined;
      const row = await store.db
        // Primary key, twice.
        .selectFrom('oidc_artifacts')
        .select(['payload', 'expires_at'])
        .where(({ or, and, eb }) =>
          or(
            ['AccessToken', 'ClientCredentials'].map((model) =>
              and([eb('model', '=', model), eb('key', '=', artifactKey(secrets, model, token))]),
            ),
          ),
        )
        .executeTakeFirst();
      if (!row || row.expires_at <= clock.now()) return undefined;
      const kept = JSON.parse(row.payload) as StoredToken;
      const authorizationId = kept.grantId ?? kept.extra?.authorization_id;
      if (authorizationId === undefined) return undefined;
      return {
        authorizationId,
        clientId: kept.clientId,
        audience: kept.aud,
        ceiling: kept.extra?.live ? undefined : new Set((kept.scope ?? '').split(' ')),
        issuedAt: kept.iat,
        expiresAt: kept.exp,
        jkt: kept.jkt,
      };
    },
  };
}
