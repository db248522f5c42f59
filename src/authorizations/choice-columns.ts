/** What a person chose, as an authorization's row and the log of changes keep it. Pure. */
import type { AuthorizationsTable } from '../../db/schema.ts';
import type { PickedProject } from '../policy/vocabulary.ts';
import type { Authorization } from './authorization.ts';

/** What a person chose; it replaces what was chosen before, never adds to it. */
export interface Choice {
  readonly capabilities: readonly string[];
  readonly projects: readonly PickedProject[];
  readonly mcpServers: readonly string[];
  readonly asked: readonly string[];
  readonly expiresAt: number | null;
}

type ChoiceColumns = Pick<
  AuthorizationsTable,
  'capabilities' | 'projects' | 'mcp_servers' | 'asked' | 'expires_at'
>;

/** Writes a choice as columns. */
export const choiceColumns = ({
  capabilities,
  projects,
  mcpServers,
  asked,
  expiresAt,
}: Choice): ChoiceColumns => ({
  capabilities: JSON.stringify(capabilities),
  projects: JSON.stringify(projects.map(({ id, roles }) => ({ id, roles }))),
  mcp_servers: JSON.stringify(mcpServers),
  asked: JSON.stringify(asked),
  expires_at: expiresAt,
});

/** What the log of changes keeps of an authorization. */
export const sliceOf = ({
  capabilities,
  roles,
  projects,
  mcpServers,
  expiresAt,
  followsOwner,
}: Authorization) =>
  followsOwner ? { followsOwner } : { capabilities, roles, projects, mcpServers, expiresAt };
