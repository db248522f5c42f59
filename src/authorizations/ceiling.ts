/** How the ceiling of something that was handed on is written into its row: the same ceiling, the same text. Pure. */
import type { Guarded } from '../policy/audience.ts';
import type { HandedOn } from '../policy/handed-on.ts';

interface WrittenPlace {
  readonly api: boolean;
  readonly mcpServers: readonly string[];
}
interface Written {
  readonly names: readonly string[] | null;
  readonly from: WrittenPlace | null;
  readonly to: WrittenPlace;
}

/** Writes a ceiling out. */
export function writeCeiling({ names, from, to }: HandedOn): string {
  const written: Written = {
    names: names === undefined ? null : [...names].sort(),
    from: from === undefined ? null : writePlace(from),
    to: writePlace(to),
  };
  return JSON.stringify(written);
}

/** Reads what `writeCeiling` wrote. */
export function readCeiling(text: string): HandedOn {
  const { names, from, to } = JSON.parse(text) as Written;
  return {
    names: names === null ? undefined : new Set(names),
    from: from === null ? undefined : readPlace(from),
    to: readPlace(to),
  };
}

const writePlace = ({ api, mcpServers }: Guarded): WrittenPlace => ({
  api,
  mcpServers: [...mcpServers].sort(),
});

const readPlace = ({ api, mcpServers }: WrittenPlace): Guarded => ({ api, mcpServers: new Set(mcpServers) });
