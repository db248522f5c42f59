/** The summary sentence: what the tool will be able to do with what is ticked right now, and until when. */

import type { Message } from '../http/message-catalogue.ts';
import type { Words } from '../http/messages.ts';
import type { Bound } from '../policy/vocabulary.ts';

export interface SummaryFacts {
  /** The tool, as `callClient` names it. */
  readonly who: string;
  /** Chosen capabilities in the order of the page. An empty phrase means that its object says it all. */
  readonly capabilities: readonly { readonly name: string; readonly bound: Bound; readonly phrase: string }[];
  /** Chosen projects; `carries` names the capabilities of the picked roles, absent when that is not known. */
  readonly projects: readonly { readonly carries?: readonly string[] | undefined }[];
  /** How many MCP servers are chosen. */
  readonly mcpServers: number;
  /** As `untilPhrase` says it. */
  readonly until: string;
}

/** The same words for the script that keeps the sentence current: messages with their placeholders unfilled. */
export interface SummaryTemplates {
  readonly locale: string;
  readonly who: string;
  readonly sentence: Message;
  readonly nothing: Message;
  readonly compound: Message;
  readonly inProjects: Message;
  readonly callServers: Message;
  readonly onServers: Message;
}

/** Says what a choice amounts to. Pure. `views/scripts/consent.js` follows the same steps. */
export function summarize(facts: SummaryFacts, words: Words): string {
  const actions: string[] = [];
  let nested = onServersOf(facts).length > 1;
  const phrases = (bound: Bound) => facts.capabilities.filter((capability) => capability.bound === bound);

  for (const { phrase } of phrases('organization')) actions.push(phrase);

  const byCount = new Map<number, string[]>();
  for (const { name, phrase } of phrases('project')) {
    const count = facts.projects.filter(({ carries }) => carries?.includes(name) ?? true).length;
    byCount.set(count, [...(byCount.get(count) ?? []), phrase]);
  }
  for (const [count, inThem] of byCount) {
    nested ||= inThem.length > 1;
    actions.push(words.plural('summary.in_projects', count, { actions: words.list(inThem) }));
  }

  const onServers = onServersOf(facts);
  if (phrases('mcp_server').length > onServers.length) {
    actions.push(words.plural('summary.call_servers', facts.mcpServers));
  }
  if (onServers.length > 0) {
    const list = words.list(onServers.map(({ phrase }) => phrase));
    actions.push(words.plural('summary.on_servers', facts.mcpServers, { actions: list }));
  }

  return actions.length === 0
    ? words.t('summary.nothing', { who: facts.who })
    : words.t('summary.sentence', {
        who: facts.who,
        actions: join(actions, nested, words),
        until: facts.until,
      });
}

const onServersOf = ({ capabilities }: SummaryFacts) =>
  capabilities.filter(({ bound, phrase }) => bound === 'mcp_server' && phrase !== '');

/** Joins actions; where one of them is a list itself, a stronger "and" tells where it ends. */
function join(actions: readonly string[], nested: boolean, words: Words): string {
  return nested && actions.length > 1
    ? words.t('summary.compound', { before: actions.slice(0, -1).join(', '), last: actions.at(-1)! })
    : words.list(actions);
}

/** Collects the words that the script needs. Pure. */
export function summaryTemplates(who: string, words: Words): SummaryTemplates {
  return {
    locale: words.region,
    who,
    sentence: words.raw('summary.sentence'),
    nothing: words.raw('summary.nothing'),
    compound: words.raw('summary.compound'),
    inProjects: words.raw('summary.in_projects'),
    callServers: words.raw('summary.call_servers'),
    onServers: words.raw('summary.on_servers'),
  };
}
