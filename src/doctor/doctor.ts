/** The doctor for somebody who only has a browser: asks from this server, and only where an administrator's page may. */
import type { PublicHttps } from '../clients/metadata-document-transport.ts';
import { createAskFromHere } from './ask-from-here.ts';
import { createGuardedAsk } from './ask-guarded.ts';
import { type Examination, examine } from './examine.ts';

export interface Doctor {
  /** Examines an absolute http or https URL. */
  examine(address: string, options: { readonly register: boolean }): Promise<Examination>;
}

export function createDoctor(deps: {
  issuer: string;
  https: PublicHttps;
  resourceServers: { audiences(): Promise<string[]> };
}): Doctor {
  return {
    async examine(address, options) {
      const audiences = await deps.resourceServers.audiences();
      const known = new Set([
        deps.issuer,
        ...audiences.flatMap((audience) => URL.parse(audience)?.origin ?? []),
      ]);
      const ask = createGuardedAsk({
        https: deps.https,
        fromHere: createAskFromHere(),
        isKnown: async (origin) => known.has(origin),
      });
      return examine(address, ask, options);
    },
  };
}
