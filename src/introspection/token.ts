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
  /** @returns at once where SQLite has the tokens */
  find(token: string): FoundToken | undefined | Promise<FoundToken | undefined>;
}

/** No token of ours is longer; what is longer is not looked up. */
const mostCharacters = 200;

interface StoredToken {
  readonly clientId: string;
  readonly grantId?: string;
  readonly aud?: string;
  readonly scope?: string;
  readonly iat: number;
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
  const { sqlite, pool } = store;
  const live = (row: Row | undefined): FoundToken | undefined =>
    row && row.expires_at > clock.now() ? toFoundToken(row) : undefined;
  const read = sqlite ? onSqlite(sqlite, secrets) : onPostgres(pool, secrets);
  return {
    find(token) {
      if (token.length > mostCharacters || !/^[\w.~-]+$/.test(token)) return undefined;
      const row = read(token);
      return row instanceof Promise ? row.then(live) : live(row);
    },
  };
}

/** Its end is the row's, which our clock gave it; the library counts by the machine's. */
function toFoundToken({ payload, expires_at: expiresAt }: Row): FoundToken | undefined {
  const kept = JSON.parse(payload) as StoredToken;
  const authorizationId = kept.grantId ?? kept.extra?.authorization_id;
  if (authorizationId === undefined) return undefined;
  return {
    authorizationId,
    clientId: kept.clientId,
    audience: kept.aud,
    ceiling: kept.extra?.live ? undefined : new Set((kept.scope ?? '').split(' ')),
    issuedAt: kept.iat,
    expiresAt,
    jkt: kept.jkt,
  };
}

type Row = Pick<OidcArtifactsTable, 'payload' | 'expires_at'>;

// oidc_artifacts by primary key
const readArtifact = (model: string, key: string) =>
  `select payload, expires_at from oidc_artifacts where model = '${model}' and key = ${key}`;

const models = ['AccessToken', 'ClientCredentials'] as const;

/**
 * Reads by a prepared statement: most questions about a token that is not known here cost no more than this. A token of a client's own
 * is looked for when there is no other one; what was issued under an earlier secret costs a reading more.
 */
function onSqlite({ reader, sharedReading }: NonNullable<Store['sqlite']>, secrets: Secrets) {
  const sources = models.map((model) => ({
    model,
    // `+?` as in the dialect: for a bare parameter SQLite would plan the statement anew with every value.
    statement: reader.prepare<[string], Row>(readArtifact(model, '+?')),
  }));
  return (token: string): Row | undefined => {
    sharedReading.join();
    for (const { model, statement } of sources) {
      for (const key of secrets.keyedHashes(model, token)) {
        const row = statement.get(key);
        if (row) return row;
      }
    }
    return undefined;
  };
}

/** Looks for both kinds at once, which is one way there and back. */
function onPostgres(pool: Store['pool'], secrets: Secrets) {
  const text = `${readArtifact('AccessToken', '$1')} union all ${readArtifact('ClientCredentials', '$2')}`;
  return async (token: string): Promise<Row | undefined> => {
    const clientCredentials = secrets.keyedHashes('ClientCredentials', token);
    for (const [index, accessToken] of secrets.keyedHashes('AccessToken', token).entries()) {
      const values = [accessToken, clientCredentials[index] ?? ''];
      const result = await pool?.query<Row>({ name: 'introspected_token', text, values });
      const [row] = result?.rows ?? [];
      if (row) return row;
    }
    return undefined;
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
    .select(['payload', 'expires_at'])
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
    .map(toFoundToken)
    .filter((token) => token !== undefined)
    .filter(({ authorizationId }) => authorizationId === id);
}
