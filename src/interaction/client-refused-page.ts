import type { Words } from '../http/messages.ts';
import type { ClientRefusal } from '../policy/client-permission.ts';
import { type ClientFace, type ClientFacts, callClient, faceOf } from './client-face.ts';

/** `client-refused.ejs`. */
export interface ClientRefusedPage {
  readonly client: ClientFace;
  readonly happened: string;
  readonly why: string;
  readonly action: string;
  readonly csrf: string;
}

const reasons: Record<ClientRefusal, string> = {
  host_denied: 'client_refused.host_denied',
  not_verified: 'client_refused.not_verified',
  host_not_named: 'client_refused.host_not_named',
};

/** Builds the page that stands in the place of consent for a tool that the organization does not let anybody authorize. Pure. */
export function buildClientRefusedPage(
  input: { client: ClientFacts; refusal: ClientRefusal; action: string; csrf: string },
  words: Words,
): ClientRefusedPage {
  const { t } = words;
  const client = faceOf(input.client);
  return {
    client,
    happened: t('client_refused.happened', { who: callClient(client, words) }),
    why: t(reasons[input.refusal]),
    action: input.action,
    csrf: input.csrf,
  };
}
