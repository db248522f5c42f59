/** `users remove` and `service-accounts remove`: for good, so what would stop is shown first. */
import type { DepartureDocument } from '../admin/api/departure-operations.ts';
import type { AdministrationApi } from './administration-api.ts';
import { harmless } from './harmless.ts';
import type { Proposal } from './proposal.ts';
import { shownInstant, table } from './table.ts';

/** Finds out what would stop. @param path of the account, below the API's root @throws ApiRefusal */
export async function proposeRemoval(api: AdministrationApi, path: string): Promise<Proposal> {
  // What is shown is of the account at this version: a change in between is noticed.
  const { document: account, etag } = await api.call('get', path);
  const departure = (await api.call('get', `${path}/departure`)).document as DepartureDocument;
  const { id, email } = account as { id: string; email: string };
  return {
    document: { account: { id, email }, departure },
    text: `remove ${harmless(email)} (${id}) for good\n${departureText(departure)}`,
    empty: false,
    async apply() {
      await api.call('delete', path, { etag });
      return undefined;
    },
  };
}

/** Lists what stops. Pure. */
function departureText({ api_keys: keys, authorizations, clients, total }: DepartureDocument): string {
  const rows = [
    ...keys.map((one) => ['API key', one.id, one.name, used(one)]),
    ...authorizations.map((one) => ['tool', one.id, one.name, used(one)]),
    ...clients.map((one) => ['client', one.id, one.name, used(one)]),
  ];
  if (rows.length === 0) return 'nothing stops with it';
  const listed = keys.length + authorizations.length + clients.length;
  return [
    'this stops with it:',
    table([['WHAT', 'ID', 'NAME', 'LAST USED'], ...rows]),
    ...(total > listed ? [`${total} keys and authorizations in all`] : []),
    ...(keys.length > 0 ? ['`move-keys` gives its API keys to somebody else before'] : []),
  ].join('\n');
}

const used = ({ last_used_at: at }: { readonly last_used_at: number | null }) => shownInstant(at, 'never');
