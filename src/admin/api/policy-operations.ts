/** What the organization lets its people hand over: read and replaced as a whole. */
import { policyId } from '../../policies/policy-store.ts';
import { claimVersion } from './expected-version.ts';
import { operation } from './operation.ts';
import { guardOwnLimits } from './over-token.ts';
import { policyContentSchema, policyDocument, policyOf, policySchema } from './policy-document.ts';
import { refusal } from './problem.ts';

const tag = 'Policies';
const manage = ['policies.manage'] as const;

export const policyOperations = {
  get: operation({
    id: 'get_policies',
    tag,
    summary: 'Get the policies on what may be handed over',
    method: 'get',
    path: '/policies',
    anyOf: manage,
    answer: policySchema,
    handle: async ({ policies }) => policyDocument(await policies.read()),
  }),

  replace: operation({
    id: 'replace_policies',
    tag,
    summary:
      'Replace the policies; what exceeds them is withheld from the next introspection on, nothing is deleted. `simulate` says beforehand whose',
    method: 'put',
    path: '/policies',
    anyOf: manage,
    versioned: true,
    body: policyContentSchema,
    answer: policySchema,
    async handle(deps, { caller, body, version }) {
      const unknown = body.capabilities.find(({ name }) => !deps.catalogue.has(name));
      if (unknown) throw refusal('unknown_reference', { what: unknown.name });
      const policy = policyOf(body);
      await deps.store.transact(async (trx) => {
        await claimVersion(trx, 'policies', policyId, version);
        const { policy: before } = await deps.policies.read(trx);
        await guardOwnLimits(deps, caller, { before, after: policy });
        await deps.policies.replace(trx, caller.actor, policy);
      });
      return policyDocument(await deps.policies.read());
    },
  }),
};
