/** Who a login is for, and what it reaches: its token answer in our words. Pure. */
import { decodeJwt } from 'jose';
import { z } from 'zod';
import type { Login } from './login-store.ts';
import { readDetails } from './token-answer.ts';

/** What `login` and `whoami` answer as a document. */
export interface Identity {
  readonly issuer: string;
  readonly client_id: string;
  readonly user: { readonly sub: string | null; readonly email: string | null; readonly name: string | null };
  readonly authorization_id: string | null;
  readonly capabilities: readonly string[];
  readonly projects: readonly {
    readonly id: string | null;
    readonly slug: string | null;
    readonly roles: readonly string[];
    readonly actions: readonly string[];
  }[];
  readonly mcp_servers: readonly {
    readonly id: string | null;
    readonly resource: string | null;
    readonly actions: readonly string[];
  }[];
  /** Integer seconds: when all of this was so. */
  readonly as_of: number;
  /** Integer seconds: when the access token ends. */
  readonly expires_at: number;
}

/** Scopes of OpenID Connect itself carry no rights. */
const identityScopes = ['openid', 'profile', 'email', 'offline_access'];

const text = z.string().nullable().catch(null).default(null);
const claimsSchema = z.object({
  iss: z.string(),
  aud: z.union([z.string(), z.array(z.string())]),
  sub: text,
  email: text,
  name: text,
});

/** Describes a login. */
export function identityOf(login: Login): Identity {
  const { issuer, client_id, scope, obtained_at, expires_at } = login;
  const details = readDetails(login.authorization_details);
  const ofType = (type: string) => details.filter((detail) => detail.type === type);
  return {
    issuer,
    client_id,
    user: claimsOf(login),
    authorization_id: ofType('authorization')[0]?.identifier ?? null,
    capabilities: scope.split(' ').filter((name) => name !== '' && !identityScopes.includes(name)),
    projects: ofType('project').map(({ identifier = null, slug = null, roles, actions }) => ({
      ...{ id: identifier, slug, roles, actions },
    })),
    mcp_servers: ofType('mcp_server').map(({ identifier = null, locations, actions }) => ({
      ...{ id: identifier, resource: locations[0] ?? null, actions },
    })),
    as_of: obtained_at,
    expires_at,
  };
}

/**
 * The ID token came from the token endpoint itself, so that the connection vouches for it; its claims are shown and decide
 * nothing (OpenID Connect Core section 3.1.3.7, number 6).
 */
function claimsOf({ issuer, client_id, id_token: idToken }: Login): Identity['user'] {
  const nobody = { sub: null, email: null, name: null };
  if (idToken === undefined) return nobody;
  let payload: unknown;
  try {
    payload = decodeJwt(idToken);
  } catch {
    return nobody;
  }
  const { data: claims } = claimsSchema.safeParse(payload);
  if (claims?.iss !== issuer || ![claims.aud].flat().includes(client_id)) return nobody;
  return { sub: claims.sub, email: claims.email, name: claims.name };
}
