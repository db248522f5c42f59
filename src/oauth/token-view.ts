/**
 * An authorization's rights as one audience's token carries them. Pure.
 */
import { type Seen, seenBy } from '../policy/audience.ts';
import type { Rights } from './authorization-rights.ts';
import type { Audience } from './resources.ts';

/** @returns undefined when nothing is left for that audience */
export function tokenView({ effective, world }: Rights, audience: Audience): Seen | undefined {
  const guarded = {
    api: audience.mcpServer === undefined,
    administration: audience.administration,
    mcpServers: new Set(audience.mcpServer === undefined ? [] : [audience.mcpServer]),
  };
  return seenBy(effective, guarded, world.catalogue);
}
