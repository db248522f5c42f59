/**
 * An authorization's rights as one audience's token carries them. Pure.
 */
import { type Guarded, type Seen, seenBy } from '../policy/audience.ts';
import type { Rights } from './authorization-rights.ts';
import type { Audience } from './resources.ts';

/** @returns undefined when nothing is left for that audience */
export function tokenView({ effective, world }: Rights, audience: Audience): Seen | undefined {
  return seenBy(effective, placeOf(audience), world.catalogue);
}

/** Says what is guarded at an audience. */
export function placeOf({ mcpServer, administration }: Audience): Guarded {
  return {
    api: mcpServer === undefined,
    administration,
    mcpServers: new Set(mcpServer === undefined ? [] : [mcpServer]),
  };
}
