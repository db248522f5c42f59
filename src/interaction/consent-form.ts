/** Reads a posted consent form. Believes nothing in it: whether an id exists or is theirs is decided elsewhere. */

import type { Lifetime } from './consent-lifetime.ts';

/** A well-formed answer. Ids are distinct strings in the order posted; they may name nothing at all. */
export interface PostedConsent {
  readonly kind: 'choice';
  /** `find`: the page is wanted again, with other projects to tick. */
  readonly decision: 'authorize' | 'deny' | 'find';
  /** Account id that the page was rendered for. */
  readonly seenAccount: string;
  readonly capabilities: readonly string[];
  readonly projects: readonly { readonly id: string; readonly roles: readonly string[] }[];
  readonly mcpServers: readonly string[];
  /** Seconds; null is until revoked. */
  readonly lifetimeSeconds: Lifetime;
  /** What the capabilities that need approval are for, trimmed; may be empty. */
  readonly justification: string;
  /** Part of the name of a project that is looked for; may be anything. */
  readonly projectSearch: string;
  /** The tool runs on another computer; its person carries the answer there. */
  readonly byHand: boolean;
}

/** Not a form that the page can have sent. */
export interface InvalidConsent {
  readonly kind: 'invalid';
  readonly field: string;
  readonly why: 'missing' | 'malformed' | 'too_many';
}

export type FormFields = Readonly<Record<string, string | readonly string[] | undefined>>;

const mostIds = 5_000;
const longestId = 200;
const longestJustification = 2_000;
const longestLifetimeSeconds = 10 * 365 * 86_400;

/**
 * Parses the fields of the consent form. Pure and total.
 * A denial counts whatever else was posted: nothing may stand in the way of a person who says no.
 */
export function parseConsentForm(fields: FormFields): PostedConsent | InvalidConsent {
  const values = (name: string): readonly string[] => {
    const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (typeof value === 'string') return [value];
    return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
  };
  const single = (name: string) => (values(name).length === 1 ? values(name)[0] : undefined);

  const decision = single('decision');
  if (decision !== 'authorize' && decision !== 'deny' && decision !== 'find')
    return invalid('decision', whyNotSingle(values('decision')));
  const seenAccount = single('seen_account') ?? '';
  const byHand = single('by_hand') === 'yes';
  if (decision === 'deny') {
    return {
      kind: 'choice',
      decision,
      seenAccount,
      capabilities: [],
      projects: [],
      mcpServers: [],
      lifetimeSeconds: null,
      justification: '',
      projectSearch: '',
      byHand,
    };
  }
  if (seenAccount === '' || seenAccount.length > longestId) {
    return invalid('seen_account', whyNotSingle(values('seen_account')));
  }

  const justification = single('justification') ?? '';
  if (values('justification').length > 1 || justification.length > longestJustification) {
    return invalid('justification', 'malformed');
  }
  const lifetimeSeconds = readLifetime(single('lifetime'));
  if (lifetimeSeconds === undefined) return invalid('lifetime', whyNotSingle(values('lifetime')));

  for (const name of ['capability', 'project', 'mcp_server']) {
    const ids = values(name);
    if (ids.length > mostIds) return invalid(name, 'too_many');
    if (ids.some((id) => id === '' || id.length > longestId)) return invalid(name, 'malformed');
  }
  const projects: { id: string; roles: readonly string[] }[] = [];
  let picked = 0;
  for (const id of new Set(values('project'))) {
    // An empty value is the menu's "no role"; the project is picked all the same.
    const roles = [...new Set(values(`role.${id}`))].filter((role) => role !== '');
    picked += roles.length;
    if (picked > mostIds) return invalid('role', 'too_many');
    if (roles.some((role) => role.length > longestId)) return invalid('role', 'malformed');
    projects.push({ id, roles });
  }
  return {
    kind: 'choice',
    decision,
    seenAccount,
    capabilities: [...new Set(values('capability'))],
    projects,
    mcpServers: [...new Set(values('mcp_server'))],
    lifetimeSeconds,
    justification: justification.trim(),
    projectSearch: single('project_search') ?? '',
    byHand,
  };
}

function readLifetime(text: string | undefined): Lifetime | undefined {
  if (text === 'until_revoked') return null;
  if (text === undefined || !/^[1-9]\d{0,9}$/.test(text)) return undefined;
  const seconds = Number(text);
  return seconds <= longestLifetimeSeconds ? seconds : undefined;
}

const whyNotSingle = (values: readonly string[]) => (values.length === 0 ? 'missing' : 'malformed');

function invalid(field: string, why: InvalidConsent['why']): InvalidConsent {
  return { kind: 'invalid', field, why };
}
