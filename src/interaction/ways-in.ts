/** Every way in, as one piece: password, passkey, another provider, and the flow that they are steps of. */
import type { Logger } from 'pino';
import { createPasskeys } from '../sign-in/passkeys.ts';
import { createUpstream } from '../sign-in/upstream.ts';
import { createKnownBrowsers } from './known-browser.ts';
import { createSignIn } from './sign-in.ts';
import { createSignInFlow } from './sign-in-flow.ts';
import { createUpstreamArrivals } from './upstream-arrivals.ts';
import { createUpstreamSteps } from './upstream-steps.ts';

type Made = 'knownBrowsers' | 'signIn' | 'passkeys' | 'upstreamSteps' | 'upstreamArrivals';

export function createWaysIn(
  deps: Omit<Parameters<typeof createSignInFlow>[0], Made> &
    Parameters<typeof createSignIn>[0] &
    Parameters<typeof createPasskeys>[0] &
    Omit<Parameters<typeof createUpstream>[0], 'onTrouble'> &
    Omit<Parameters<typeof createUpstreamSteps>[0], 'upstream'> &
    Parameters<typeof createUpstreamArrivals>[0] &
    Parameters<typeof createKnownBrowsers>[0] & { readonly log: Logger },
) {
  const upstream = createUpstream({
    ...deps,
    onTrouble: (provider, err) => deps.log.warn({ err, provider }, 'a sign-in at another provider failed'),
  });
  const parts = {
    knownBrowsers: createKnownBrowsers(deps),
    signIn: createSignIn(deps),
    passkeys: createPasskeys(deps),
    upstream,
    upstreamSteps: createUpstreamSteps({ ...deps, upstream }),
  };
  const upstreamArrivals = createUpstreamArrivals(deps);
  return { ...parts, signInFlow: createSignInFlow({ ...deps, ...parts, upstreamArrivals }) };
}
