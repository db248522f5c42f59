/** Making an API key, as data: for whom, what it may carry, until when, and its secret, once. Pure. */

import type { Words } from '../http/messages.ts';
import type { PageNav } from '../http/render.ts';
import type { Lifetime } from '../interaction/consent-lifetime.ts';
import type { Offer } from '../interaction/consent-preselection.ts';
import { displayText } from '../interaction/display-text.ts';
import type { PolicyOffer } from '../interaction/policy-offer.ts';
import type { KeyManagementPermission, Slice } from '../policy/key-decision.ts';
import type { World } from '../policy/vocabulary.ts';
import type { PageNotice } from './authorization-page.ts';
import { keysHref } from './authorization-page.ts';
import { buildChoiceForm, type ChoiceForm } from './choice-form.ts';

const day = 86_400;

/** The lifetimes of a key, before policy bounds them; the page starts from 30 days. */
export const keyLifetimes: readonly Lifetime[] = [day, 7 * day, 30 * day, 90 * day, 365 * day, null];

/** `account/key-new.ejs`. */
export interface NewKeyPage {
  readonly nav: PageNav;
  readonly action: string;
  readonly backHref: string;
  readonly csrf: string;
  /** Makes a form count once, however often it is sent. */
  readonly formId: string;
  readonly name: string;
  readonly shownOwner: string;
  readonly owners: readonly { readonly id: string; readonly label: string; readonly selected: boolean }[];
  readonly ownerSearch?: string;
  readonly notices: readonly PageNotice[];
  readonly form: ChoiceForm;
  /** Whoever may make roles makes one here. */
  readonly mayCreateRole: boolean;
}

export interface NewKeyInput {
  readonly words: Words;
  readonly now: number;
  readonly nav: PageNav;
  readonly csrf: string;
  readonly formId: string;
  readonly name: string;
  readonly owner: { readonly id: string };
  readonly owners: readonly { readonly id: string; readonly email: string; readonly name: string }[];
  readonly ownerSearch?: string | undefined;
  readonly foreign: boolean;
  readonly offer: Offer;
  readonly keyRoles: readonly string[];
  readonly world: World;
  readonly chosen: Slice;
  /** What policy leaves to choose from. */
  readonly terms: PolicyOffer;
  readonly lifetimeSeconds?: Lifetime | undefined;
  readonly justification?: string | undefined;
  /** Part of the name of a project that is looked for. */
  readonly projectSearch?: string | undefined;
  readonly notices: readonly PageNotice[];
  readonly mayCreateRole: boolean;
}

export const newKeyHref = '/account/api-keys/new';

const nothing: Slice = { capabilities: [], roles: [], projects: [], mcpServers: [] };

/** Builds the page on which a key is made. Pure. */
export function buildNewKeyPage(input: NewKeyInput): NewKeyPage {
  const { words } = input;
  return {
    nav: input.nav,
    action: '/account/api-keys',
    backHref: keysHref,
    csrf: input.csrf,
    formId: input.formId,
    name: displayText(input.name, 100),
    shownOwner: input.owner.id,
    owners: input.owners.map(({ id, email, name }) => ({
      id,
      label: `${displayText(name)} · ${displayText(email, 254)}`,
      selected: id === input.owner.id,
    })),
    ...(input.ownerSearch !== undefined && { ownerSearch: displayText(input.ownerSearch) }),
    notices: input.notices,
    form: buildChoiceForm({
      words,
      now: input.now,
      offer: input.offer,
      keyRoles: input.keyRoles,
      world: input.world,
      chosen: input.chosen,
      granted: nothing,
      who: words.t('account.this_key'),
      foreign: input.foreign,
      terms: input.terms,
      justification: input.justification,
      projectSearch: input.projectSearch,
      lifetimeSeconds: input.lifetimeSeconds,
    }),
    mayCreateRole: input.mayCreateRole,
  };
}

/** `account/key-secret.ejs`. */
export interface KeySecretPage {
  readonly nav: PageNav;
  readonly name: string;
  readonly secret: string;
  readonly curl: string;
  readonly href: string;
  readonly now: number;
  /** The old secret's end, after a rotation with overlap. */
  readonly oldEndsAt?: number;
}

/** Builds the page that shows a secret, once. Pure. @param api audience of the platform's API, where there is one */
export function buildKeySecretPage(input: {
  nav: PageNav;
  id: string;
  name: string;
  secret: string;
  api: string | undefined;
  now: number;
  oldEndsAt?: number | undefined;
}): KeySecretPage {
  return {
    nav: input.nav,
    name: displayText(input.name, 100),
    secret: input.secret,
    curl: `curl -H "Authorization: Bearer ${input.secret}" ${input.api ?? 'https://api.example'}/projects`,
    href: `/account/authorizations/${input.id}`,
    now: input.now,
    ...(input.oldEndsAt !== undefined && { oldEndsAt: input.oldEndsAt }),
  };
}

/** `account/key-refused.ejs`. */
export interface KeyRefusedPage {
  readonly nav: PageNav;
  readonly backHref: string;
  readonly missing: KeyManagementPermission;
}
