/**
 * One way after another in which an answer can change, each tried again and again: made and acknowledged through one node, asked
 * about through another at once, which remembers the answer from before. To be given that one is stale.
 */
import type { Stores } from '../../src/stores.ts';
import { issueToken } from './issue-token.ts';
import { demo, type TestMandate } from './mandate.ts';
import { postForm } from './oauth.ts';

type Node = Pick<TestMandate, 'issuer' | 'store' | 'stores' | 'clock'>;

/** What a resource server is told: a status, the scope, and the slugs and server ids that it may act on. */
interface Told {
  readonly status: number;
  readonly scope: string;
  readonly reach: string;
}

interface Trial {
  /** Puts everything as it has to be before the change. */
  prepare?(at: Node): Promise<unknown>;
  change(at: Node): Promise<unknown>;
  undo?(at: Node): Promise<unknown>;
  /** Whether an answer is the one from before the change; the one from after it is not. */
  isBefore(told: Told): boolean;
  ask(at: Node): Promise<Told>;
}

export interface Stale {
  readonly kind: string;
  readonly trial: number;
  readonly told: Told;
}

const actor = { id: 'trial' };
const active = ({ scope }: Told) => scope !== '';

/** What is tried, but for what ends by itself. */
export const lastingChanges = [
  'revoke',
  'narrow',
  'widen',
  'suspend user',
  'move off project',
  'edit role',
  'disable server',
  'delete client',
  'rotate caller secret',
];

/**
 * Asks in the common way, whose answers are remembered: who is read for anew each time could be told nothing stale. Asks again, as
 * `Retry-After` says, where a busy machine had no answer in time.
 */
export async function askCommonly(issuer: string, token: string, caller: { id: string; secret: string }) {
  for (let again = 0; ; again += 1) {
    const answer = await postForm(`${issuer}/introspect`, { token }, caller);
    if (answer.status !== 503 || again === 5) return answer;
    await new Promise((resolve) => void setTimeout(resolve, 1_000));
  }
}

/** Reads how many questions a node has answered from memory. */
export async function recalledBy({ issuer }: Pick<Node, 'issuer'>): Promise<number> {
  const text = await (await fetch(`${issuer}/metrics`)).text();
  const hits = /^mandate_introspection_cache_requests_total\{result="hit"\} (\d+)$/m.exec(text)?.[1];
  if (hits === undefined) throw new Error('the metrics do not tell what was remembered');
  return Number(hits);
}

async function tell(at: Node, token: string, caller: { id: string; secret: string }): Promise<Told> {
  const { status, text } = await askCommonly(at.issuer, token, caller);
  const answer = JSON.parse(text) as {
    scope?: string;
    authorization_details?: { identifier: string; actions: string[] }[];
  };
  const reach = (answer.authorization_details ?? [])
    .map(({ identifier, actions }) => `${identifier}:${actions.join(',')}`)
    .join(' ');
  return { status, scope: answer.scope ?? '', reach };
}

/** Prepares the trials in a fresh demo organization. @returns them by what they change */
export async function prepareTrials(node: Node): Promise<Record<string, Trial>> {
  const { stores, clock } = node;
  const must = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('the demo lacks something');
    return value;
  };
  const editor = must(await stores.users.findByEmail('editor@acme.test'));
  const atlas = must(await stores.projects.findBySlug('atlas'));
  const borealis = must(await stores.projects.findBySlug('borealis'));
  const role = must(await stores.roles.findBySlug('editor'));
  const server = must(await stores.mcpServers.findByName('atlas-flows'));
  const trialRole = await stores.roles.create(actor, {
    slug: 'trial',
    name: 'Trial',
    permissions: ['flows:edit'],
  });
  if (trialRole.outcome !== 'created') throw new Error('the role is there');
  await stores.users.assign(actor, {
    userId: editor.id,
    roleId: trialRole.role.id,
    projectId: borealis.id,
  });

  const whole = {
    capabilities: ['mcp', 'api', 'flows:edit'],
    projects: [
      { id: atlas.id, roles: [role.id] },
      { id: borealis.id, roles: [trialRole.role.id] },
    ],
    mcpServers: [server.id],
    asked: [],
    expiresAt: null,
  };
  const authorize = async (at: Node, audience: string = demo.api) => {
    const { id } = await at.store.transact((trx) =>
      at.stores.authorizations.insert(trx, actor, {
        kind: 'oauth2',
        userId: editor.id,
        clientId: demo.web.id,
        ...whole,
      }),
    );
    const token = await issueToken(at.store, {
      authorizationId: id,
      clientId: demo.web.id,
      audience,
      issuedAt: clock.now(),
      lifetimeSeconds: 1_000_000,
    });
    return { id, token };
  };
  const choose = (at: Node, id: string, choice: Partial<typeof whole>) =>
    at.store.transact((trx) =>
      at.stores.authorizations.replaceChoice(trx, actor, id, { ...whole, ...choice }),
    );
  const standing = await authorize(node);
  const add = async (at: Node) => {
    const { id, version } = must(await at.stores.authorizations.find(standing.id));
    const content = { name: null, roles: [], ...whole };
    const addition = { capabilities: ['endpoints:access'], projects: [], mcpServers: [] };
    await at.stores.authorizationEditor.edit(actor, id, version, content, undefined, {
      ...addition,
      until: clock.now() + 3_600,
    });
  };
  const calling = await authorize(node, demo.atlasFlows);
  const askApi = (at: Node) => tell(at, standing.token, demo.apiServer);
  const askMcp = (at: Node) => tell(at, calling.token, demo.mcpServer);

  const client = must(await stores.clients.find(demo.web.id));
  const audiences = [demo.api];
  const rotate = (at: Node, secret: string) =>
    at.stores.resourceServers.save(actor, { name: demo.apiServer.id, audiences, secret });
  const assignment = { userId: editor.id, roleId: role.id, projectId: atlas.id };
  const permit = (at: Node, permissions: Parameters<Stores['roles']['update']>[2]['permissions']) =>
    at.stores.roles.update(actor, trialRole.role.id, { permissions: permissions ?? [] });
  let fleeting = await authorize(node);

  return {
    revoke: {
      async prepare(at) {
        fleeting = await authorize(at);
      },
      change: (at) => at.stores.authorizations.revoke(actor, fleeting.id),
      isBefore: active,
      ask: (at) => tell(at, fleeting.token, demo.apiServer),
    },
    narrow: {
      change: (at) => choose(at, standing.id, { capabilities: ['api'] }),
      undo: (at) => choose(at, standing.id, {}),
      isBefore: ({ scope }) => scope === 'api flows:edit',
      ask: askApi,
    },
    widen: {
      change: (at) => choose(at, standing.id, { capabilities: [...whole.capabilities, 'endpoints:access'] }),
      undo: (at) => choose(at, standing.id, {}),
      isBefore: ({ scope }) => scope === 'api flows:edit',
      ask: askApi,
    },
    'add for a while': {
      change: (at) => add(at),
      undo: (at) => choose(at, standing.id, {}),
      isBefore: ({ scope }) => scope === 'api flows:edit',
      ask: askApi,
    },
    'end an addition': {
      prepare: (at) => add(at),
      async change(at) {
        const [first] = must(await at.stores.authorizations.find(standing.id)).additions;
        await at.stores.authorizationEditor.endAddition(actor, standing.id, must(first).id);
      },
      isBefore: ({ scope }) => scope === 'api flows:edit endpoints:access',
      ask: askApi,
    },
    'suspend user': {
      change: (at) => at.stores.users.suspend(actor, editor.id),
      undo: (at) => at.stores.users.resume(actor, editor.id),
      isBefore: active,
      ask: askApi,
    },
    'move off project': {
      change: (at) => at.stores.users.unassign(actor, assignment),
      undo: (at) => at.stores.users.assign(actor, assignment),
      isBefore: ({ reach }) => reach.includes(atlas.id),
      ask: askApi,
    },
    'edit role': {
      change: (at) => permit(at, ['mcp']),
      undo: (at) => permit(at, ['flows:edit']),
      isBefore: ({ reach }) => reach.includes(`${borealis.id}:flows:edit`),
      ask: askApi,
    },
    'disable server': {
      change: (at) => at.stores.mcpServers.disable(actor, server.id),
      undo: (at) => at.stores.mcpServers.enable(actor, server.id),
      isBefore: active,
      ask: askMcp,
    },
    'delete client': {
      change: (at) => at.stores.clients.remove(actor, demo.web.id),
      undo: (at) =>
        at.stores.clients.saveRegistered(actor, { id: client.id, metadata: client.metadata, secret: 'new' }),
      isBefore: active,
      ask: askApi,
    },
    'rotate caller secret': {
      change: (at) => rotate(at, 'another-secret'),
      undo: (at) => rotate(at, demo.apiServer.secret),
      isBefore: ({ status }) => status === 200,
      ask: askApi,
    },
  };
}

/**
 * Tries one kind of change.
 * @param nodes changes go through one of them and questions through the next, in turn; one node does both
 */
export async function tryFreshness(
  nodes: readonly Node[],
  [kind, trial]: readonly [string, Trial],
  times: number,
): Promise<Stale[]> {
  const stale: Stale[] = [];
  for (let turn = 0; turn < times; turn++) {
    const writer = nodes[turn % nodes.length] as Node;
    const asker = nodes[(turn + 1) % nodes.length] as Node;
    await trial.prepare?.(writer);
    // The first question has its answer remembered, the second one has it from memory.
    await trial.ask(asker);
    const before = await trial.ask(asker);
    if (!trial.isBefore(before)) stale.push({ kind: `before ${kind}`, trial: turn, told: before });
    await trial.change(writer);
    const after = await trial.ask(asker);
    if (trial.isBefore(after)) stale.push({ kind, trial: turn, told: after });
    await trial.undo?.(writer);
  }
  return stale;
}
