/** The policy as it is kept, and as the log of changes shows it. What is left out is not bounded. */
import type { CapabilityPolicy, ClientPolicy, HostRule, Policy } from '../policy/policy.ts';

/** Plain data; durations are seconds. */
export interface PolicyRecord {
  readonly longest?: Partial<Policy['longest']>;
  readonly capabilities?: Readonly<Record<string, CapabilityPolicy>>;
  readonly clients?: {
    readonly permitted: ClientPolicy['permitted'];
    readonly hosts: Readonly<Record<string, HostRule>>;
  };
}

/** Reads a kept policy. Pure. */
export function toPolicy({ longest = {}, capabilities = {}, clients }: PolicyRecord): Policy {
  return {
    longest: { oauth2: longest.oauth2 ?? null, api_key: longest.api_key ?? null },
    capabilities: new Map(Object.entries(capabilities)),
    clients: {
      permitted: clients?.permitted ?? 'any',
      hosts: new Map(Object.entries(clients?.hosts ?? {})),
    },
  };
}

/** Writes a policy down, the same for the same policy. Pure; a capability that is not bounded is left out. */
export function toRecord({ longest, capabilities, clients }: Policy): PolicyRecord {
  const bounded = [...capabilities].filter(([, one]) => one.longest !== null || one.approval);
  const byName = ([one]: readonly [string, unknown], [other]: readonly [string, unknown]) =>
    one < other ? -1 : 1;
  return {
    longest: { oauth2: longest.oauth2, api_key: longest.api_key },
    capabilities: Object.fromEntries(
      bounded
        .sort(byName)
        .map(([name, { longest: seconds, approval }]) => [name, { longest: seconds, approval }]),
    ),
    clients: { permitted: clients.permitted, hosts: Object.fromEntries([...clients.hosts].sort(byName)) },
  };
}
