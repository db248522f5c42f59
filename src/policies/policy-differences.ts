import type { CapabilityPolicy, Policy } from '../policy/policy.ts';
import { writtenDuration } from './duration.ts';

const unbounded: CapabilityPolicy = { longest: null, approval: false };

/** Says how two policies differ, one phrase each, always in the same order. Pure. */
export function policyDifferences(before: Policy, after: Policy): string[] {
  return [
    ...changed(
      'longest lifetime of what is handed to tools',
      before.longest.oauth2,
      after.longest.oauth2,
      writtenDuration,
    ),
    ...changed(
      'longest lifetime of API keys',
      before.longest.api_key,
      after.longest.api_key,
      writtenDuration,
    ),
    ...namesIn(before.capabilities, after.capabilities).flatMap((name) => {
      const was = before.capabilities.get(name) ?? unbounded;
      const is = after.capabilities.get(name) ?? unbounded;
      return [
        ...changed(`longest lifetime of ${name}`, was.longest, is.longest, writtenDuration),
        ...changed(`${name} needs approval`, was.approval, is.approval, (one) => (one ? 'yes' : 'no')),
      ];
    }),
    ...changed('permitted clients', before.clients.permitted, after.clients.permitted, String),
    ...namesIn(before.clients.hosts, after.clients.hosts).flatMap((host) =>
      changed(
        `host ${host}`,
        before.clients.hosts.get(host),
        after.clients.hosts.get(host),
        (rule) => rule ?? 'none',
      ),
    ),
  ];
}

const namesIn = (one: ReadonlyMap<string, unknown>, other: ReadonlyMap<string, unknown>) =>
  [...new Set([...one.keys(), ...other.keys()])].sort();

function changed<Value>(label: string, was: Value, is: Value, written: (value: Value) => string): string[] {
  return was === is ? [] : [`${label}: ${written(was)} → ${written(is)}`];
}
