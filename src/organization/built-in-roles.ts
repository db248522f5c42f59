import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { managementPermissions } from '../directory/management-permissions.ts';
import type { RoleContent } from '../directory/role-store.ts';
import type { Catalogue } from '../policy/vocabulary.ts';
import { unknownPermissions } from './permissions.ts';

const rolesSchema = z.strictObject({
  roles: z.array(
    z.strictObject({
      slug: z.string().min(1),
      name: z.string().min(1),
      permissions: z.union([z.literal('all'), z.array(z.string())]),
    }),
  ),
});

/**
 * Reads the built-in roles; `all` becomes every capability of the catalogue and every management permission.
 * @throws Error when the file is not sound, or names a permission that neither list has
 */
export function readBuiltInRoles(path: string, catalogue: Catalogue): RoleContent[] {
  const parsed = rolesSchema.safeParse(parse(readFileSync(path, 'utf8')));
  if (!parsed.success) {
    const { path: where = [], message = 'is not sound' } = parsed.error.issues[0] ?? {};
    throw new Error(`${path}: ${where.join('.')}: ${message}`);
  }
  return parsed.data.roles.map(({ slug, name, permissions }) => {
    if (permissions === 'all')
      return { slug, name, permissions: [...catalogue.keys(), ...managementPermissions] };
    const [unknown] = unknownPermissions(permissions, catalogue);
    if (unknown !== undefined) throw new Error(`${path}: ${slug}: there is no permission ${unknown}`);
    return { slug, name, permissions };
  });
}
