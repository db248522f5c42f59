/** Finds the access token behind a string: whose it is, for which audience, under which authorization. Never asks anyone else. */
import type { Store } from '../../db/open.ts';
import type { OidcArtifactsTable } from '../../db/schema.ts';
import type { Clock } from '../clock.ts';
import type { Secrets } from '../secrets.ts';

/** A token that was issued and has not expired; whether it still means anything is the live view's to say. */
export interface FoundToken {
  readonly authorizationId: string;
  /** Undefined for an API key, which no client stands behind. */
  readonly clientId: string | undefined;
  /** A resource in its registered form, or `everyAudience`. */
  readonly audience: string | undefined;
  /** Capabilities that it is limited to; undefined when it follows its authorization. */
  readonly ceiling: ReadonlySet<string> | undefined;
  readonly issuedAt: number;
  /** Infinite for an API key that is not being rotated; its authorization has the end. */
  readonly expiresAt: number;
  /** JWK thumbprint that the token is bound to (RFC 9449 section 6). */
  readonly jkt: string | undefined;
}

/** The audience of what has none of its own: whatever the caller guards. No resource is written like this. */
export const everyAudience = '*';

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
  const readRow = createRowReader(store);
  /** What was issued under an earlier secret costs a reading more, and so does what is unknown while one is accepted. */
  const readNewest = async (token: string) => {
    let others: readonly string[] | undefined;
    for (const [index, accessToken] of secrets.keyedHashes('AccessToken', token).entries()) {
      const row = await readRow(accessToken, () => {
        others ??= secrets.keyedHashes('ClientCredentials', token);
        return others[index] ?? '';
      });
      if (row) return row;
    }
    return undefined;
  };
  return {
    async find(token) {
      if (token.length > mostCharacters || !/^[\w.~-]+$/.test(token)) return undefined;
      const row = await readNewest(token);
      if (!row || row.expires_at <= clock.now()) return undefined;
      return toFoundToken(JSON.parse(row.payload) as StoredToken);
    },
  };
}

function toFoundToken(kept: StoredToken): FoundToken | undefined {
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
}

type Row = Pick<OidcArtifactsTable, 'payload' | 'expires_at'>;

/**
 * Reads by a prepared statement: most questions about a token that is not known here cost no more than this. SQLite looks for a token of
 * a client's own when there is no other one; PostgreSQL looks for both at once, which is one way there and back.
 */
function createRowReader({ sqlite, pool }: Store) {
  // oidc_artifacts by primary key
  const read = (model: string, key: string) =>
    `select payload, expires_at from oidc_artifacts where model = ${model} and key = ${key}`;
  const statement = sqlite?.reader.prepare<[string, string], Row>(read('?', '?'));
  return async (accessToken: string, clientCredentials: () => string): Promise<Row | undefined> => {
    if (statement) {
      return (
        statement.get('AccessToken', accessToken) ?? statement.get('ClientCredentials', clientCredentials())
      );
    }
    const result = await pool?.query<Row>({
      name: 'introspected_token',
      text: `${read("'AccessToken'", '$1')} union all ${read("'ClientCredentials'", '$2')}`,
      values: [accessToken, clientCredentials()],
    });
    return result?.rows[0];
  };
}

/** A client that acts as a service account holds few tokens at a time; of one that asks for a new one at every call the newest are looked at. */
const mostLookedAt = 200;

/**
 * Lists the tokens of an authorization that somebody may show at this moment.
 * @param clientId of the client that holds it; null for an API key, which is a token itself
 */
export async function tokensOf(
  { store, clock }: { readonly store: Pick<Store, 'db'>; readonly clock: Clock },
  { id, clientId }: { readonly id: string; readonly clientId: string | null },
): Promise<Pick<FoundToken, 'audience' | 'ceiling'>[]> {
  if (clientId === null) return [{ audience: everyAudience, ceiling: undefined }];
  const standing = store.db
    .selectFrom('oidc_artifacts')
    .select('payload')
    .where('expires_at', '>', clock.now())
    .orderBy('expires_at', 'desc')
    .limit(mostLookedAt);
  // oidc_artifacts_by_grant
  const granted = await standing.where('grant_id', '=', id).where('model', '=', 'AccessToken').execute();
  const rows =
    granted.length > 0
      ? granted
      : // oidc_artifacts_by_client: tokens of a client that acts as a service account have no grant
        await standing.where('client_id', '=', clientId).where('model', '=', 'ClientCredentials').execute();
  return rows
    .map(({ payload }) => toFoundToken(JSON.parse(payload) as StoredToken))
    .filter((token) => token !== undefined)
    .filter(({ authorizationId }) => authorizationId === id);
}
