/** `/account/security`: what the page shows. Pure. */
import type { SignedInBrowser } from '../directory/session-store.ts';
import type { Words } from '../http/messages.ts';
import type { PageNav } from '../http/render.ts';
import type { SecondFactor } from '../sign-in/second-factors.ts';
import type { UpstreamAccount } from '../sign-in/upstream-account-store.ts';
import type { UpstreamProvider } from '../sign-in/upstream-provider.ts';
import { browserLabel } from './browser-words.ts';
import { methodWords } from './method-words.ts';

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
  readonly upstream: {
    /** Those that one may link with. */
    readonly providers: readonly { readonly name: string; readonly label: string }[];
    readonly accounts: readonly {
      readonly id: string;
      /** The provider's label, or its host where the operator dropped it. */
      readonly provider: string;
      /** What it is called there; empty where nobody knows. */
      readonly account: string;
      readonly linkedAt: number;
      readonly lastUsedAt: number | null;
    }[];
  };
  readonly sessions: readonly {
    readonly id: string;
    readonly label: string;
    /** How they signed in, in words; empty where nobody knows. */
    readonly way: string;
    /** The browser that looks at the page. */
    readonly own: boolean;
    readonly address: string;
    readonly signedInAt: number;
    readonly lastSeenAt: number;
  }[];
}

type Provider = Pick<UpstreamProvider, 'name' | 'label' | 'issuer'>;

/** Names a linked account's provider. Pure. */
export function providerLabel(issuer: string, providers: readonly Provider[]): string {
  const plain = (address: string) => address.replace(/\/$/, '');
  const known = providers.find((provider) => plain(provider.issuer) === plain(issuer));
  return known?.label ?? URL.parse(issuer)?.host ?? issuer;
}

/** Puts a person's accounts at other providers into rows. Pure. */
export function upstreamPart(
  accounts: readonly UpstreamAccount[],
  providers: readonly Provider[],
): SecurityPage['upstream'] {
  return {
    providers: providers.map(({ name, label }) => ({ name, label })),
    accounts: accounts.map(({ id, issuer, label, linkedAt, lastUsedAt }) => ({
      id,
      provider: providerLabel(issuer, providers),
      account: label ?? '',
      linkedAt,
      lastUsedAt,
    })),
  };
}

/** Puts a person's sessions into rows, their own browser first. Pure. */
export function sessionRows(
  sessions: readonly SignedInBrowser[],
  ownUid: string,
  providers: readonly Provider[],
  words: Words,
): SecurityPage['sessions'] {
  return sessions
    .map((session) => ({
      id: session.id,
      label: browserLabel(session.userAgent, words),
      way: methodWords(session.methods, providers, words),
      own: session.uid === ownUid,
      address: session.address,
      signedInAt: session.signedInAt,
      lastSeenAt: session.lastSeenAt,
    }))
    .sort((one, other) => Number(other.own) - Number(one.own));
}
