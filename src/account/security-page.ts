/** `/account/security`: what the page shows. Pure. */
import type { SignedInBrowser } from '../directory/session-store.ts';
import type { Words } from '../http/messages.ts';
import type { PageNav } from '../http/render.ts';
import type { SecondFactor } from '../sign-in/second-factors.ts';
import { browserLabel } from './browser-words.ts';

export const securityHref = '/account/security';

/** `account/security.ejs`. */
export interface SecurityPage {
  readonly nav: PageNav;
  readonly csrf: string;
  readonly now: number;
  readonly notice?: { readonly tone: 'good' | 'problem'; readonly text: string };
  /** For the browser's store of passwords. */
  readonly email: string;
  readonly hasPassword: boolean;
  readonly passkeys: readonly {
    readonly id: string;
    readonly name: string;
    readonly synced: boolean;
    readonly createdAt: number;
    readonly lastUsedAt: number | null;
  }[];
  /** Whether the form of a new passkey is open. */
  readonly newPasskey: boolean;
  readonly secondFactor: SecondFactor;
  readonly sessions: readonly {
    readonly id: string;
    readonly label: string;
    /** The browser that looks at the page. */
    readonly own: boolean;
    readonly address: string;
    readonly signedInAt: number;
    readonly lastSeenAt: number;
  }[];
}

/** Puts a person's sessions into rows, their own browser first. Pure. */
export function sessionRows(
  sessions: readonly SignedInBrowser[],
  ownUid: string,
  words: Words,
): SecurityPage['sessions'] {
  return sessions
    .map((session) => ({
      id: session.id,
      label: browserLabel(session.userAgent, words),
      own: session.uid === ownUid,
      address: session.address,
      signedInAt: session.signedInAt,
      lastSeenAt: session.lastSeenAt,
    }))
    .sort((one, other) => Number(other.own) - Number(one.own));
}
