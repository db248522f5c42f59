/** Changing what an authorization says, for either kind: the same desk, and the same refusals, as on its page. */
import { z } from 'zod';
import { droppedNames } from '../../account/dropped-names.ts';
import { createKeyDesk, type KeyDesk, type TermsRefusal } from '../../account/key-desk.ts';
import { addsSensitive, isFresh } from '../../account/reauthentication.ts';
import type { EditOutcome } from '../../authorizations/authorization-editor.ts';
import { mostAdditions } from '../../policy/additions.ts';
import type { DroppedItem, Slice } from '../../policy/key-decision.ts';
import type { World } from '../../policy/vocabulary.ts';
import { requireKept, sliceOf, sliceShape } from './authorization-document.ts';
import type { Caller } from './caller.ts';
import type { AdminDeps } from './operation.ts';
import { guardEdit } from './over-token.ts';
import { type Refusal, refusal } from './problem.ts';
import { nameSchema } from './schemas.ts';

/** From a minute to ten years. */
export const lifetimeSchema = z
  .int()
  .min(60)
  .max(315_360_000)
  .nullable()
  .describe('Seconds from now; null: until it is revoked');

export const justificationSchema = z
  .string()
  .trim()
  .max(2_000)
  .default('')
  .describe('What the capabilities that need approval are for; asks for it');

export const editBody = z.strictObject({
  name: nameSchema.max(100).optional().describe('Of an API key'),
  capabilities: sliceShape.capabilities.optional(),
  role_ids: sliceShape.role_ids.optional(),
  projects: sliceShape.projects.optional(),
  mcp_server_ids: sliceShape.mcp_server_ids.optional(),
  lifetime_seconds: lifetimeSchema.optional().describe('Absent: the end stays what it is'),
  justification: justificationSchema,
});

/** Edits an authorization against the version that the caller saw. @throws Refusal */
export async function editAuthorization(
  deps: AdminDeps,
  caller: Caller,
  id: string | undefined,
  body: z.output<typeof editBody>,
  version: number,
): Promise<void> {
  const found = await requireEditable(deps, caller, id, version);
  const { authorization, world } = found;
  const isKey = authorization.kind === 'api_key';
  const slice = sliceOf(isKey ? body : { ...body, role_ids: [] }, authorization);
  const desk = createKeyDesk(deps);
  const decision = requireGrantable(desk, caller, found, slice);
  guardEdit(caller, authorization, decision.granted, body.lifetime_seconds === undefined);
  const { lifetime_seconds: lifetime = 'keep', justification } = body;
  const agreed = await desk.agreeEdit(caller.actor, found, decision.granted, { lifetime, justification });
  if (agreed.kind !== 'agreed') throw termsRefused(agreed);
  const content = {
    name: isKey ? (body.name ?? authorization.name) : authorization.name,
    ...decision.granted,
    expiresAt: agreed.expiresAt,
  };
  if (agreed.renewsSensitive || addsSensitive(content, authorization, world)) {
    requireFresh(caller, deps.clock.now());
  }
  requireDone(
    await deps.authorizationEditor.edit(caller.actor, authorization.id, version, content, agreed.inside),
  );
}

/** Finds an authorization that the caller may edit, at the version that they saw. @throws Refusal */
export async function requireEditable(
  deps: AdminDeps,
  caller: Caller,
  id: string | undefined,
  version: number,
) {
  const found = await requireKept(deps, caller, id);
  const { authorization } = found;
  // What was handed on says nothing of its own: it holds what the one above it holds.
  if (authorization.parentId !== null) throw refusal('handed_on');
  if (authorization.status === 'revoked') throw refusal('ended');
  if (authorization.version !== version) throw refusal('version_changed');
  // What follows its owner has no words of its own to change.
  if (authorization.followsOwner) throw refusal('follows_owner');
  return found;
}

/** Judges what an authorization is to say; all of it has to be its owner's to hand over. @throws Refusal */
export function requireGrantable(
  desk: KeyDesk,
  caller: Caller,
  found: Awaited<ReturnType<typeof requireEditable>>,
  slice: Slice,
) {
  const decision = desk.judgeEdit(caller.access, found, slice);
  if (decision.dropped.length > 0) throw notGranted(decision.dropped, found.world);
  if (decision.kind === 'refused') throw refusal('nothing_chosen');
  return decision;
}

/** Refuses to hand over something sensitive to a session that may have been left open. @throws Refusal `sign_in_again` */
export function requireFresh({ via }: Caller, now: number): void {
  if (via.kind === 'session' && !isFresh(via.signedInAt, now)) throw refusal('sign_in_again');
}

/** Folds the outcome of an edit. @throws Refusal `version_changed`, `ended` or `too_many_additions` */
export function requireDone({ outcome }: EditOutcome): void {
  if (outcome === 'changed_meanwhile') throw refusal('version_changed');
  if (outcome === 'gone') throw refusal('ended');
  if (outcome === 'too_many_additions') throw refusal('too_many_additions', { most: String(mostAdditions) });
}

/** Says what is against the terms. Pure. */
export function termsRefused(refused: TermsRefusal): Refusal {
  switch (refused.kind) {
    case 'too_long':
      return refusal('lifetime_too_long', { longest: `${refused.longest} seconds` });
    case 'justification_missing':
      return refusal('justification_missing', { items: refused.capabilities.join(', ') });
    case 'not_for_a_while':
      return refusal('not_for_a_while', { items: refused.items.join(', ') });
  }
}

/** Says what its owner cannot hand over. Pure. */
export function notGranted(dropped: readonly DroppedItem[], world: World): Refusal {
  return refusal('not_granted', { items: droppedNames(dropped, world).join(', ') });
}
