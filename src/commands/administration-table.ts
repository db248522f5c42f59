/**
 * The administration's words on the command line: which noun and verb stands for which operation of the API. Arguments, options and
 * help come from the operation itself (`administration-options.ts`).
 */

/** verb → operationId */
type Verbs = Readonly<Record<string, string>>;

export interface Noun {
  readonly description: string;
  readonly verbs: Verbs;
}

const account = (noun: 'user' | 'service_account'): Verbs => ({
  list: `list_${noun}s`,
  show: `get_${noun}`,
  create: `create_${noun}`,
  update: `update_${noun}`,
  suspend: `suspend_${noun}`,
  resume: `resume_${noun}`,
  departure: `get_${noun}_departure`,
  'move-keys': `move_${noun}_keys`,
  remove: `delete_${noun}`,
});

export const nouns: Readonly<Record<string, Noun>> = {
  users: {
    description: 'people',
    verbs: {
      ...account('user'),
      'sign-in': 'get_user_sign_in',
      sessions: 'list_user_sessions',
      'end-session': 'end_user_session',
      'end-sessions': 'end_user_sessions',
      'withdraw-invitation': 'withdraw_invitation',
    },
  },
  'service-accounts': {
    description: 'accounts of machines, and the clients that act as them',
    verbs: {
      ...account('service_account'),
      clients: 'list_service_account_clients',
      'create-client': 'create_service_account_client',
      'rotate-client-secret': 'rotate_service_account_client_secret',
      'delete-client': 'delete_service_account_client',
    },
  },
  roles: {
    description: 'what people may do, by name',
    verbs: {
      list: 'list_roles',
      permissions: 'list_permissions',
      show: 'get_role',
      create: 'create_role',
      update: 'update_role',
      delete: 'delete_role',
    },
  },
  projects: {
    description: 'containers of work',
    verbs: {
      list: 'list_projects',
      show: 'get_project',
      create: 'create_project',
      update: 'update_project',
      delete: 'delete_project',
    },
  },
  'mcp-servers': {
    description: 'Model Context Protocol endpoints of projects',
    verbs: {
      list: 'list_mcp_servers',
      show: 'get_mcp_server',
      create: 'create_mcp_server',
      update: 'update_mcp_server',
    },
  },
  clients: {
    description: 'the tools that ask for tokens',
    verbs: {
      list: 'list_clients',
      show: 'get_client',
      create: 'create_client',
      update: 'update_client',
      verify: 'verify_client',
      unverify: 'unverify_client',
      enable: 'enable_client',
      disable: 'disable_client',
      'rotate-secret': 'rotate_client_secret',
      delete: 'delete_client',
    },
  },
  'resource-servers': {
    description: 'the APIs and gateways that introspect tokens',
    verbs: {
      list: 'list_resource_servers',
      show: 'get_resource_server',
      create: 'create_resource_server',
      update: 'update_resource_server',
      enable: 'enable_resource_server',
      disable: 'disable_resource_server',
      'rotate-secret': 'rotate_resource_server_secret',
      'event-receiver': 'get_event_receiver',
    },
  },
  authorizations: {
    description: 'what users handed to tools',
    verbs: {
      list: 'list_authorizations',
      show: 'get_authorization',
      edit: 'update_authorization',
      add: 'create_authorization_addition',
      'end-addition': 'end_authorization_addition',
      suspend: 'suspend_authorization',
      resume: 'resume_authorization',
      revoke: 'revoke_authorization',
    },
  },
  keys: {
    description: 'API keys',
    verbs: {
      list: 'list_api_keys',
      show: 'get_api_key',
      offer: 'offer_api_key',
      preview: 'preview_api_key',
      create: 'create_api_key',
      edit: 'update_api_key',
      rotate: 'rotate_api_key',
      suspend: 'suspend_api_key',
      resume: 'resume_api_key',
      revoke: 'revoke_api_key',
      move: 'move_api_key',
    },
  },
  policies: {
    description: 'what people may hand over at all',
    verbs: { show: 'get_policies', set: 'replace_policies' },
  },
  approvals: {
    description: 'what waits for an administrator to agree',
    verbs: {
      list: 'list_approvals',
      show: 'get_approval',
      approve: 'approve_approval',
      decline: 'decline_approval',
    },
  },
  audit: {
    description: 'who changed what',
    verbs: { list: 'list_changes', export: 'export_changes' },
  },
};

/** Operations whose command has another form: operationId → the command. */
export const otherCommands: Readonly<Record<string, string>> = {
  assign_user_role: 'assignments add',
  unassign_user_role: 'assignments remove',
  assign_service_account_role: 'assignments add',
  unassign_service_account_role: 'assignments remove',
  why_authorization: 'why',
  simulate: 'simulate',
  examine_connection: 'doctor',
};

/** Operations that no command stands for: operationId → why not. */
export const withoutCommand: Readonly<Record<string, string>> = {
  get_overview: 'a page that plots; what a machine reads of it are the metrics',
  invite_user: 'brings somebody in who can sign in, which no token does: a person invites on the page',
  send_invitation: 'brings somebody in who can sign in, which no token does: a person invites on the page',
  reset_user_second_factor: 'takes away how somebody proves who they are: a person does it on the page',
  unlink_user_upstream_account: 'takes away how somebody proves who they are: a person does it on the page',
  set_service_account_client_keys: 'lets another key prove a machine: a person puts it in on the page',
  set_resource_server_keys: 'lets another key prove a resource server: a person puts it in on the page',
  set_event_receiver: 'decides who is told of what happens: a person does it on the page',
  remove_event_receiver: 'decides who is told of what happens: a person does it on the page',
  verify_event_receiver: 'belongs to setting a receiver up, on its page',
};
