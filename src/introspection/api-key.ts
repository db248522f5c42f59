/** Finds the API key behind a string, ahead of the tokens: a key is told by its form, so no question is looked up twice. */
import { looksLikeApiKey } from '../authorizations/api-key-format.ts';
import type { ApiKeyStore } from '../authorizations/api-key-store.ts';
import { everyAudience, type FoundToken, type TokenSource } from './token.ts';

/**
 * Makes a source that knows API keys too. A key has no client and no audience of its own: whoever asks sees the part that it
 * guards. One without the right checksum is refused without a look at the database.
 */
export function withApiKeys(tokens: TokenSource, apiKeys: Pick<ApiKeyStore, 'findLive'>): TokenSource {
  const findKey = async (secret: string): Promise<FoundToken | undefined> => {
    const found = await apiKeys.findLive(secret);
    return (
      found && {
        authorizationId: found.authorizationId,
        clientId: undefined,
        audience: everyAudience,
        ceiling: undefined,
        issuedAt: found.createdAt,
        expiresAt: found.expiresAt ?? Number.POSITIVE_INFINITY,
        jkt: undefined,
      }
    );
  };
  return { find: (token) => (looksLikeApiKey(token) ? findKey(token) : tokens.find(token)) };
}
