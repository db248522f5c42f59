import { isManagementPermission } from '../directory/management-permissions.ts';
import type { Catalogue } from '../policy/vocabulary.ts';

/** Lists what is neither a capability of the catalogue nor a management permission. Pure. */
export function unknownPermissions(permissions: readonly string[], catalogue: Catalogue): string[] {
  return permissions.filter((name) => !catalogue.has(name) && !isManagementPermission(name));
}
