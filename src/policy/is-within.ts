import type { Slice } from './key-decision.ts';

/**
 * Tells whether one slice grants nothing that another does not grant. Pure. Roles count by their ids: whatever a role holds, a slice
 * that names no other role cannot gain by it.
 */
export function isWithin(after: Slice, before: Slice): boolean {
  const subset = (some: readonly string[], all: readonly string[]) =>
    some.every((item) => all.includes(item));
  const picked = new Map<string, string[]>();
  for (const { id, roles } of before.projects) picked.set(id, [...(picked.get(id) ?? []), ...roles]);
  return (
    subset(after.capabilities, before.capabilities) &&
    subset(after.roles, before.roles) &&
    subset(after.mcpServers, before.mcpServers) &&
    after.projects.every(({ id, roles }) => subset(roles, picked.get(id) ?? []) && picked.has(id))
  );
}
