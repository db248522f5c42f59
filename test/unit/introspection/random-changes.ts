/** A small organization in the field, and every kind of change that can happen to it, picked by chance. */

import type { MovableClock } from '../../support/clock.ts';
import { issueToken } from '../../support/issue-token.ts';
import { type Caller, capabilities, type Node } from './nodes.ts';

/** A number from 0 up to, not including, 1. */
export type Random = () => number;

/** The same numbers for the same seed (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const api = 'http://localhost:4100/api';
const servers = ['http://localhost:4100/mcp/atlas', 'http://localhost:4100/mcp/borealis'];
/** An audience that becomes an MCP server's when one is made for it. */
const undecided = 'http://localhost:4100/mcp/new';
const actor = { id: 'test' };

export interface Question {
  readonly caller: Caller;
  readonly token: string;
}

export interface Field {
  pick<T>(items: readonly T[]): T;
  /** Makes a question up: about tokens of every fate, by callers with old and new secrets, mostly by the right one. */
  ask(): Question;
  /** Makes one change through a node; acknowledged when it resolves. @returns its name */
  change(node: Node): Promise<string>;
}

/** Fills a database that holds the demo with authorizations and tokens. */
export async function openField(node: Node, clock: MovableClock, random: Random): Promise<Field> {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const some = <T>(items: readonly T[]): T[] => items.filter(() => random() < 0.7);
  const callers: Caller[] = ['acme-api', 'acme-mcp'].map((name) => ({
    name,
    secret: `${name}-demo-secret-not-for-production`,
  }));
  const secretOf = new Map(callers.map((caller) => [caller.name, caller.secret]));
  const current = new Map(secretOf);
  /** An API key has no audience of its own. */
  const tokens: { value: string; audience: string | undefined }[] = [];
  const keys: string[] = [];
  /** Three times of four what keeps rights alive, so that there is something to lose. */
  const mostly = <T>(usual: T, rare: T): T => (random() < 0.75 ? usual : rare);
  const { stores } = node;
  const users = (await stores.users.list({ limit: 100 })).filter(({ email }) => !email.startsWith('owner'));
  const authorizations: string[] = [];
  const clients = ['acme-web', 'mandate-cli', 'acme-ci'];

  const roleIds = async ({ stores }: Node) => (await stores.roles.list()).map(({ id }) => id);
  const projectIds = async ({ stores }: Node) =>
    (await stores.projects.list({ limit: 100 })).map(({ id }) => id);

  const choice = async (at: Node) => {
    const roles = await roleIds(at);
    const projects = await projectIds(at);
    const servers = await at.stores.mcpServers.list();
    return {
      capabilities: some(capabilities),
      projects: some(projects).map((id) => ({ id, roles: some(roles) })),
      mcpServers: some(servers.map(({ id }) => id)),
      asked: [],
      expiresAt: random() < 0.2 ? clock.now() + Math.floor(random() * 300) : null,
    };
  };

  const authorize = async (at: Node) => {
    const chosen = await choice(at);
    const roles = random() < 0.3 ? some(await roleIds(at)) : [];
    const clientId = pick(clients);
    const made = await at.store.transact((trx) =>
      at.stores.authorizations.insert(trx, actor, {
        kind: 'oauth2',
        userId: pick(users).id,
        clientId,
        ...chosen,
        roles,
        followsOwner: random() < 0.2,
      }),
    );
    authorizations.push(made.id);
    if (authorizations.length > 12) authorizations.shift();
    for (let count = 0; count < 2; count++) {
      const audience = pick([api, api, ...servers, undecided]);
      const value = await issueToken(at.store, {
        authorizationId: made.id,
        clientId,
        audience,
        issuedAt: clock.now(),
        lifetimeSeconds: random() < 0.2 ? 60 : 100_000,
        ...(random() < 0.3 ? { ceiling: some(capabilities) } : {}),
      });
      tokens.push({ value, audience });
      if (tokens.length > 30) tokens.shift();
    }
  };
  const keep = (secret: string) => {
    tokens.push({ value: secret, audience: undefined });
    if (tokens.length > 30) tokens.shift();
  };
  const makeKey = async (at: Node) => {
    const made = await at.stores.apiKeys.create(actor, {
      userId: pick(users).id,
      name: 'key',
      ...(await choice(at)),
      roles: some(await roleIds(at)),
    });
    keys.push(made.authorization.id);
    if (keys.length > 4) keys.shift();
    authorizations.push(made.authorization.id);
    keep(made.secret);
  };
  for (let count = 0; count < 10; count++) await authorize(node);
  for (let count = 0; count < 3; count++) await makeKey(node);
  await stores.roles.create(actor, { slug: 'custom', name: 'Custom', permissions: ['api', 'flows:edit'] });
  const audiences = { 'acme-api': [api], 'acme-mcp': [...servers, undecided] } as Record<string, string[]>;
  await stores.resourceServers.save(actor, { name: 'acme-mcp', audiences: audiences['acme-mcp'] ?? [] });

  const changes: Record<string, (at: Node) => Promise<unknown>> = {
    authorize,
    makeKey,
    async rotateKey(at) {
      const rotated = await at.stores.apiKeys.rotate(actor, pick(keys), pick([0, 10]));
      if (rotated.outcome === 'done') keep(rotated.secret);
    },
    leakKey: async (at) =>
      random() < 0.3 && (await at.stores.apiKeys.disableLeaked(actor, pick(tokens).value)),
    recordEnds: (at) => at.stores.apiKeys.recordEnds(),
    async narrow(at) {
      const chosen = await choice(at);
      await at.store.transact((trx) =>
        at.stores.authorizations.replaceChoice(trx, actor, pick(authorizations), chosen),
      );
    },
    async addForAWhile(at) {
      const found = await at.stores.authorizations.find(pick(authorizations));
      if (!found) return;
      const { name, capabilities, roles, projects, mcpServers, expiresAt } = found;
      const content = { name, capabilities, roles, projects, mcpServers, expiresAt };
      const until = clock.now() + Math.floor(random() * 300) + 1;
      const addition = { ...(await choice(at)), until };
      const { id, version } = found;
      await at.stores.authorizationEditor.edit(actor, id, version, content, undefined, addition);
    },
    async endAddition(at) {
      const found = await at.stores.authorizations.find(pick(authorizations));
      const [first] = found?.additions ?? [];
      if (found && first) await at.stores.authorizationEditor.endAddition(actor, found.id, first.id);
    },
    revoke: (at) =>
      random() < 0.3 ? at.stores.authorizations.revoke(actor, pick(authorizations)) : authorize(at),
    pause: (at) => at.stores.authorizations[mostly('resume', 'suspend')](actor, pick(authorizations)),
    replay: (at) =>
      at.store.transact((trx) =>
        at.stores.authorizations.markReplayed(trx, actor, pick(authorizations), null),
      ),
    // As the engine ends a single token: the row and the change in one transaction.
    async endTokens(at) {
      const id = pick(authorizations);
      await at.store.transact(async (trx) => {
        await trx
          .deleteFrom('oidc_artifacts')
          .where('grant_id', '=', id)
          .where('expires_at', '<', clock.now() + 50_000)
          .execute();
        await at.stores.changes.record(trx, actor, {
          subject: 'authorization',
          id,
          action: 'tokens_revoked',
        });
      });
    },
    suspendUser: (at) => at.stores.users[mostly('resume', 'suspend')](actor, pick(users).id),
    renameUser: (at) =>
      at.stores.users.update(actor, pick(users).id, { email: `ü${Math.floor(random() * 1e9)}@acme.test` }),
    async assign(at) {
      const projectId = random() < 0.3 ? null : pick(await projectIds(at));
      await at.stores.users.assign(actor, {
        userId: pick(users).id,
        roleId: pick(await roleIds(at)),
        projectId,
      });
    },
    async unassign(at) {
      const held = await at.stores.users.assignmentsOf(pick(users).id);
      if (held.length > 0) await at.stores.users.unassign(actor, pick(held));
    },
    async editRole(at) {
      await at.stores.roles.update(actor, pick(await roleIds(at)), { permissions: some(capabilities) });
    },
    async makeRole(at) {
      const slug = `role-${Math.floor(random() * 4)}`;
      const known = await at.stores.roles.findBySlug(slug);
      if (known) await at.stores.roles.delete(actor, known.id);
      else await at.stores.roles.create(actor, { slug, name: slug, permissions: some(capabilities) });
    },
    async renameProject(at) {
      const slug = `project-${Math.floor(random() * 20)}`;
      await at.stores.projects.rename(actor, pick(await projectIds(at)), { slug });
    },
    async makeProject(at) {
      const slug = `made-${Math.floor(random() * 4)}`;
      const known = await at.stores.projects.findBySlug(slug);
      if (known) await at.stores.projects.delete(actor, known.id);
      else await at.stores.projects.create(actor, { slug, name: slug });
    },
    async makeServer(at) {
      const resource = pick([undecided, 'http://localhost:4100/mcp/other']);
      const projectId = pick(await projectIds(at));
      await at.stores.mcpServers.create(actor, { name: resource, projectId, resource });
    },
    async switchServer(at) {
      const { id, enabled } = pick(await at.stores.mcpServers.list());
      await at.stores.mcpServers[enabled ? mostly('enable', 'disable') : 'enable'](actor, id);
    },
    disableClient: (at) => at.stores.clients[mostly('enable', 'disable')](actor, pick(clients)),
    async rotateSecret(at) {
      const caller = pick(callers);
      // Both the old secret and the new one go on asking.
      const secret = pick([secretOf.get(caller.name) ?? '', `secret-${Math.floor(random() * 3)}`]);
      if (!callers.some((one) => one.name === caller.name && one.secret === secret)) {
        callers.push({ name: caller.name, secret });
      }
      current.set(caller.name, secret);
      await at.stores.resourceServers.save(actor, {
        name: caller.name,
        audiences: audiences[caller.name] ?? [],
        secret,
      });
    },
    async moveAudience(at) {
      const name = pick(['acme-api', 'acme-mcp']);
      const all = (audiences[name] ?? []).filter(() => random() < 0.9);
      await at.stores.resourceServers.save(actor, { name, audiences: all });
    },
    async switchCaller(at) {
      const server = await at.stores.resourceServers.find(pick(['acme-api', 'acme-mcp']));
      const how = server?.disabled ? 'enable' : mostly('enable', 'disable');
      if (server) await at.stores.resourceServers[how](actor, server.id);
    },
    async setPolicy(at) {
      const longest = () => mostly(null, Math.floor(random() * 400));
      await at.store.transact((trx) =>
        at.stores.policies.replace(trx, actor, {
          longest: { oauth2: mostly(null, Math.floor(random() * 1_000)), api_key: longest() },
          capabilities: new Map(
            some(capabilities).map((name) => [name, { longest: longest(), approval: random() < 0.2 }]),
          ),
          clients: {
            permitted: mostly('any', pick(['any', 'hosts', 'verified'])),
            hosts: new Map(random() < 0.3 ? [['localhost', pick(['verify', 'allow', 'deny'])]] : []),
          },
        }),
      );
    },
    async requestApproval(at) {
      const id = pick(authorizations);
      const granted = random() < 0.8 ? capabilities : some(capabilities);
      const asked = some(granted);
      await at.store.transact((trx) =>
        at.stores.approvals.follow(trx, actor, id, { granted, asked, justification: 'because' }),
      );
    },
    async decideApproval(at) {
      const waiting = await at.stores.approvals.list({ status: 'pending', limit: 20 });
      if (waiting.length === 0) return;
      const { id, version } = pick(waiting);
      const status = mostly('approved', 'declined');
      await at.store.transact((trx) =>
        at.stores.approvals.decide(trx, actor, { id, version, status, note: null }),
      );
    },
    switchVerified: (at) => at.stores.clients[mostly('verify', 'unverify')](actor, pick(clients)),
    async passTime() {
      clock.advance(pick([1, 5, 30, -20]));
    },
  };
  const names = Object.keys(changes);
  return {
    pick,
    ask() {
      const { value: token, audience } = pick(tokens);
      const name = (audience ?? pick([api, undecided])) === api ? 'acme-api' : 'acme-mcp';
      const right = { name, secret: current.get(name) ?? '' };
      return { token, caller: random() < 0.8 ? right : pick(callers) };
    },
    async change(at) {
      const name = pick(names);
      await changes[name]?.(at);
      return name;
    },
  };
}
