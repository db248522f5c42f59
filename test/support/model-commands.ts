/**
 * The commands of the model-based test (R16): what people, administrators and tools do, each with what it does to the server and to the
 * reference. Whatever it was, introspection is asked about the latest tokens right after it.
 */
import { expect } from '@jest/globals';
import fc from 'fast-check';
import { systemClock } from '../../src/clock.ts';
import { issueToken } from './issue-token.ts';
import { demo } from './mandate.ts';
import {
  type AccessToken,
  type AtlasRole,
  endTokens,
  expectedOf,
  type Guard,
  guards,
  type Handed,
  type Model,
  type Person,
  people,
  rightsOf,
  type Single,
  type Slice,
  verdictOn,
} from './model-reference.ts';
import { actor, audiences, sorted, type World } from './model-world.ts';

type Work = (model: Model, world: World) => Promise<void>;

/** Compares what each resource server is told of these tokens with the reference. */
export async function compare(name: string, model: Model, world: World, tokens: readonly AccessToken[]) {
  const questions = tokens.flatMap((token) => guards.map((caller) => ({ token, caller })));
  const told = await Promise.all(questions.map(({ token, caller }) => world.ask(token.value, caller)));
  expect([name, told]).toEqual([
    name,
    questions.map(({ token, caller }) => expectedOf(model, token, caller)),
  ]);
}

const command = (name: string, possible: (model: Model) => boolean, work: Work) => ({
  check: possible,
  async run(model: Model, world: World) {
    world.count.changes += 1;
    await work(model, world);
    await compare(name, model, world, model.tokens.slice(-3));
  },
  toString: () => name,
});

/** Shows a code or a refresh token to the token endpoint, and does to the reference what follows from it. */
async function show(model: Model, world: World, one: Single): Promise<void> {
  const fields: Record<string, string> =
    one.kind === 'refresh'
      ? { grant_type: 'refresh_token', refresh_token: one.value }
      : {
          grant_type: 'authorization_code',
          code: one.value,
          code_verifier: one.verifier ?? '',
          redirect_uri: demo.web.redirect,
        };
  const wasLost = await world.loseIfDue('/token', fields);
  // The code may be spent, and a tool that asks again is told so; a refresh token is in its window.
  if (wasLost && one.kind === 'code' && (await world.isUsed(one.value))) one.used = 'lately';
  const verdict = verdictOn(model, one);
  const { text } = await world.send('/token', fields);
  const said = JSON.parse(text) as Record<string, string | undefined>;
  world.count.answers += 1;
  const expected = verdict === 'issued' ? undefined : verdict === 'replayed' ? 'invalid_grant' : verdict;
  expect([one.kind, one.used, said.error]).toEqual([one.kind, one.used, expected]);
  if (verdict === 'replayed') {
    world.count.replayed += 1;
    endTokens(model, one.of);
  }
  if (verdict !== 'issued') return;
  const { access_token: access = '', refresh_token: refresh = '', scope } = said;
  expect(sorted(scope)).toBe(rightsOf(model, model.handed[one.of] as Handed));
  world.count[one.kind === 'code' ? 'redeemed' : 'refreshed'] += 1;
  model.tokens.push({ of: one.of, value: access, alive: true });
  if (one.successor === undefined) {
    expect(model.singles.map(({ value }) => value)).not.toContain(refresh);
    const family = one.family ?? one.value;
    model.singles.push({ kind: 'refresh', of: one.of, value: refresh, family, alive: true, used: 'never' });
    one.successor = refresh;
  }
  // Within the window there is one successor, however often it is asked for.
  expect(refresh).toBe(one.successor);
  if (one.used === 'never') one.used = 'lately';
}

const some = fc.nat(1_000);
const person = fc.constantFrom(...people);
const slice = fc.record({ api: fc.boolean(), flows: fc.boolean(), atlas: fc.boolean(), mcp: fc.boolean() });
const anyHanded = ({ handed }: Model) => handed.length > 0;
const handedAt = ({ handed }: Model, n: number) => handed[n % handed.length] as Handed;
/** One of a kind: of those that would be taken now for the first time, of those that were used, or of all. */
type Which = 'unused' | 'used' | 'any';
const singleAt = (model: Model, kind: Single['kind'], n: number, which: Which) => {
  const all = model.singles.filter((one) => one.kind === kind);
  const wanted = all.filter((one) => {
    if (which === 'unused') return one.used === 'never' && verdictOn(model, one) === 'issued';
    return which === 'any' || (one.used !== 'never' && one.alive);
  });
  const from = wanted.length > 0 ? wanted : all;
  return from[n % from.length] as Single;
};
const showing = (kind: Single['kind'], which: Which) => (n: number) =>
  command(
    `${kind === 'code' ? 'redeem' : 'refresh with'} ${which} ${n}`,
    ({ singles }) => singles.some((one) => one.kind === kind),
    (model, world) => show(model, world, singleAt(model, kind, n, which)),
  );

const handOver = (owner: Person, chosen: Slice, guard: Guard) =>
  command(
    `hand over as ${owner} ${JSON.stringify(chosen)} at ${guard}`,
    ({ handed }) => handed.length < 12,
    async (model, { store, stores, ids, choiceOf, consents }) => {
      const resource = audiences[guard];
      const consented = { userId: ids.users[owner], resource };
      const { id } = await store.transact((trx) =>
        stores.authorizations.insert(trx, actor, {
          ...consented,
          kind: 'oauth2',
          clientId: demo.web.id,
          ...choiceOf(chosen),
        }),
      );
      await consents.grant({ ...consented, authorizationId: id });
      model.handed.push({ id, owner, guard, slice: chosen, status: 'active' });
    },
  );

const becomes = (who: Person, role: AtlasRole) =>
  command(
    `${who} becomes ${role}`,
    ({ role: held }) => held[who] !== role,
    async (model, { stores, ids }) => {
      const held = model.role[who];
      const at = (roleId: string) => ({ userId: ids.users[who], roleId, projectId: ids.atlas });
      if (held !== 'none') await stores.users.unassign(actor, at(ids.roles[held]));
      if (role !== 'none') await stores.users.assign(actor, at(ids.roles[role]));
      model.role[who] = role;
    },
  );

const codeOf = (n: number) =>
  command(
    `code of ${n}`,
    ({ handed }) => handed.some(({ status }) => status !== 'revoked'),
    async (model, { ids, consents }) => {
      const standing = model.handed.filter(({ status }) => status !== 'revoked');
      const from = standing[n % standing.length] as Handed;
      const { id: authorizationId, owner, guard } = from;
      const resource = audiences[guard];
      const made = await consents.code({ authorizationId, userId: ids.users[owner], resource });
      const of = model.handed.indexOf(from);
      model.singles.push({ kind: 'code', of, ...made, alive: true, used: 'never' });
    },
  );

const byPeople = [
  fc.tuple(person, slice, fc.constantFrom(...guards)).map((chosen) => handOver(...chosen)),
  fc.tuple(some, slice).map(([n, chosen]) =>
    command(`choose again for ${n} ${JSON.stringify(chosen)}`, anyHanded, async (model, world) => {
      const one = handedAt(model, n);
      const result = await world.store.transact((trx) =>
        world.stores.authorizations.replaceChoice(trx, actor, one.id, world.choiceOf(chosen)),
      );
      if (result.outcome === 'done') one.slice = chosen;
      else expect(one.status).toBe('revoked');
    }),
  ),
  fc
    .tuple(some, fc.constantFrom('suspend', 'suspend', 'resume', 'resume', 'resume', 'revoke'))
    .map(([n, what]) =>
      command(`${what} ${n}`, anyHanded, async (model, { stores: { authorizations } }) => {
        const one = handedAt(model, n);
        if (what === 'revoke') {
          await authorizations.revoke(actor, one.id);
          one.status = 'revoked';
        } else if (one.status !== 'revoked') {
          await authorizations[what === 'suspend' ? 'suspend' : 'resume'](actor, one.id);
          one.status = what === 'suspend' ? 'suspended' : 'active';
        }
      }),
    ),
];

const byAdministrators = [
  fc.tuple(person, fc.constantFrom('suspend', 'resume', 'resume', 'resume')).map(([who, what]) =>
    command(
      `${what} ${who}`,
      () => true,
      async (model, { stores, ids }) => {
        await stores.users[what === 'suspend' ? 'suspend' : 'resume'](actor, ids.users[who]);
        model.suspended[what === 'suspend' ? 'add' : 'delete'](who);
      },
    ),
  ),
  fc.tuple(person, fc.constantFrom<AtlasRole[]>('none', 'viewer', 'editor')).map((role) => becomes(...role)),
  fc.constantFrom('disable', 'enable', 'enable', 'enable').map((what) =>
    command(
      `${what} the client`,
      () => true,
      async (model, { stores }) => {
        await stores.clients[what === 'disable' ? 'disable' : 'enable'](actor, demo.web.id);
        model.clientEnabled = what === 'enable';
      },
    ),
  ),
];

const byTools = [
  some.map((n) =>
    command(`issue of ${n}`, anyHanded, async (model, { store }) => {
      const of = n % model.handed.length;
      const { id, guard } = model.handed[of] as Handed;
      const value = await issueToken(store, {
        authorizationId: id,
        clientId: demo.web.id,
        audience: audiences[guard],
        issuedAt: systemClock.now(),
      });
      model.tokens.push({ of, value, alive: true });
    }),
  ),
  some.map(codeOf),
  some.map(showing('code', 'unused')),
  some.map(showing('code', 'any')),
  some.map(showing('refresh', 'unused')),
  some.map(showing('refresh', 'used')),
  some.map(showing('refresh', 'used')),
  some.map(showing('refresh', 'any')),
  fc.tuple(some, fc.constantFrom('access', 'access', 'access', 'refresh')).map(([n, kind]) =>
    command(
      `revoke ${kind} token ${n}`,
      ({ tokens, singles }) =>
        kind === 'access' ? tokens.length > 0 : singles.some((one) => one.kind === 'refresh'),
      async (model, world) => {
        const one =
          kind === 'access'
            ? (model.tokens[n % model.tokens.length] as AccessToken)
            : singleAt(model, 'refresh', n, 'any');
        await world.loseIfDue('/revoke', { token: one.value });
        const { status } = await world.send('/revoke', { token: one.value });
        expect(status).toBe(model.clientEnabled ? 200 : 401);
        if (!model.clientEnabled || !one.alive) return;
        // The tool disconnects: with a refresh token goes what stands behind it (RFC 7009 section 2.1).
        if (kind === 'refresh') (model.handed[one.of] as Handed).status = 'revoked';
        one.alive = false;
      },
    ),
  ),
];

const byTime = fc.constant(
  command(
    'the window of grace passes',
    ({ singles }) => singles.some(({ used }) => used === 'lately'),
    async ({ handed, singles }, { passGrace }) => {
      await passGrace(handed.map(({ id }) => id));
      for (const one of singles) if (one.kind === 'refresh' && one.used === 'lately') one.used = 'long ago';
    },
  ),
);

const byAccident = ({ crash, crashUnderNext, crashIsDue }: World) =>
  fc
    .option(fc.nat(8), { nil: undefined, freq: 3 })
    .map((after) =>
      command(
        after === undefined ? 'crash' : `crash ${after} ms into the next request of a tool`,
        crashIsDue,
        async () => (after === undefined ? await crash() : crashUnderNext(after)),
      ),
    );

/** What every run begins with, so that there is something to do. */
export const opening = [
  becomes('editor@acme.test', 'editor'),
  becomes('viewer@acme.test', 'viewer'),
  ...people.flatMap((owner) =>
    guards.map((guard) => handOver(owner, { api: true, flows: true, atlas: true, mcp: true }, guard)),
  ),
  ...[0, 1, 2, 3].map(codeOf),
  ...[0, 1].map(showing('code', 'unused')),
];

/** All of them; a tool comes more often than an administrator. */
export const modelCommands = (world: World) => [
  ...byPeople,
  ...byAdministrators,
  ...byTools,
  byTime,
  byAccident(world),
];
