/** `policies set`: what is named changes, what is not stays; whom it would cut is shown before it is asked. */
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { policyContent, policyOf, policySchema } from '../admin/api/policy-document.ts';
import type { ImpactDocument } from '../admin/api/simulate-operation.ts';
import { durationOf } from '../policies/duration.ts';
import { hostRules, permittedClients } from '../policies/policy-bounds.ts';
import { policyDifferences } from '../policies/policy-differences.ts';
import type { CapabilityPolicy, HostRule, Policy } from '../policy/policy.ts';
import type { AdministrationApi } from './administration-api.ts';
import { NotUnderstood, namesIn } from './administration-options.ts';
import type { Typed } from './administration-request.ts';
import { harmless } from './harmless.ts';
import type { Proposal } from './proposal.ts';

interface PolicyOptions {
  readonly longestOauth2?: string;
  readonly longestApiKey?: string;
  readonly longest?: readonly string[];
  readonly needsApproval?: readonly string[];
  readonly withoutApproval?: readonly string[];
  readonly clients?: Policy['clients']['permitted'];
  readonly host?: readonly string[];
}

const collect = (text: string, before: readonly string[] | undefined) => [...(before ?? []), text];

/** Adds the options. */
export function configurePolicySetting(command: Command): void {
  command
    .option('--longest-oauth2 <time>', 'longest lifetime of what is handed to tools, like 30d, or none')
    .option('--longest-api-key <time>', 'longest lifetime of API keys, like 90d, or none')
    .option('--longest <capability=time>', 'longest lifetime of a capability, like secrets:edit=7d', collect)
    .option('--needs-approval <names>', 'capabilities that an administrator has to agree to', collect)
    .option('--without-approval <names>', 'capabilities that need no approval any more', collect)
    .addOption(new Option('--clients <which>', 'which may be authorized').choices([...permittedClients]))
    .option(
      '--host <host=rule>',
      'a rule for a host: verify, allow, deny, or none; given again for each',
      collect,
    );
}

/** Finds out what would change, and whom it would cut. @throws ApiRefusal, NotUnderstood */
export async function proposePolicies(api: AdministrationApi, typed: Typed): Promise<Proposal> {
  const { document, etag } = await api.call('get', '/policies');
  const before = policyOf(policySchema.parse(document));
  const after = withOptions(before, typed);
  const differences = policyDifferences(before, after);
  const policy = policyContent(after);
  if (differences.length === 0) {
    return { document: { changes: [], policies: document }, text: 'as they are', empty: true, apply };
  }
  const change = { kind: 'policy_changed', policy };
  const impact = (await api.call('post', '/simulate', { body: { change } })).document as ImpactDocument;
  return {
    document: { changes: differences, impact },
    text: [...differences.map((one) => `~ ${harmless(one)}`), ...cutsText(impact)].join('\n'),
    empty: false,
    apply,
  };

  async function apply() {
    await api.call('put', '/policies', { body: policy, etag });
    return undefined;
  }
}

const cutsShown = 10;

/** Says what a change would cut. Pure. */
function cutsText({ authorizations, people, incomplete, cuts }: ImpactDocument): string[] {
  if (authorizations === 0) return ['no authorization loses anything'];
  const shown = cuts
    .slice(0, cutsShown)
    .map(({ tool, username, everything, lost }) =>
      harmless(
        `    ${tool ?? 'a tool'} of ${username}: ${everything ? 'everything' : [...new Set(lost.map(({ capability, name }) => capability ?? name))].join(', ')}`,
      ),
    );
  const more = authorizations > shown.length ? [`    and ${authorizations - shown.length} more`] : [];
  return [
    `${incomplete ? 'at least ' : ''}${authorizations} authorization${authorizations === 1 ? '' : 's'} of ${people} ${people === 1 ? 'person' : 'people'} would lose something at once`,
    ...shown,
    ...more,
  ];
}

/** Puts what was typed in the place of what is. Pure. @throws NotUnderstood */
function withOptions(before: Policy, typed: Typed): Policy {
  const options = typed as PolicyOptions;
  const capabilities = new Map(before.capabilities);
  const change = (name: string, part: Partial<CapabilityPolicy>) =>
    capabilities.set(name, { ...(capabilities.get(name) ?? { longest: null, approval: false }), ...part });
  for (const text of options.longest ?? []) {
    const [name, time] = pairOf('--longest', text);
    change(name, { longest: longestOf('--longest', time) });
  }
  for (const name of namesIn(options.needsApproval ?? [])) change(name, { approval: true });
  for (const name of namesIn(options.withoutApproval ?? [])) change(name, { approval: false });
  const hosts = new Map(before.clients.hosts);
  for (const text of options.host ?? []) {
    const [host, rule] = pairOf('--host', text);
    const known = z.enum([...hostRules, 'none']).safeParse(rule);
    if (!known.success) throw new NotUnderstood(`--host ${text}: give verify, allow, deny or none`);
    if (known.data === 'none') hosts.delete(host.toLowerCase());
    else hosts.set(host.toLowerCase(), known.data satisfies HostRule);
  }
  const { longestOauth2: oauth2, longestApiKey: apiKey } = options;
  return {
    longest: {
      oauth2: oauth2 === undefined ? before.longest.oauth2 : longestOf('--longest-oauth2', oauth2),
      api_key: apiKey === undefined ? before.longest.api_key : longestOf('--longest-api-key', apiKey),
    },
    capabilities,
    clients: { permitted: options.clients ?? before.clients.permitted, hosts },
  };
}

function pairOf(flag: string, text: string): [string, string] {
  const at = text.lastIndexOf('=');
  if (at < 1) throw new NotUnderstood(`${flag} ${text}: give two things with = between them`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function longestOf(flag: string, text: string): number | null {
  if (text === 'none') return null;
  const seconds = durationOf(text);
  if (seconds === undefined) throw new NotUnderstood(`${flag} ${text}: give a time like 12h or 30d, or none`);
  return seconds;
}
