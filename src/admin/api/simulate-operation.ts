/** What would a change cut? Asked before it is made, of the same rule that will answer after it. */
import { z } from 'zod';
import type { Supposition } from '../../policy/suppose.ts';
import { type Impact, impactOf } from './impact.ts';
import { operation } from './operation.ts';
import { policyContentSchema, policyOf } from './policy-document.ts';

const impactSchema = z
  .object({
    authorizations: z.int().describe('How many would lose something'),
    people: z.int().describe('How many owners they have'),
    incomplete: z
      .boolean()
      .describe('Only the first authorizations were looked at: the numbers are lower bounds'),
    cuts: z.array(
      z.object({
        authorization_id: z.string(),
        kind: z.enum(['oauth2', 'api_key']),
        tool: z.string().nullable().describe('Client id, or the name of the key'),
        user_id: z.string(),
        username: z.string(),
        everything: z.boolean().describe('Nothing would be left'),
        lost: z.array(
          z.object({
            dimension: z.enum(['capability', 'project', 'mcp_server']),
            identifier: z.string(),
            name: z.string(),
            capability: z.string().optional(),
          }),
        ),
      }),
    ),
  })
  .meta({ id: 'Impact' });

export type ImpactDocument = z.output<typeof impactSchema>;

const changeSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('user_suspended'), user_id: z.string() }),
  z.strictObject({
    kind: z.literal('role_unassigned'),
    user_id: z.string(),
    role_id: z.string(),
    project_id: z.string().nullable().default(null),
  }),
  z.strictObject({ kind: z.literal('role_changed'), role_id: z.string(), permissions: z.array(z.string()) }),
  z.strictObject({ kind: z.literal('project_deleted'), project_id: z.string() }),
  z.strictObject({ kind: z.literal('mcp_server_disabled'), mcp_server_id: z.string() }),
  z.strictObject({ kind: z.literal('policy_changed'), policy: policyContentSchema }),
]);

export const simulateOperation = operation({
  id: 'simulate',
  tag: 'Authorizations',
  summary: 'What would a change cut, and whose? Nothing is changed',
  method: 'post',
  path: '/simulate',
  anyOf: [
    'users.manage',
    'service-accounts.update',
    'roles.update',
    'projects.manage',
    'mcp-servers.manage',
    'policies.manage',
  ],
  body: z.strictObject({ change: changeSchema }),
  answer: impactSchema,
  handle: async (deps, { body: { change } }) => impactDocument(await impactOf(deps, suppositionOf(change))),
});

function suppositionOf(change: z.output<typeof changeSchema>): Supposition {
  switch (change.kind) {
    case 'user_suspended':
      return { kind: change.kind, user: change.user_id };
    case 'role_unassigned':
      return { kind: change.kind, user: change.user_id, role: change.role_id, project: change.project_id };
    case 'role_changed':
      return { kind: change.kind, role: change.role_id, permissions: change.permissions };
    case 'project_deleted':
      return { kind: change.kind, project: change.project_id };
    case 'mcp_server_disabled':
      return { kind: change.kind, mcpServer: change.mcp_server_id };
    case 'policy_changed':
      return { kind: change.kind, policy: policyOf(change.policy) };
  }
}

/** Writes an impact out. Pure. */
function impactDocument({ cuts, incomplete, world }: Impact): ImpactDocument {
  return {
    authorizations: cuts.length,
    people: new Set(cuts.map(({ authorization }) => authorization.userId)).size,
    incomplete,
    cuts: cuts.map(({ authorization, lost, everything }) => ({
      authorization_id: authorization.id,
      kind: authorization.kind,
      tool: authorization.name ?? authorization.clientId,
      user_id: authorization.userId,
      username: authorization.email,
      everything,
      lost: lost.map((item) => ({
        ...item,
        name:
          item.dimension === 'project'
            ? (world.projects.get(item.identifier)?.slug ?? item.identifier)
            : item.dimension === 'mcp_server'
              ? (world.mcpServers.get(item.identifier)?.name ?? item.identifier)
              : item.identifier,
      })),
    })),
  };
}
