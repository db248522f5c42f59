/**
 * The two steps that every sign-in through another provider has, wherever it stands: the page that hands the browser over, and the
 * reading of what it comes back with. Does not own what comes of it.
 */
import type Koa from 'koa';
import type { Clock } from '../clock.ts';
import { addressBlock, clientAddress, type TrustedProxies } from '../http/client-address.ts';
import type { PageWriter } from '../http/page-writer.ts';
import type { Limit, RateLimits } from '../http/rate-limit.ts';
import type { Upstream, UpstreamErrand, UpstreamReturn } from '../sign-in/upstream.ts';
import type { UpstreamProvider } from '../sign-in/upstream-provider.ts';

/** Why a sign-in at another provider opened nothing here, in the words of the page that it began on. */
export const upstreamProblemWords = {
  cancelled: 'sign_in.upstream.cancelled',
  down: 'sign_in.upstream.down',
  refused: 'sign_in.upstream.refused',
  too_late: 'sign_in.upstream.too_late',
  too_many: 'sign_in.upstream.too_many',
  not_again: 'sign_in.upstream.not_again',
  unknown: 'sign_in.upstream.unknown',
  suspended: 'sign_in.upstream.suspended',
  taken: 'sign_in.upstream.taken',
} as const;

export type UpstreamProblem = keyof typeof upstreamProblemWords;

/** The status that each is shown with. */
export const upstreamProblemStatus: Readonly<Record<UpstreamProblem, number>> = {
  cancelled: 200,
  down: 503,
  refused: 401,
  too_late: 401,
  too_many: 429,
  not_again: 403,
  unknown: 403,
  suspended: 403,
  taken: 409,
};

/** `upstream-leave.ejs`: goes on by itself, and by its link where that fails. */
export interface UpstreamLeavePage {
  readonly label: string;
  readonly href: string;
  /** Where it leads, for whoever looks before they go. */
  readonly host: string;
}

export interface UpstreamSteps {
  readonly upstream: Upstream;
  /**
   * Sends a browser to a provider.
   * @returns why not; undefined when it was answered
   */
  leave(
    ctx: Koa.Context,
    provider: UpstreamProvider,
    errand: UpstreamErrand,
    uiLocales?: string,
  ): Promise<UpstreamProblem | undefined>;
  /** Reads what a browser came back with. */
  take(ctx: Koa.Context, provider: UpstreamProvider, browser: string): Promise<UpstreamReturn>;
  /** When somebody proved who they are, as far as the provider says; integer seconds. */
  signedInAt(proven: Extract<UpstreamReturn, { outcome: 'proven' }>): number;
}

const perAddress: Limit = { name: 'upstream-address', points: 200, windowSeconds: 900 };
/** Where a provider does not say when somebody signed in there, it was not lately: what is sensitive asks again. */
const unknownAgeSeconds = 3_600;

export function createUpstreamSteps(deps: {
  upstream: Upstream;
  pages: PageWriter;
  limits: RateLimits;
  clock: Clock;
  trustedProxies: TrustedProxies;
}): UpstreamSteps {
  const { upstream, pages, clock } = deps;
  return {
    upstream,

    async leave(ctx, provider, errand, uiLocales) {
      const address = addressBlock(clientAddress(ctx.req, deps.trustedProxies));
      const taken = await deps.limits.take(perAddress, address);
      if (taken.kind === 'limited') {
        ctx.set('Retry-After', String(taken.retryAfterSeconds));
        return 'too_many';
      }
      const href = await upstream.send(provider, errand);
      if (href === undefined) return 'down';
      // A redirect would be part of the form's navigation, which the page's policy keeps to our own addresses.
      ctx.set('Refresh', `0; url=${href}`);
      const { label } = provider;
      const page = (): UpstreamLeavePage => ({ label, href, host: new URL(href).host });
      pages.show(ctx, 'upstream-leave', page, { uiLocales });
      return undefined;
    },

    async take(ctx, provider, browser) {
      const answers = new URLSearchParams(ctx.querystring).getAll('answer');
      if (answers.length !== 1) return { outcome: 'too_late' };
      return upstream.take(provider, browser, answers[0] ?? '');
    },

    signedInAt({ identity, again }) {
      const now = clock.now();
      if (again) return now;
      return Math.min(now, identity.authenticatedAt ?? now - unknownAgeSeconds);
    },
  };
}
