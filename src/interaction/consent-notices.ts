/** What the consent page has to say before the choice: what was lost, what was asked in vain, what went wrong. */

import type { Words } from '../http/messages.ts';
import { nameLifetime } from './consent-lifetime.ts';
import type { Asked, Offer, PreviousChoice, Target } from './consent-preselection.ts';
import { displayText } from './display-text.ts';

export type ConsentNotice =
  | { readonly kind: 'nothing_chosen' }
  /** The form was refused (too old, or made by another page) and is shown again. */
  | { readonly kind: 'form_expired' }
  /** Posted, but no longer held when it was decided, so it was not granted. Names as people read them. */
  | { readonly kind: 'not_granted'; readonly items: readonly string[] }
  /** Chosen the last time, and no longer held. */
  | { readonly kind: 'lost_since_last_time'; readonly count: number }
  /** Asked for by name, and not this person's to give. */
  | { readonly kind: 'not_held'; readonly capabilities: readonly string[] }
  | { readonly kind: 'resource_unavailable'; readonly resource: string }
  /** The policy allows less; seconds. */
  | { readonly kind: 'lifetime_too_long'; readonly longest: number }
  /** These need approval, and nothing was said of what they are for. */
  | { readonly kind: 'justification_missing'; readonly capabilities: readonly string[] };

export interface Notice {
  readonly kind: ConsentNotice['kind'];
  readonly tone: 'problem' | 'warning' | 'info';
  readonly text: string;
}

/** Finds what the page can tell from its own facts. Pure. */
export function foundNotices(
  input: Offer & { readonly asked: Asked; readonly previous?: PreviousChoice | undefined },
  target: Target | undefined,
): ConsentNotice[] {
  const notices: ConsentNotice[] = [];
  const delegable = new Set(input.delegable);

  const { previous } = input;
  if (previous !== undefined) {
    const projects = new Set(input.projects.map(({ id }) => id));
    const servers = new Set(input.servers.map(({ id }) => id));
    const count =
      previous.capabilities.filter((name) => !delegable.has(name)).length +
      previous.projects.filter(({ id }) => !projects.has(id)).length +
      previous.mcpServers.filter((id) => !servers.has(id)).length;
    if (count > 0) notices.push({ kind: 'lost_since_last_time', count });
  }

  const notHeld = input.asked.capabilities.filter(
    (name) => input.catalogue.has(name) && !delegable.has(name),
  );
  if (notHeld.length > 0) notices.push({ kind: 'not_held', capabilities: notHeld });
  if (target?.kind === 'mcp_server_unavailable') {
    notices.push({ kind: 'resource_unavailable', resource: target.resource });
  }
  return notices;
}

/** Puts a notice into words. Pure. */
export function noticeText(notice: ConsentNotice, words: Words): Notice {
  const { kind } = notice;
  const names = (items: readonly string[]) => words.list(items.slice(0, 20).map((item) => displayText(item)));
  switch (kind) {
    case 'nothing_chosen':
      return { kind, tone: 'problem', text: words.t('consent.notice.nothing_chosen') };
    case 'form_expired':
      return { kind, tone: 'problem', text: words.t('consent.notice.form_expired') };
    case 'not_granted':
      return {
        kind,
        tone: 'warning',
        text: words.t('consent.notice.not_granted', { items: names(notice.items) }),
      };
    case 'lost_since_last_time':
      return {
        kind,
        tone: 'warning',
        text: words.plural('consent.notice.lost_since_last_time', notice.count),
      };
    case 'not_held':
      return {
        kind,
        tone: 'info',
        text: words.t('consent.notice.not_held', { items: names(notice.capabilities) }),
      };
    case 'lifetime_too_long':
      return {
        kind,
        tone: 'problem',
        text: words.t('terms.too_long', { longest: nameLifetime(notice.longest, words) }),
      };
    case 'justification_missing':
      return {
        kind,
        tone: 'problem',
        text: words.t('terms.justification_missing', { items: names(notice.capabilities) }),
      };
    case 'resource_unavailable':
      return {
        kind,
        tone: 'warning',
        text: words.t('consent.notice.resource_unavailable', { resource: displayText(notice.resource, 200) }),
      };
  }
}
