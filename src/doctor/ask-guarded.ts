/**
 * Asks for somebody who only has a browser, from inside our network: whatever an administrator registered may be asked, anything
 * else on the public internet alone, so that the page is no way to look around in here.
 */
import type { PublicHttps } from '../clients/metadata-document-transport.ts';
import { monotonicMilliseconds } from '../clock.ts';
import type { Ask } from './finding.ts';

const mostBytes = 64 * 1_024;

export function createGuardedAsk(deps: {
  https: PublicHttps;
  /** Asks without a guard. */
  fromHere: Ask;
  /** Whether an administrator registered something at this origin, or it is our own. */
  isKnown: (origin: string) => Promise<boolean>;
}): Ask {
  return async (question) => {
    const url = URL.parse(question.url);
    if (!url) return { kind: 'silence', reason: 'it is no URL' };
    if (await deps.isKnown(url.origin)) return deps.fromHere(question);
    const begun = monotonicMilliseconds();
    const { method, headers = {}, body } = question;
    const got = await deps.https.exchange({ method, url: url.href, headers, body }, { mostBytes });
    if (got.kind !== 'answer') return { kind: 'silence', reason: got.reason };
    const heard = new Headers();
    for (const [name, value] of Object.entries(got.headers)) {
      if (value !== undefined) heard.set(name, [value].flat().join(', '));
    }
    return {
      kind: 'answer',
      status: got.status,
      headers: heard,
      body: got.body.toString('utf8'),
      milliseconds: monotonicMilliseconds() - begun,
    };
  };
}
