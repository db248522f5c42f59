/** What a change of an authorization meant, in sentences: for the page after saving, and for the log. Pure. */
import type { EditedContent } from '../authorizations/authorization-editor.ts';
import type { RecordedChange } from '../changes/change-history.ts';
import type { Words } from '../http/messages.ts';
import { capabilityWords } from '../interaction/capability-words.ts';
import { displayText } from '../interaction/display-text.ts';
import type { Slice } from '../policy/key-decision.ts';
import type { Effective, World } from '../policy/vocabulary.ts';

const logKeys: Record<string, string> = {
  created: 'account.log.created',
  changed: 'account.log.changed',
  added_for_a_while: 'account.log.added_for_a_while',
  addition_ended: 'account.log.addition_ended',
  suspended: 'account.log.suspended',
  resumed: 'account.log.resumed',
  revoked: 'account.log.revoked',
  expired: 'account.log.expired',
  replayed: 'account.log.replayed',
  rotated: 'account.log.rotated',
  rotated_out: 'account.log.rotated_out',
  leaked: 'account.log.leaked',
  moved: 'account.log.moved',
  approval_requested: 'account.log.approval_requested',
  approval_given: 'account.log.approval_given',
  approval_declined: 'account.log.approval_declined',
  approval_withdrawn: 'account.log.approval_withdrawn',
};

const tellContent: ReadonlySet<string> = new Set(['changed', 'moved', 'added_for_a_while', 'addition_ended']);

/**
 * Says what a change does to what the tool can do now.
 *
 * @param who The tool or the key, as a sentence names it.
 * @returns At least one sentence.
 */
export function describeEffect(
  who: string,
  before: Effective,
  after: Effective,
  world: World,
  words: Words,
): string[] {
  const { t, list } = words;
  const phrases = (names: readonly string[]) =>
    list(
      names.map((name) => {
        const capability = world.catalogue.get(name);
        return capability ? capabilityWords(capability, words).phrase || name : name;
      }),
    );
  const without = (names: readonly string[], others: readonly string[]) =>
    names.filter((name) => !others.includes(name));
  const sentences: string[] = [];

  const lost = without(before.organization, after.organization);
  if (lost.length > 0) sentences.push(t('account.change.loses', { who, actions: phrases(lost) }));
  const gained = without(after.organization, before.organization);
  if (gained.length > 0) sentences.push(t('account.change.gains', { who, actions: phrases(gained) }));

  const was = new Map(before.projects.map((project) => [project.id, project]));
  const is = new Map(after.projects.map((project) => [project.id, project]));
  for (const [id, project] of was) {
    const now = is.get(id);
    if (!now) sentences.push(t('account.change.loses_project', { who, project: project.slug }));
    else {
      const gone = without(project.actions, now.actions);
      if (gone.length > 0) {
        sentences.push(t('account.change.loses_in', { who, actions: phrases(gone), project: project.slug }));
      }
    }
  }
  for (const [id, project] of is) {
    const more = without(project.actions, was.get(id)?.actions ?? []);
    if (more.length > 0) {
      sentences.push(t('account.change.gains_in', { who, actions: phrases(more), project: project.slug }));
    } else if (!was.has(id)) {
      sentences.push(t('account.change.gains_project', { who, project: project.slug }));
    }
  }

  const servers = (effective: Effective) => effective.mcpServers.map(({ name }) => displayText(name));
  const gone = without(servers(before), servers(after));
  if (gone.length > 0) sentences.push(t('account.change.loses_servers', { who, servers: list(gone) }));
  const fresh = without(servers(after), servers(before));
  if (fresh.length > 0) sentences.push(t('account.change.gains_servers', { who, servers: list(fresh) }));
  return sentences.length > 0 ? sentences : [t('account.change.nothing', { who })];
}

/** One line of the log. */
export interface LogLine {
  readonly text: string;
  readonly details: readonly string[];
  readonly at: number;
  readonly by: string;
  readonly from: string;
}

/**
 * Puts a recorded change into words.
 *
 * @param by Whoever made it, as people read it.
 */
export function describeRecord(change: RecordedChange, by: string, world: World, words: Words): LogLine {
  const key = logKeys[change.action] ?? 'account.log.other';
  const { until } = (change.after ?? {}) as { readonly until?: number };
  return {
    text: words.t(key, {
      action: change.action,
      until: until === undefined ? '' : words.exact(until),
    }),
    details: tellContent.has(change.action) ? describeContent(change, world, words) : [],
    at: change.at,
    by: displayText(by, 254),
    from: displayText(change.origin ?? '', 64),
  };
}

function describeContent({ before, after }: RecordedChange, world: World, words: Words): string[] {
  const was = itemsOf(before as Partial<EditedContent> | undefined, world);
  const is = itemsOf(after as Partial<EditedContent> | undefined, world);
  const added = is.filter((item) => !was.includes(item));
  const removed = was.filter((item) => !is.includes(item));
  return [
    ...(added.length > 0 ? [words.t('account.log.added', { items: words.list(added) })] : []),
    ...(removed.length > 0 ? [words.t('account.log.removed', { items: words.list(removed) })] : []),
  ];
}

/** Names what a slice holds, as people read it. Pure. */
export function itemsOf(content: Partial<Slice> | undefined, world: World): string[] {
  const roleName = (id: string) => displayText(world.roles.get(id)?.name ?? id);
  return [
    ...(content?.capabilities ?? []),
    ...(content?.roles ?? []).map(roleName),
    ...(content?.projects ?? []).map(({ id, roles }) => {
      const slug = world.projects.get(id)?.slug ?? id;
      return roles.length === 0 ? slug : `${slug} (${roles.map(roleName).join(', ')})`;
    }),
    ...(content?.mcpServers ?? []).map((id) => displayText(world.mcpServers.get(id)?.name ?? id)),
  ];
}
