/** The policy as an organization's file writes it, and back. Times are written as people write them: `12h`, `30d`, `none`. */
import { z } from 'zod';
import { durationOf, writtenDuration } from '../policies/duration.ts';
import { hostRules, hostSchema, longestSecondsSchema, permittedClients } from '../policies/policy-bounds.ts';
import type { Policy } from '../policy/policy.ts';

const longestSchema = z
  .string()
  .refine(
    (text) => text === 'none' || longestSecondsSchema.safeParse(durationOf(text)).success,
    'must be a time like 12h or 30d, from an hour to ten years in whole hours, or none',
  )
  .default('none');

/** What is left out of it is not bounded. */
export const policySectionSchema = z.strictObject({
  longest_lifetimes: z.strictObject({ oauth2: longestSchema, api_key: longestSchema }).prefault({}),
  /** By capability name. */
  capabilities: z
    .record(
      z.string(),
      z.strictObject({ longest_lifetime: longestSchema, needs_approval: z.boolean().default(false) }),
    )
    .default({}),
  clients: z
    .strictObject({
      permitted: z.enum(permittedClients).default('any'),
      hosts: z.record(hostSchema, z.enum(hostRules)).default({}),
    })
    .prefault({}),
});

type PolicySection = z.infer<typeof policySectionSchema>;

/** Writes a policy down. Pure. */
export function policySectionOf({ longest, capabilities, clients }: Policy): PolicySection {
  const byName = ([one]: readonly [string, unknown], [other]: readonly [string, unknown]) =>
    one < other ? -1 : 1;
  return {
    longest_lifetimes: {
      oauth2: writtenDuration(longest.oauth2),
      api_key: writtenDuration(longest.api_key),
    },
    capabilities: Object.fromEntries(
      [...capabilities]
        .sort(byName)
        .map(([name, one]) => [
          name,
          { longest_lifetime: writtenDuration(one.longest), needs_approval: one.approval },
        ]),
    ),
    clients: { permitted: clients.permitted, hosts: Object.fromEntries([...clients.hosts].sort(byName)) },
  };
}

/** Reads it. Pure. */
export function policyOfSection({ longest_lifetimes, capabilities, clients }: PolicySection): Policy {
  return {
    longest: {
      oauth2: secondsOf(longest_lifetimes.oauth2),
      api_key: secondsOf(longest_lifetimes.api_key),
    },
    capabilities: new Map(
      Object.entries(capabilities).map(([name, { longest_lifetime, needs_approval }]) => [
        name,
        { longest: secondsOf(longest_lifetime), approval: needs_approval },
      ]),
    ),
    clients: { permitted: clients.permitted, hosts: new Map(Object.entries(clients.hosts)) },
  };
}

const secondsOf = (text: string): number | null => durationOf(text) ?? null;
