import { displayText } from '../interaction/display-text.ts';
import type { DroppedItem } from '../policy/key-decision.ts';
import type { World } from '../policy/vocabulary.ts';

/** Names what was not granted as its reader knows it; an id that names nothing stays an id. Pure. */
export function droppedNames(dropped: readonly DroppedItem[], world: World): string[] {
  const names = dropped.map((item) => nameOf(item, world) ?? item.identifier);
  return [...new Set(names)].slice(0, 20).map((name) => displayText(name));
}

function nameOf({ dimension, identifier }: DroppedItem, world: World): string | undefined {
  switch (dimension) {
    case 'project':
      return world.projects.get(identifier)?.slug;
    case 'mcp_server':
      return world.mcpServers.get(identifier)?.name;
    case 'role':
    case 'organization_role':
      return world.roles.get(identifier)?.name;
    case 'capability':
      return undefined;
  }
}
