/** `/account/security`: what the page shows. Pure. */
import type { SignedInBrowser } from '../directory/session-store.ts';
import type { Words } from '../http/messages.ts';
import type { PageNav } from '../http/render.ts';
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
