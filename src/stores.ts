/** Every store over one database, wired the same way for the server, the command line and the tests. */
import type { Store } from '../db/open.ts';
import { createApiKeyStore } from './authorizations/api-key-store.ts';
import { createAssertedStore } from './authorizations/asserted-store.ts';
import { createAuthorizationEditor } from './authorizations/authorization-editor.ts';
import { createAuthorizationList } from './authorizations/authorization-list.ts';
import { createAuthorizationStore } from './authorizations/authorization-store.ts';
import { createHandedOnStore } from './authorizations/handed-on.ts';
import { createAuthorizationUses } from './authorizations/uses.ts';
import { createChangeHistory } from './changes/change-history.ts';
import { createChangeLog } from './changes/change-log.ts';
import { createRemovedUsers } from './changes/removed-users.ts';
import { createClientStore } from './clients/client-store.ts';
import { createResourceServerStore } from './clients/resource-server-store.ts';
import type { Clock } from './clock.ts';
import { createAccountLinks } from './directory/account-links.ts';
import { createLiveAccess } from './directory/live-access.ts';
import { createMcpServerStore } from './directory/mcp-server-store.ts';
import { createProjectStore } from './directory/project-store.ts';
import { createRoleStore } from './directory/role-store.ts';
import { createSessionStore } from './directory/session-store.ts';
import { createUserStore } from './directory/user-store.ts';
import { createWorld } from './directory/world.ts';
import { createNotices } from './mail/notices.ts';
import { createOutbox } from './mail/outbox.ts';
import { createActivityStore } from './operations/activity-store.ts';
import { createApprovalStore } from './policies/approval-store.ts';
import { createPolicyLimits } from './policies/policy-limits.ts';
import { createPolicyStore } from './policies/policy-store.ts';
import type { Catalogue } from './policy/vocabulary.ts';
import type { Secrets } from './secrets.ts';
import { createEventReceiverStore } from './security-events/receiver-store.ts';
import { createChallengeStore } from './sign-in/challenge-store.ts';
import { createPasskeyStore } from './sign-in/passkey-store.ts';
import { createSecondFactors } from './sign-in/second-factors.ts';
import { createUpstreamAccountStore } from './sign-in/upstream-account-store.ts';
import { createUpstreamRequestStore } from './sign-in/upstream-request-store.ts';

export function createStores(base: { store: Store; clock: Clock; secrets: Secrets; catalogue: Catalogue }) {
  const outbox = createOutbox(base);
  const changes = createChangeLog({ ...base, told: createNotices({ outbox }) });
  const deps = { ...base, changes };
  const authorizations = createAuthorizationStore(deps);
  const clients = createClientStore(deps);
  const policies = createPolicyStore(deps);
  const approvals = createApprovalStore(deps);
  return {
    changes: deps.changes,
    history: createChangeHistory(deps),
    removedUsers: createRemovedUsers(deps),
    activity: createActivityStore(deps),
    users: createUserStore(deps),
    sessionList: createSessionStore(deps),
    challenges: createChallengeStore(deps),
    passkeyList: createPasskeyStore(deps),
    secondFactors: createSecondFactors(deps),
    upstreamAccounts: createUpstreamAccountStore(deps),
    upstreamRequests: createUpstreamRequestStore(deps),
    roles: createRoleStore(deps),
    projects: createProjectStore(deps),
    mcpServers: createMcpServerStore(deps),
    clients,
    resourceServers: createResourceServerStore(deps),
    authorizations,
    policies,
    approvals,
    policyLimits: createPolicyLimits({ ...deps, policies, approvals, clients }),
    asserted: createAssertedStore({ ...deps, authorizations }),
    authorizationEditor: createAuthorizationEditor(deps),
    authorizationList: createAuthorizationList(deps),
    authorizationUses: createAuthorizationUses(deps),
    handedOn: createHandedOnStore(deps),
    eventReceivers: createEventReceiverStore(deps),
    apiKeys: createApiKeyStore({ ...deps, authorizations }),
    outbox,
    accountLinks: createAccountLinks(deps),
    liveAccess: createLiveAccess(deps),
    worldSource: createWorld(deps),
  };
}

export type Stores = ReturnType<typeof createStores>;
