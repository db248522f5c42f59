/** The library's own grant handlers, wrapped in `grants.ts`; unpublished, so the version of oidc-provider is pinned. */
declare module 'oidc-provider/lib/actions/grants/*.js' {
  import type Provider from 'oidc-provider';
  import type { KoaContextWithOIDC } from 'oidc-provider';
  export function handler(provider: Provider, helpers: object, ctx: KoaContextWithOIDC): Promise<void>;
}
