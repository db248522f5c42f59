/** The parts of the administration: where each is, and who sees it. */
import type { ManagementPermission } from '../../directory/management-permissions.ts';
import { overviewReaders } from '../api/overview-operation.ts';

export interface Section {
  readonly name: string;
  readonly href: string;
  readonly label: string;
  readonly anyOf: readonly ManagementPermission[];
}

const section = (name: string, label: string, ...anyOf: ManagementPermission[]): Section => ({
  name,
  href: `/admin/${name}`,
  label,
  anyOf,
});

/** In the order of their links; `label` is a key of the message catalogue. */
const sections: readonly Section[] = [
  { name: 'overview', href: '/admin', label: 'admin.nav.overview', anyOf: overviewReaders },
  section('users', 'admin.nav.users', 'users.manage'),
  section(
    'service-accounts',
    'admin.nav.service_accounts',
    'service-accounts.update',
    'service-accounts.create',
  ),
  section('roles', 'admin.nav.roles', 'roles.update', 'roles.create', 'users.manage'),
  section('projects', 'admin.nav.projects', 'projects.manage'),
  section('mcp-servers', 'admin.nav.mcp_servers', 'mcp-servers.manage'),
  section('clients', 'admin.nav.clients', 'clients.manage'),
  section('resource-servers', 'admin.nav.resource_servers', 'clients.manage'),
  section('authorizations', 'admin.nav.authorizations', 'users.manage', 'api-keys.manage'),
  section('policies', 'admin.nav.policies', 'policies.manage'),
  section('approvals', 'admin.nav.approvals', 'policies.manage'),
  section('doctor', 'doctor.title', 'mcp-servers.manage', 'clients.manage'),
  section('audit', 'admin.nav.audit', 'audit.read'),
];

/** Lists the sections that somebody with these permissions sees. Pure. */
export function visibleSections(permissions: ReadonlySet<string>): Section[] {
  return sections.filter(({ anyOf }) => anyOf.some((name) => permissions.has(name)));
}
