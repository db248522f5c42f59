/** Requests for an administrator's approval: seen, and decided by somebody else than whoever asked or is asked for. */
import { z } from 'zod';
import { grantedNames } from '../../account/effect.ts';
import type { Approval } from '../../policies/approval-store.ts';
import type { Caller } from './caller.ts';
import { type AdminDeps, operation } from './operation.ts';
import { guardManagement } from './over-token.ts';
import { refusal } from './problem.ts';
import { instantSchema, listOf, pageOf, pageQuery, versionSchema } from './schemas.ts';

const tag = 'Policies';
const manage = ['policies.manage'] as const;
const one = '/approvals/{approval_id}';

const approvalSchema = z
  .object({
    id: z.string(),
    status: z.enum(['pending', 'approved', 'declined']),
    capability: z.string(),
    justification: z.string(),
    authorization_id: z.string(),
    kind: z.enum(['oauth2', 'api_key']),
    authorization_version: versionSchema.describe('Of the authorization as it is now'),
    ends_at: instantSchema
      .nullable()
      .describe('When it ends by itself, where it is asked for a while only; null: for good'),
    tool: z.string().nullable().describe('Client id, or the name of the key'),
    user_id: z.string().describe('Whose authorization it is'),
    username: z.string(),
    requested_by: z.string(),
    requested_at: instantSchema,
    decided_by: z.string().nullable(),
    decided_at: instantSchema.nullable(),
    note: z.string().nullable(),
    version: versionSchema,
  })
  .meta({ id: 'Approval' });

export type ApprovalDocument = z.output<typeof approvalSchema>;

const noteSchema = z.string().trim().max(1_000).optional().describe('Shown to whoever asked');

export const approvalOperations = {
  list: operation({
    id: 'list_approvals',
    tag,
    summary: 'List requests for approval, newest first',
    method: 'get',
    path: '/approvals',
    anyOf: manage,
    query: z.strictObject({
      ...pageQuery,
      status: z.enum(['pending', 'approved', 'declined']).optional(),
    }),
    answer: listOf(approvalSchema),
    async handle(deps, { query: { limit, after, status } }) {
      const rows = await deps.approvals.list({
        limit: limit + 1,
        ...(status === undefined ? {} : { status }),
        ...(after === undefined ? {} : { before: after }),
      });
      const documents = await Promise.all(rows.map((row) => approvalDocument(deps, row)));
      return pageOf(
        documents.flatMap((document) => document ?? []),
        limit,
        ({ id }) => id,
        (document) => document,
      );
    },
  }),

  get: operation({
    id: 'get_approval',
    tag,
    summary: 'Get a request for approval',
    method: 'get',
    path: one,
    anyOf: manage,
    answer: approvalSchema,
    handle: (deps, { params }) => readApproval(deps, params.approval_id),
  }),

  approve: decision(
    'approve',
    'approved',
    'Approve a request; the capability holds from the next introspection on',
  ),
  decline: decision('decline', 'declined', 'Decline a request; the capability stays withheld'),
};

function decision(action: 'approve' | 'decline', status: 'approved' | 'declined', summary: string) {
  return operation({
    id: `${action}_approval`,
    tag,
    summary,
    method: 'post',
    path: `${one}/${action}`,
    anyOf: manage,
    versioned: true,
    body: z.strictObject({
      note: noteSchema,
      authorization_version: z.coerce
        .number()
        .int()
        .optional()
        .describe('Of the authorization that was looked at; 412 when it has moved since'),
    }),
    answer: approvalSchema,
    async handle(deps, { caller, params, body, version }) {
      const { note = '', authorization_version: authorizationVersion } = body;
      const asked = await readApproval(deps, params.approval_id);
      requireAnother(caller, asked);
      // What was asked for a while, and is over, is not agreed to afterwards.
      if (asked.status === 'pending' && isOver(asked, deps.clock.now())) throw refusal('ended');
      if (status === 'approved') guardManagement(caller, [asked.capability]);
      await deps.store.transact(async (trx) => {
        const done = await deps.approvals.decide(trx, caller.actor, {
          id: asked.id,
          version,
          authorizationVersion,
          status,
          note: note === '' ? null : note,
        });
        if (done.outcome === 'not_found') throw refusal('not_found');
        if (done.outcome === 'changed_meanwhile') throw refusal('version_changed');
      });
      return readApproval(deps, asked.id);
    },
  });
}

const isOver = ({ ends_at: endsAt }: ApprovalDocument, now: number) => endsAt !== null && endsAt <= now;

/** Approval is a second pair of eyes: nobody gives it to themselves. */
function requireAnother(caller: Caller, { requested_by, user_id }: ApprovalDocument): void {
  if (caller.id === requested_by || caller.id === user_id) throw refusal('own_request');
}

async function readApproval(deps: AdminDeps, id: string | undefined): Promise<ApprovalDocument> {
  const found = await deps.approvals.find(id ?? '');
  const document = found && (await approvalDocument(deps, found));
  if (!document) throw refusal('not_found');
  return document;
}

async function approvalDocument(
  { authorizations, users, worldSource }: AdminDeps,
  approval: Approval,
): Promise<ApprovalDocument | undefined> {
  const authorization = await authorizations.find(approval.authorizationId);
  if (!authorization) return undefined;
  const owner = await users.findById(authorization.userId);
  const { capability } = approval;
  const carrying = authorization.additions.filter(({ capabilities }) => capabilities.includes(capability));
  const forGood =
    carrying.length === 0 || grantedNames(authorization, await worldSource.whole()).includes(capability);
  return {
    id: approval.id,
    status: approval.status,
    capability: approval.capability,
    justification: approval.justification,
    authorization_id: authorization.id,
    authorization_version: authorization.version,
    ends_at: forGood ? null : Math.max(...carrying.map(({ until }) => until)),
    kind: authorization.kind,
    tool: authorization.name ?? authorization.clientId,
    user_id: authorization.userId,
    username: owner?.email ?? authorization.userId,
    requested_by: approval.requestedBy,
    requested_at: approval.requestedAt,
    decided_by: approval.decidedBy,
    decided_at: approval.decidedAt,
    note: approval.note,
    version: approval.version,
  };
}
