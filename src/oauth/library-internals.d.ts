/** The library's own grant handlers, wrapped in `grants.ts`; unpublished, so the version of oidc-provider is pinned. */
declare module 'oidc-provider/lib/actions/grants/*.js' {
  import type Provider from 'oidc-provider';
  import type { KoaContextWithOIDC } from 'oidc-provider';
  export function handler(provider: Provider, helpers: object, ctx: KoaContextWithOIDC): Promise<void>;
}

/** How the library sets its signing keys when it is made, called again in `key-ring.ts`. */
declare module 'oidc-provider/lib/helpers/initialize_keystore.js' {
  import type { JWK } from 'jose';
  import type Provider from 'oidc-provider';
  export default function initialize(this: Provider, jwks: { keys: readonly JWK[] }): void;
}

/** How the library draws a user code, called again in `device-user-codes.ts`. */
declare module 'oidc-provider/lib/helpers/user_codes.js' {
  /** Draws a code in the shape of a mask. */
  export function generate(charset: string, mask: string): string;
  /** Leaves the letters of a code alone. */
  export function normalize(typed: string): string;
}
