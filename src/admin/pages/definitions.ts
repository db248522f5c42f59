/** Every page and every form of the administration. */
import { serviceAccountPages, userPages } from './account-pages.ts';
import { approvalPages } from './approval-pages.ts';
import { auditPages } from './audit-page.ts';
import { authorizationPages } from './authorization-pages.ts';
import { clientPages } from './client-pages.ts';
import { doctorPages } from './doctor-page.ts';
import { invitePages } from './invite-page.ts';
import { mcpServerPages } from './mcp-server-pages.ts';
import { overviewPage } from './overview-page.ts';
import type { FormDefinition, PageDefinition } from './page.ts';
import { policyPages } from './policy-page.ts';
import { projectPages } from './project-pages.ts';
import { resourceServerPages } from './resource-server-pages.ts';
import { rolePages } from './role-pages.ts';
import { clientForms } from './service-account-clients-blocks.ts';

const parts = [
  // Before the page of one account, so that no id can be taken for it.
  invitePages(userPages.profile),
  userPages,
  serviceAccountPages,
  rolePages,
  projectPages,
  mcpServerPages,
  clientPages,
  resourceServerPages,
  authorizationPages,
  policyPages,
  approvalPages,
  doctorPages,
  auditPages,
];

export const definitions: {
  /** What is at `/admin` itself, for those who may see it. */
  readonly home: PageDefinition;
  readonly pages: readonly PageDefinition[];
  readonly forms: readonly FormDefinition[];
} = {
  home: overviewPage,
  pages: parts.flatMap(({ pages }) => pages),
  forms: [...parts.flatMap(({ forms }) => forms), ...clientForms(serviceAccountPages.profile)],
};
