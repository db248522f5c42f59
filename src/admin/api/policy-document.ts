/** The organization's policy as the JSON API writes it, and back. Durations are whole hours in seconds. */
import { z } from 'zod';
import {
  hostRules,
  hostSchema,
  longestSecondsSchema,
  permittedClients,
} from '../../policies/policy-bounds.ts';
import type { StoredPolicy } from '../../policies/policy-store.ts';
import type { Policy } from '../../policy/policy.ts';
import { instantSchema, versionSchema } from './schemas.ts';

const longestSchema = longestSecondsSchema.nullable().describe('Seconds, whole hours; null: not bounded');

/** What is set; whatever is left out is not bounded. */
export const policyContentSchema = z.strictObject({
  longest_lifetimes: z
    .strictObject({ oauth2: longestSchema.default(null), api_key: longestSchema.default(null) })
    .prefault({})
    .describe(
      'Counted from the last choice of an end: what is older holds nothing until its owner chooses again. Nothing is deleted',
    ),
  capabilities: z
    .array(
      z.strictObject({
        name: z.string(),
        longest_lifetime: longestSchema.default(null),
        needs_approval: z
          .boolean()
          .default(false)
          .describe('It holds only once an administrator has agreed, for each authorization'),
      }),
    )
    .max(500)
    .default([]),
  clients: z
    .strictObject({
      permitted: z
        .enum(permittedClients)
        .default('any')
        .describe(
          '`verified`: those that an administrator registered or verified, and documents at hosts with the rule `verify`. `hosts`: those, and what lives at hosts with the rule `allow`. `any`: everything that is not denied',
        ),
      hosts: z
        .array(z.strictObject({ host: hostSchema, rule: z.enum(hostRules) }))
        .max(1_000)
        .default([])
        .describe(
          "The host of a client's metadata document, or for any other client the host of each of its redirect URIs. `deny` refuses even verified clients",
        ),
    })
    .prefault({}),
});

export const policySchema = policyContentSchema
  .extend({
    version: versionSchema,
    updated_at: instantSchema.nullable().describe('null: nobody has set one yet'),
  })
  .meta({ id: 'Policies' });

export type PolicyContent = z.output<typeof policyContentSchema>;
export type PolicyDocument = z.output<typeof policySchema>;

/** Reads a policy. Pure; the last one counts of what is named twice. */
export function policyOf({ longest_lifetimes, capabilities, clients }: PolicyContent): Policy {
  return {
    longest: longest_lifetimes,
    capabilities: new Map(
      capabilities.map(({ name, longest_lifetime, needs_approval }) => [
        name,
        { longest: longest_lifetime, approval: needs_approval },
      ]),
    ),
    clients: {
      permitted: clients.permitted,
      hosts: new Map(clients.hosts.map(({ host, rule }) => [host, rule])),
    },
  };
}

/** Writes what is set. Pure. */
export function policyContent({ longest, capabilities, clients }: Policy): PolicyContent {
  return {
    longest_lifetimes: { oauth2: longest.oauth2, api_key: longest.api_key },
    capabilities: [...capabilities].map(([name, one]) => ({
      name,
      longest_lifetime: one.longest,
      needs_approval: one.approval,
    })),
    clients: {
      permitted: clients.permitted,
      hosts: [...clients.hosts].map(([host, rule]) => ({ host, rule })),
    },
  };
}

/** Writes a kept policy out. Pure. */
export function policyDocument({ policy, version, updatedAt }: StoredPolicy): PolicyDocument {
  return { ...policyContent(policy), version, updated_at: updatedAt === 0 ? null : updatedAt };
}
