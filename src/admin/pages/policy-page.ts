/** The organization's policies as one form; before it is saved, whose authorizations it would cut. */
import type { Form } from '../../http/read-form.ts';
import { nameLifetime } from '../../interaction/consent-lifetime.ts';
import type { PolicyContent, PolicyDocument } from '../api/policy-document.ts';
import { policyOperations } from '../api/policy-operations.ts';
import { simulateOperation } from '../api/simulate-operation.ts';
import {
  type FormDefinition,
  field,
  fields,
  form,
  lines,
  type PageDefinition,
  type PageRequest,
  seenVersion,
} from './page.ts';
import { type AdminPage, type Field, text, time } from './page-model.ts';
import { impactBlocks } from './words.ts';

const root = '/admin/policies';
const hour = 3_600;
const day = 24 * hour;
const offered = [hour, 8 * hour, day, 7 * day, 30 * day, 90 * day, 180 * day, 365 * day];
const kinds = ['oauth2', 'api_key'] as const;
const modes = ['any', 'hosts', 'verified'] as const;
const rules = ['verify', 'allow', 'deny'] as const;

const labels = {
  longest: { oauth2: 'admin.policies.longest_tools', api_key: 'admin.policies.longest_keys' },
  permitted: {
    any: 'admin.policies.clients_any',
    hosts: 'admin.policies.clients_hosts',
    verified: 'admin.policies.clients_verified',
  },
  hosts: {
    verify: 'admin.policies.hosts_verify',
    allow: 'admin.policies.hosts_allow',
    deny: 'admin.policies.hosts_deny',
  },
  hints: {
    verify: 'admin.policies.hosts_verify_hint',
    allow: 'admin.policies.hosts_allow_hint',
    deny: 'admin.policies.hosts_deny_hint',
  },
} as const;

const page: PageDefinition = {
  path: '/policies',
  section: 'policies',
  anyOf: ['policies.manage'],
  async build(request) {
    const { ask, words, typed } = request;
    const { t } = words;
    const kept = await ask(policyOperations.get);
    return {
      title: t('admin.nav.policies'),
      lead: t('admin.policies.lead'),
      blocks: [
        {
          kind: 'form',
          action: root,
          hidden: { version: typed ? field(typed, 'version') : String(kept.version) },
          fields: policyFields(request, typed ? readPolicy(typed) : kept),
          submit: t('admin.save'),
        },
        {
          kind: 'facts',
          title: t('admin.policies.fixed'),
          facts: [
            { term: t('admin.policies.new_project'), cell: [text(t('admin.policies.new_project_text'))] },
            { term: t('admin.policies.own_clients'), cell: [text(t('admin.policies.own_clients_text'))] },
            ...(kept.updated_at === null
              ? []
              : [{ term: t('admin.column.changed'), cell: [time(kept.updated_at)] }]),
          ],
        },
      ],
    };
  },
};

/** The fields of the form, for what is kept or was typed. */
function policyFields({ deps, words }: PageRequest, policy: PolicyContent | PolicyDocument): Field[] {
  const { t } = words;
  const menu = (name: string, label: string, seconds: number | null, hint?: string): Field => ({
    kind: 'menu',
    name,
    label,
    options: [
      { value: '', label: t('admin.policies.not_bounded'), selected: seconds === null },
      ...withOwn(offered, seconds).map((one) => ({
        value: String(one),
        label: nameLifetime(one, words),
        selected: one === seconds,
      })),
    ],
    ...(hint !== undefined && { hint }),
  });
  const said = new Map(policy.capabilities.map((one) => [one.name, one]));
  const bounded = [...deps.catalogue.values()].filter(
    ({ name, sensitive }) => sensitive || (said.get(name)?.longest_lifetime ?? null) !== null,
  );
  return [
    { kind: 'heading', label: t('admin.policies.lifetimes'), hint: t('admin.policies.lifetimes_text') },
    ...kinds.map((kind) => menu(`longest.${kind}`, t(labels.longest[kind]), policy.longest_lifetimes[kind])),
    ...bounded.map(({ name }) =>
      menu(
        `longest.capability.${name}`,
        t('admin.policies.longest_capability', { capability: name }),
        said.get(name)?.longest_lifetime ?? null,
      ),
    ),
    { kind: 'heading', label: t('admin.policies.approval'), hint: t('admin.policies.approval_text') },
    {
      kind: 'boxes',
      name: 'approval',
      label: t('admin.policies.approval_label'),
      boxes: [...deps.catalogue.values()].map(({ name, title }) => ({
        value: name,
        label: title,
        code: name,
        checked: said.get(name)?.needs_approval === true,
      })),
    },
    { kind: 'heading', label: t('admin.policies.clients'), hint: t('admin.policies.clients_text') },
    {
      kind: 'menu',
      name: 'permitted',
      label: t('admin.policies.permitted'),
      options: modes.map((mode) => ({
        value: mode,
        label: t(labels.permitted[mode]),
        selected: policy.clients.permitted === mode,
      })),
    },
    ...rules.map(
      (rule): Field => ({
        kind: 'lines',
        name: `hosts.${rule}`,
        label: t(labels.hosts[rule]),
        value: policy.clients.hosts
          .filter((one) => one.rule === rule)
          .map(({ host }) => host)
          .join('\n'),
        hint: t(labels.hints[rule]),
      }),
    ),
  ];
}

/** A lifetime that somebody set over the API is offered too. */
function withOwn(usual: readonly number[], own: number | null): number[] {
  return own === null || usual.includes(own) ? [...usual] : [...usual, own].sort((one, other) => one - other);
}

/** Reads the form; believes nothing in it, the operation checks it. */
function readPolicy(posted: Form): PolicyContent {
  const seconds = (name: string) => {
    const given = field(posted, name);
    return given === '' ? null : Number(given);
  };
  const prefix = 'longest.capability.';
  const timed = [...posted.keys()]
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length));
  const approvals = fields(posted, 'approval');
  return {
    longest_lifetimes: { oauth2: seconds('longest.oauth2'), api_key: seconds('longest.api_key') },
    capabilities: [...new Set([...timed, ...approvals])].map((name) => ({
      name,
      longest_lifetime: seconds(prefix + name),
      needs_approval: approvals.includes(name),
    })),
    clients: {
      permitted: modes.find((mode) => mode === field(posted, 'permitted')) ?? 'any',
      hosts: rules.flatMap((rule) => lines(posted, `hosts.${rule}`).map((host) => ({ host, rule }))),
    },
  };
}

/** What was shown with the warning is what is saved, as one field. */
function confirmedPolicy(posted: Form): unknown {
  try {
    return JSON.parse(field(posted, 'policy'));
  } catch {
    return undefined;
  }
}

/** Shows whose authorizations the policies would cut, once. */
async function warnOfCuts(request: PageRequest, posted: Form): Promise<AdminPage | undefined> {
  if (posted.has('policy') || !request.caller.permissions.has('policies.manage')) return undefined;
  const { deps, caller, words } = request;
  const policy = readPolicy(posted);
  const body = { change: { kind: 'policy_changed', policy } };
  const asked = await simulateOperation.perform(deps, caller, { body });
  // What is wrong with it is for the saving to say, beside what was typed.
  if (asked.kind === 'refused' || asked.answer.authorizations === 0) return undefined;
  return {
    title: words.t('admin.policies.change_title'),
    back: { href: root, label: words.t('admin.nav.policies') },
    lead: words.t('admin.policies.change_text'),
    blocks: [
      ...impactBlocks(asked.answer, words),
      {
        kind: 'form',
        action: root,
        hidden: { version: field(posted, 'version'), policy: JSON.stringify(policy) },
        fields: [],
        submit: words.t('admin.save'),
        tone: 'danger',
        cancel: root,
      },
    ],
  };
}

const forms: FormDefinition[] = [
  form({
    path: '/policies',
    operation: policyOperations.replace,
    page,
    input: (posted) => ({
      version: seenVersion(posted),
      body: posted.has('policy') ? confirmedPolicy(posted) : readPolicy(posted),
    }),
    before: warnOfCuts,
    done: () => root,
  }),
];

export const policyPages = { pages: [page], forms };
