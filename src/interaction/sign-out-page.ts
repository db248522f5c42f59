import type { ClientFace } from './client-face.ts';

/** `sign-out.ejs`. Posts `xsrf`, and `logout=yes` when the person means it. */
export interface SignOutPage {
  readonly action: string;
  readonly xsrf: string;
  readonly account?: { readonly name: string; readonly email: string };
  readonly client?: ClientFace;
}

/** `signed-out.ejs`. */
export interface SignedOutPage {
  readonly signInHref?: string;
}
