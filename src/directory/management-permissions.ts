/**
 * Rights to run Mandate itself. They are never delegable, so none of them is a capability, and they count only in
 * assignments on the organization (DESIGN §1).
 */
export const managementPermissions = [
  'users.manage',
  'roles.create',
  'roles.update',
  'projects.manage',
  'mcp-servers.manage',
  'api-keys.create',
  'api-keys.manage',
  'service-accounts.create',
  'service-accounts.update',
  'clients.manage',
  'policies.manage',
  'audit.read',
] as const;

/** One right to run Mandate itself. */
export type ManagementPermission = (typeof managementPermissions)[number];

const names: ReadonlySet<string> = new Set(managementPermissions);

/** Tells whether a permission is a management permission. Pure. */
export function isManagementPermission(permission: string): permission is ManagementPermission {
  return names.has(permission);
}
