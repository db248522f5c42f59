/** What an authorization is given for a while, beside what it has for good: added by whoever may edit it, ended early by whoever may pause it. */
import { z } from 'zod';
import { createKeyDesk } from '../../account/key-desk.ts';
import { addsSensitive } from '../../account/reauthentication.ts';
import { contentOf } from '../../authorizations/authorization-editor.ts';
import { addsNothing, longestAdditionSeconds, splitAddition, unite } from '../../policy/additions.ts';
import {
  authorizationSchema,
  readAuthorization,
  requireSeen,
  sliceOf,
  sliceShape,
} from './authorization-document.ts';
import type { Caller } from './caller.ts';
import {
  justificationSchema,
  requireDone,
  requireEditable,
  requireFresh,
  requireGrantable,
  termsRefused,
} from './edit-authorization.ts';
import { type AdminDeps, operation } from './operation.ts';
import { guardEdit } from './over-token.ts';
import { refusal } from './problem.ts';

const tag = 'Authorizations';
const additions = '/authorizations/{authorization_id}/additions';

const addBody = z.strictObject({
  capabilities: sliceShape.capabilities.default([]),
  projects: sliceShape.projects.default([]),
  mcp_server_ids: sliceShape.mcp_server_ids.default([]),
  for_seconds: z
    .int()
    .min(60)
    .max(longestAdditionSeconds)
    .describe('For how long, from now on; it ends earlier where the authorization does'),
  justification: justificationSchema,
});

export const additionOperations = {
  add: operation({
    id: 'create_authorization_addition',
    tag,
    summary:
      'Add to an authorization of yours, or to an API key that you keep, for a while; it ends by itself',
    method: 'post',
    path: additions,
    anyOf: [],
    versioned: true,
    status: 201,
    body: addBody,
    answer: authorizationSchema,
    async handle(deps, { caller, params, body, version }) {
      const { id } = await requireSeen(deps, caller, params.authorization_id);
      await addForAWhile(deps, caller, id, body, version);
      return readAuthorization(deps, id);
    },
  }),

  end: operation({
    id: 'end_authorization_addition',
    tag,
    summary: 'End now what was added for a while',
    method: 'post',
    path: `${additions}/{addition_id}/end`,
    anyOf: [],
    answer: authorizationSchema,
    async handle(deps, { caller, params }) {
      const { id } = await requireSeen(deps, caller, params.authorization_id);
      const addition = params.addition_id ?? '';
      const done = await createKeyDesk(deps).endAddition(caller.actor, id, addition);
      if (done.outcome === 'not_found') throw refusal('not_found');
      return readAuthorization(deps, id);
    },
  }),
};

/** Adds what is not there for good already. @throws Refusal */
async function addForAWhile(
  deps: AdminDeps,
  caller: Caller,
  id: string,
  body: z.output<typeof addBody>,
  version: number,
): Promise<void> {
  const found = await requireEditable(deps, caller, id, version);
  const { authorization, world } = found;
  const desk = createKeyDesk(deps);
  const content = contentOf(authorization);
  const decision = requireGrantable(desk, caller, found, unite(content, [sliceOf(body)]));
  const { added } = splitAddition(decision.granted, content);
  if (addsNothing(added)) throw refusal('nothing_chosen');
  guardEdit(caller, authorization, decision.granted, true);
  const { justification, for_seconds: seconds } = body;
  const forAWhile = { added, addedRoles: [], seconds };
  const terms = { lifetime: 'keep', justification } as const;
  const agreed = await desk.agreeEdit(caller.actor, found, content, terms, forAWhile);
  if (agreed.kind !== 'agreed') throw termsRefused(agreed);
  if (addsSensitive(decision.granted, authorization, world)) requireFresh(caller, deps.clock.now());
  const { authorizationEditor: editor } = deps;
  requireDone(await editor.edit(caller.actor, id, version, content, agreed.inside, agreed.addition));
}
