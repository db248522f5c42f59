/**
 * Which uses are believed: those of an authorization that introspection would tell their teller is active, and of what it would tell it
 * of. So nobody keeps alive what an owner is about to narrow away by telling of what it never sees.
 */

import type { Store } from '../../db/open.ts';
import type { ToldUse } from '../authorizations/uses.ts';
import type { ResourceServer } from '../clients/resource-server-store.ts';
import type { Clock } from '../clock.ts';
import type { Seen } from '../policy/audience.ts';
import { seenThrough } from './answer.ts';
import { guardedAt, type PlainViewDependencies } from './plain-view.ts';
import { tokensOf } from './token.ts';

export interface VisibleUses {
  /** Leaves out what the teller could not have seen at this moment. */
  among(teller: ResourceServer, told: readonly ToldUse[]): Promise<ToldUse[]>;
}

export function createVisibleUses(
  deps: Pick<PlainViewDependencies, 'rights' | 'clients' | 'resourceServers'> & {
    readonly store: Pick<Store, 'db'>;
    readonly clock: Clock;
  },
): VisibleUses {
  return {
    async among(teller, told) {
      const guards = await deps.resourceServers.guardedBy(teller.id);
      const seen = new Map<string, readonly Seen[]>();
      for (const { authorizationId } of told) {
        if (!seen.has(authorizationId)) seen.set(authorizationId, await seenOf(authorizationId, guards));
      }
      return told.filter((use) => seen.get(use.authorizationId)?.some((part) => shows(part, use)));
    },
  };

  /** What the teller sees of an authorization, once for each token that somebody may show it. */
  async function seenOf(
    authorizationId: string,
    guards: Awaited<ReturnType<typeof deps.resourceServers.guardedBy>>,
  ): Promise<Seen[]> {
    const rights = await deps.rights.of(authorizationId);
    if (!rights) return [];
    const { clientId } = rights.authorization;
    const client = clientId === null ? undefined : await deps.clients.find(clientId);
    if (clientId !== null && (!client || client.disabled)) return [];
    const tokens = await tokensOf(deps, rights.authorization);
    return tokens.flatMap((token) => {
      const guarded = token.audience === undefined ? undefined : guardedAt(guards, token.audience);
      return (guarded && seenThrough(token, rights, guarded).seen) ?? [];
    });
  }
}

/** Tells whether an answer says of what was used. Pure. */
function shows({ scope, projects, mcpServers }: Seen, { capability, place }: ToldUse): boolean {
  if (!scope.includes(capability)) return false;
  if (place === null || projects.some(({ id }) => id === place)) return true;
  return mcpServers.some(({ id, actions }) => id === place && actions.includes(capability));
}
