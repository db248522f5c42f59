/** Granted and effective side by side, item by item, with the reason of each difference in words. Pure; decides nothing. */
import type { Words } from '../http/messages.ts';
import { displayText } from '../interaction/display-text.ts';
import { broughtByRole } from '../policy/administration.ts';
import type { Slice } from '../policy/key-decision.ts';
import type { Effective, Withheld, WithheldReason, World } from '../policy/vocabulary.ts';

/** What one granted item amounts to now. */
export interface Effect {
  readonly tone: 'held' | 'partly' | 'withheld';
  readonly granted: string;
  readonly effective: string;
  /** Why they differ; empty when they do not. */
  readonly reasons: readonly string[];
}

/** Whom the page speaks to: the owner, or somebody who keeps another one's authorization. */
export type Reader = 'owner' | 'keeper';

export interface EffectInput {
  readonly granted: Slice;
  readonly effective: Effective;
  readonly world: World;
  /** Project id → the owner's own role there, as people read it; absent or empty where they have none. */
  readonly ownerRoles: ReadonlyMap<string, string>;
  readonly reader: Reader;
  readonly words: Words;
}

export interface Effects {
  /** By capability name; those that are granted by name or through a role. */
  readonly capabilities: ReadonlyMap<string, Effect>;
  /** By project id. */
  readonly projects: ReadonlyMap<string, Effect>;
  /** By MCP server id. */
  readonly mcpServers: ReadonlyMap<string, Effect>;
}

const reasonKeys: Record<Reader, Record<WithheldReason, string>> = {
  owner: {
    owner_suspended: 'account.reason.you_suspended',
    owner_lost_access: 'account.reason.you_lost_access',
    role_capped: 'account.reason.role_capped',
    capability_not_held: 'account.reason.you_do_not_hold',
    project_deleted: 'account.reason.project_deleted',
    mcp_server_disabled: 'account.reason.server_disabled',
    policy: 'account.reason.policy',
    approval_pending: 'account.reason.approval_pending',
    parent_lacks: 'account.reason.parent_lacks',
  },
  keeper: {
    owner_suspended: 'account.reason.owner_suspended',
    owner_lost_access: 'account.reason.owner_lost_access',
    role_capped: 'account.reason.role_capped',
    capability_not_held: 'account.reason.owner_does_not_hold',
    project_deleted: 'account.reason.project_deleted',
    mcp_server_disabled: 'account.reason.server_disabled',
    policy: 'account.reason.policy',
    approval_pending: 'account.reason.approval_pending',
    parent_lacks: 'account.reason.parent_lacks',
  },
};

/** Says what each granted item amounts to now. Pure. */
export function effectsOf(input: EffectInput): Effects {
  const { granted, effective, world } = input;
  const capabilities = new Map<string, Effect>();
  for (const name of grantedNames(granted, world)) {
    const effect = capabilityEffect(name, input);
    if (effect) capabilities.set(name, effect);
  }
  const servers = granted.mcpServers.map((id): [string, Effect] => {
    const { t } = input.words;
    const holds = effective.mcpServers.some((server) => server.id === id);
    const why = reasonsOf(
      effective.withheld.filter((one) => one.dimension === 'mcp_server' && one.identifier === id),
      input,
    );
    const yes = t('account.effect.yes');
    const no = t('account.effect.nothing');
    return [
      id,
      {
        tone: holds ? 'held' : 'withheld',
        granted: yes,
        effective: holds ? yes : no,
        reasons: holds ? [] : why,
      },
    ];
  });
  return {
    capabilities,
    projects: new Map(
      granted.projects.map(({ id, roles }): [string, Effect] => [id, projectEffect(id, roles, input)]),
    ),
    mcpServers: new Map(servers),
  };
}

/** Capability names that are granted by name or through a role. Pure. */
export function grantedNames({ capabilities, roles }: Slice, world: World): string[] {
  const carried = new Set(capabilities);
  for (const id of roles) {
    for (const name of broughtByRole(world.roles.get(id)?.permissions ?? [])) carried.add(name);
  }
  return [...world.catalogue.keys()].filter((name) => carried.has(name));
}

function capabilityEffect(name: string, input: EffectInput): Effect | undefined {
  const { granted, effective, world, words } = input;
  const { t, list } = words;
  const bound = world.catalogue.get(name)?.bound;
  const entries = effective.withheld.filter(
    (one) => one.capability === name || (one.dimension === 'capability' && one.identifier === name),
  );
  const named = granted.capabilities.includes(name);
  const yes = t('account.effect.yes');
  const given = named ? yes : t('account.effect.by_role');
  if (bound === 'organization') {
    const holds = effective.organization.includes(name);
    return {
      tone: holds ? 'held' : 'withheld',
      granted: given,
      effective: holds ? yes : t('account.effect.nothing'),
      reasons: holds ? [] : reasonsOf(entries, input),
    };
  }
  const places =
    bound === 'project'
      ? effective.projects.filter(({ actions }) => actions.includes(name)).map(({ slug }) => slug)
      : effective.mcpServers
          .filter(({ actions }) => actions.includes(name))
          .map((server) => displayText(server.name));
  const unpicked = bound === 'project' ? granted.projects.length === 0 : granted.mcpServers.length === 0;
  const nothingPicked = unpicked
    ? [bound === 'project' ? t('account.reason.no_project_picked') : t('account.reason.no_server_picked')]
    : undefined;
  return {
    tone: places.length === 0 ? 'withheld' : entries.length === 0 ? 'held' : 'partly',
    granted: given,
    effective:
      places.length === 0
        ? t('account.effect.nowhere')
        : t('account.effect.in_places', { places: shortList(places, list) }),
    reasons: nothingPicked ?? reasonsOf(entries, input),
  };
}

function projectEffect(id: string, roles: readonly string[], input: EffectInput): Effect {
  const { effective, world, words, ownerRoles, reader } = input;
  const { t, list } = words;
  const names = roles.map((role) => displayText(world.roles.get(role)?.name ?? role));
  const granted = names.length === 0 ? t('account.effect.no_role') : list(names);
  const found = effective.projects.find((project) => project.id === id);
  const own = ownerRoles.get(id) ?? '';
  if (!found) {
    const entries = effective.withheld.filter((one) => one.dimension === 'project' && one.identifier === id);
    return {
      tone: 'withheld',
      granted,
      effective: t('account.effect.nothing'),
      reasons: reasonsOf(entries, input),
    };
  }
  const held = roles
    .filter((role) => found.roles.includes(world.roles.get(role)?.slug ?? ''))
    .map((role) => displayText(world.roles.get(role)?.name ?? role));
  if (held.length === names.length) return { tone: 'held', granted, effective: granted, reasons: [] };
  const project = world.projects.get(id)?.slug ?? id;
  const reason =
    reader === 'owner'
      ? t('account.reason.you_are_now', { role: own, project })
      : t('account.reason.owner_is_now', { role: own, project });
  return { tone: 'partly', granted, effective: held.length > 0 ? list(held) : own, reasons: [reason] };
}

function reasonsOf(entries: readonly Withheld[], { world, words, reader }: EffectInput): string[] {
  const sentences = entries.map(({ dimension, identifier, capability, reason }) => {
    const place =
      dimension === 'project'
        ? (world.projects.get(identifier)?.slug ?? identifier)
        : dimension === 'mcp_server'
          ? displayText(world.mcpServers.get(identifier)?.name ?? identifier)
          : words.t('account.effect.organization');
    const item = capability ?? (dimension === 'capability' ? identifier : place);
    return words.t(reasonKeys[reader][reason], { place, item });
  });
  return [...new Set(sentences)].slice(0, 5);
}

function shortList(names: readonly string[], list: Words['list']): string {
  return names.length <= 5 ? list(names) : list([...names.slice(0, 4), `+${names.length - 4}`]);
}
