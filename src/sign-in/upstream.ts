/**
 * Signing in at another OpenID provider, there and back: what a browser is sent with, where its answer belongs, and that the answer
 * is taken once, from the browser that was sent, for the provider that it was sent to.
 * @see RFC 9700 section 4.4 (mix-up), OpenID Connect Core section 3.1
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { createUpstreamClient } from './upstream-client.ts';
import type { UpstreamIdentity, UpstreamProvider } from './upstream-provider.ts';
import type { UpstreamRequestStore } from './upstream-request-store.ts';

/** What somebody is sent to a provider for. */
export interface UpstreamErrand {
  /** A secret of the place and the browser that is sent. */
  readonly browser: string;
  /** Path and query of ours that the answer is taken to; it is added as `answer`. */
  readonly backTo: string;
  readonly again?: boolean;
  readonly held?: string;
}

export type UpstreamReturn =
  | {
      readonly outcome: 'proven';
      readonly identity: UpstreamIdentity;
      readonly held: string | undefined;
      /** Whether they proved who they are after they were sent. */
      readonly again: boolean;
    }
  | { readonly outcome: 'too_late' | 'cancelled' | 'down' | 'refused' | 'not_again' };

export interface Upstream {
  readonly providers: readonly UpstreamProvider[];
  find(name: string): UpstreamProvider | undefined;
  /** @returns the provider's address to send the browser to; undefined when the provider does not answer */
  send(provider: UpstreamProvider, errand: UpstreamErrand): Promise<string | undefined>;
  /**
   * Tells where in our pages an answer belongs.
   * @param name of the address that it came to: an answer for another provider belongs nowhere
   * @param query what came with it
   */
  whereTo(name: string, query: string): Promise<string | undefined>;
  /** Judges an answer: once, whatever it is. */
  take(provider: UpstreamProvider, browser: string, answer: string): Promise<UpstreamReturn>;
}

/** Between a provider's clock and ours. */
const toleranceSeconds = 60;
const longestAnswer = 8_192;

/** @param deps.onTrouble told what is wrong with a provider, for the log */
export function createUpstream(deps: {
  issuer: string;
  upstreamProviders?: readonly UpstreamProvider[];
  upstreamRequests: UpstreamRequestStore;
  clock: Clock;
  onTrouble(provider: string, cause: unknown): void;
}): Upstream {
  const { upstreamProviders: providers = [], upstreamRequests: requests, clock } = deps;
  const client = createUpstreamClient(deps);
  // Each provider has one of its own: an answer that another one caused comes to the wrong place (RFC 9700 section 4.4.2).
  const redirectUriOf = ({ name }: UpstreamProvider) => `${deps.issuer}/sign-in/upstream/${name}/callback`;
  const random = () => randomBytes(32).toString('base64url');

  return {
    providers,
    find: (name) => providers.find((provider) => provider.name === name),

    async send(provider, { browser, backTo, again = false, held }) {
      const [state, nonce, verifier] = [random(), random(), random()];
      const redirectUri = redirectUriOf(provider);
      const address = await client.addressOf(provider, { redirectUri, state, nonce, verifier, again });
      if (address === undefined) return undefined;
      const request = { provider: provider.name, backTo, nonce, verifier, begunAt: clock.now(), again, held };
      await requests.open(state, browser, request);
      return address;
    },

    async whereTo(name, query) {
      const state = stateOf(query);
      const request = state === undefined ? undefined : await requests.find(state);
      if (request?.provider !== name) return undefined;
      const separator = request.backTo.includes('?') ? '&' : '?';
      return `${request.backTo}${separator}${new URLSearchParams({ answer: query })}`;
    },

    async take(provider, browser, answer) {
      const state = stateOf(answer);
      const request = state === undefined ? undefined : await requests.take(state, browser);
      if (state === undefined || request?.provider !== provider.name) return { outcome: 'too_late' };
      const { nonce, verifier, again, begunAt, held } = request;
      const redirectUri = redirectUriOf(provider);
      const redeemed = await client.redeem(provider, answer, { redirectUri, state, nonce, verifier });
      if (redeemed.outcome !== 'proven') return { outcome: redeemed.outcome };
      const { identity } = redeemed;
      const at = identity.authenticatedAt;
      if (again && (at === undefined || at < begunAt - toleranceSeconds)) return { outcome: 'not_again' };
      return { outcome: 'proven', identity, held, again };
    },
  };
}

/** Reads the `state` of an answer; undefined where there is none, or more than one. Pure. */
function stateOf(query: string): string | undefined {
  if (query.length > longestAnswer) return undefined;
  const [state, ...others] = new URLSearchParams(query).getAll('state');
  return others.length === 0 && state !== '' ? state : undefined;
}
