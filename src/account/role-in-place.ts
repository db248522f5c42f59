import type { RoleContent } from '../directory/role-store.ts';
import type { Form } from '../http/read-form.ts';

/**
 * Reads the role that somebody makes beside a key. Pure. It holds capabilities alone: a role that lets people run Mandate is
 * made on the page for roles.
 *
 * @param delegable Capability names that it may hold.
 * @returns undefined when it has no name or no capability.
 */
export function readNewRole(form: Form, delegable: readonly string[]): RoleContent | undefined {
  const name = (form.get('new_role_name')?.[0] ?? '').normalize('NFC').trim().slice(0, 60);
  const slug = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  const chosen = new Set(form.get('new_role_capability') ?? []);
  const permissions = delegable.filter((capability) => chosen.has(capability));
  return slug === '' || permissions.length === 0 ? undefined : { slug, name, permissions };
}
