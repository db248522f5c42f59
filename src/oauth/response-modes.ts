/**
 * How an answer of /authorize may travel: in the address alone. A page that posts a form to a tool would need our pages' policy to
 * let forms go anywhere, and what is on a loopback or behind a private scheme cannot take a post (RFC 8252 section 7).
 */
import type Provider from 'oidc-provider';

export const responseModes = ['query', 'fragment'];

/** Tells a client that asked for another mode so in its address, where the library would tell it by the mode that is refused. */
export function answerInTheAddress(provider: Provider): void {
  provider.on('authorization.error', ({ oidc }) => {
    const { params } = oidc;
    if (params && !responseModes.includes(String(params.response_mode))) delete params.response_mode;
  });
}
