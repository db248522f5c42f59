/**
 * R16: random changes and questions, compared with a reference that fits on a page. Changes are made through another node's stores, questions
 * are asked of a server that is killed now and then. A run that fails is shrunk to the shortest one that does.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openDatabase, type Store } from '../../db/open.ts';
import { readCatalogue } from '../../src/catalogue.ts';
import { systemClock } from '../../src/clock.ts';
import { developmentSecret } from '../../src/config.ts';
import { createSecrets } from '../../src/secrets.ts';
import { shippedFiles } from '../../src/shipped-files.ts';
import { createStores, type Stores } from '../../src/stores.ts';
import { engines, type FreshDatabase, freshDatabaseUrl } from '../support/databases.ts';
import { engineName, record, sized, tries } from '../support/fault-figures.ts';
import { issueToken } from '../support/issue-token.ts';
import { demo } from '../support/mandate.ts';
import { basic } from '../support/race.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

const runs = tries(6, 1_000);
const commandsEach = 100;
const actor = { id: 'model' };
const people = ['editor@acme.test', 'viewer@acme.test'] as const;
type Person = (typeof people)[number];
type AtlasRole = 'none' | 'viewer' | 'editor';

/** What somebody chose for a tool. */
interface Slice {
  readonly api: boolean;
  readonly flows: boolean;
  /** Whether atlas is among the projects, as Editor. */
  readonly atlas: boolean;
}
interface Handed {
  id: string;
  readonly owner: Person;
  slice: Slice;
  status: 'active' | 'suspended' | 'revoked';
}
interface Token {
  readonly of: number;
  value: string;
  alive: boolean;
}
/** The reference: everything that an answer depends on. */
interface Model {
  readonly handed: Handed[];
  readonly tokens: Token[];
  readonly suspended: Set<Person>;
  readonly role: Record<Person, AtlasRole>;
  clientEnabled: boolean;
}

/** What introspection has to say of a token: its scope, or nothing. */
function expected(
  { handed, tokens, suspended, role, clientEnabled }: Model,
  index: number,
): string | undefined {
  const token = tokens[index];
  const from = token && handed[token.of];
  if (!token?.alive || from?.status !== 'active' || suspended.has(from.owner) || !clientEnabled)
    return undefined;
  const { api, flows, atlas } = from.slice;
  const edits = flows && atlas && role[from.owner] === 'editor';
  // A project on which nothing may be done is nothing that anybody guards.
  if (!api && !edits) return undefined;
  return [...(api ? ['api'] : []), ...(edits ? ['flows:edit'] : [])].join(' ');
}

describe.each(engines)('on %s', (engine) => {
  let database: FreshDatabase;
  let node: ServerProcess;
  let store: Store;
  let stores: Stores;
  let ids: { users: Record<Person, string>; atlas: string; roles: Record<'viewer' | 'editor', string> };
  const count = { changes: 0, questions: 0, crashes: 0 };

  beforeAll(async () => {
    database = await freshDatabaseUrl(engine);
    node = await startServerProcess({ databaseUrl: database.url });
    store = await openDatabase(database.url);
    const catalogue = readCatalogue(shippedFiles().capabilities);
    stores = createStores({
      store,
      clock: systemClock,
      secrets: createSecrets(developmentSecret),
      catalogue,
    });
    const userId = async (email: Person) => (await stores.users.findByEmail(email))?.id ?? '';
    const roleId = async (slug: string) => (await stores.roles.findBySlug(slug))?.id ?? '';
    ids = {
      users: { [people[0]]: await userId(people[0]), [people[1]]: await userId(people[1]) } as Record<
        Person,
        string
      >,
      atlas: (await stores.projects.findBySlug('atlas'))?.id ?? '',
      roles: { viewer: await roleId('viewer'), editor: await roleId('editor') },
    };
  }, 90_000);
  afterAll(async () => {
    await node?.kill();
    await store?.close();
    await database?.drop();
  });

  const choiceOf = ({ api, flows, atlas }: Slice) => ({
    capabilities: [...(api ? ['api'] : []), ...(flows ? ['flows:edit'] : [])],
    projects: atlas ? [{ id: ids.atlas, roles: [ids.roles.editor] }] : [],
    mcpServers: [],
    asked: [],
    expiresAt: null,
  });

  const ask = async (value: string): Promise<string | undefined> => {
    count.questions += 1;
    const { status, text } = await node.send('/introspect', {
      headers: basic(demo.apiServer),
      body: new URLSearchParams({ token: value }),
    });
    expect(status).toBe(200);
    const answer = JSON.parse(text) as { active: boolean; scope?: string };
    return answer.active ? answer.scope?.split(' ').sort().join(' ') : undefined;
  };

  const setRole = async (model: Model, who: Person, role: AtlasRole) => {
    const held = model.role[who];
    const at = (roleId: string) => ({ userId: ids.users[who], roleId, projectId: ids.atlas });
    if (held !== 'none') await stores.users.unassign(actor, at(ids.roles[held]));
    if (role !== 'none') await stores.users.assign(actor, at(ids.roles[role]));
    model.role[who] = role;
  };

  /** A change: what it needs to be possible, and what it does to the server and to the reference. */
  const command = (
    name: string,
    possible: (model: Model) => boolean,
    work: (model: Model) => Promise<void>,
  ) => ({
    check: possible,
    async run(model: Model) {
      count.changes += 1;
      await work(model);
      // Whatever it was: everything that is out there is asked about at once.
      for (const [index, token] of model.tokens.slice(-6).entries()) {
        const at = Math.max(0, model.tokens.length - 6) + index;
        expect(`${name}: ${await ask(token.value)}`).toBe(`${name}: ${expected(model, at)}`);
      }
    },
    toString: () => name,
  });
  const person = fc.constantFrom(...people);
  const slice = fc.record({ api: fc.boolean(), flows: fc.boolean(), atlas: fc.boolean() });
  const some = fc.nat(1_000);
  const handedAt = (model: Model, n: number) => model.handed[n % model.handed.length] as Handed;

  const commands = [
    fc.tuple(person, slice).map(([owner, chosen]) =>
      command(
        `hand over as ${owner} ${JSON.stringify(chosen)}`,
        ({ handed }) => handed.length < 12,
        async (model) => {
          const made = await store.transact((trx) =>
            stores.authorizations.insert(trx, actor, {
              kind: 'oauth2',
              userId: ids.users[owner],
              clientId: demo.web.id,
              resource: demo.api,
              ...choiceOf(chosen),
            }),
          );
          model.handed.push({ id: made.id, owner, slice: chosen, status: 'active' });
        },
      ),
    ),
    some.map((n) =>
      command(
        `issue of ${n}`,
        ({ handed }) => handed.length > 0,
        async (model) => {
          const of = n % model.handed.length;
          const value = await issueToken(store, {
            authorizationId: model.handed[of]?.id ?? '',
            clientId: demo.web.id,
            audience: demo.api,
            issuedAt: systemClock.now(),
          });
          model.tokens.push({ of, value, alive: true });
        },
      ),
    ),
    fc.tuple(some, fc.constantFrom('suspend', 'resume', 'revoke')).map(([n, what]) =>
      command(
        `${what} ${n}`,
        ({ handed }) => handed.length > 0,
        async (model) => {
          const one = handedAt(model, n);
          if (what === 'revoke') {
            await stores.authorizations.revoke(actor, one.id);
            one.status = 'revoked';
          } else if (one.status !== 'revoked') {
            await stores.authorizations[what === 'suspend' ? 'suspend' : 'resume'](actor, one.id);
            one.status = what === 'suspend' ? 'suspended' : 'active';
          }
        },
      ),
    ),
    fc.tuple(some, slice).map(([n, chosen]) =>
      command(
        `choose again for ${n} ${JSON.stringify(chosen)}`,
        ({ handed }) => handed.length > 0,
        async (model) => {
          const one = handedAt(model, n);
          const result = await store.transact((trx) =>
            stores.authorizations.replaceChoice(trx, actor, one.id, choiceOf(chosen)),
          );
          if (result.outcome === 'done') one.slice = chosen;
          else expect(one.status).toBe('revoked');
        },
      ),
    ),
    fc.tuple(person, fc.boolean()).map(([who, suspend]) =>
      command(
        `${suspend ? 'suspend' : 'resume'} ${who}`,
        () => true,
        async (model) => {
          await stores.users[suspend ? 'suspend' : 'resume'](actor, ids.users[who]);
          model.suspended[suspend ? 'add' : 'delete'](who);
        },
      ),
    ),
    fc.tuple(person, fc.constantFrom<AtlasRole[]>('none', 'viewer', 'editor')).map(([who, role]) =>
      command(
        `${who} becomes ${role}`,
        ({ role: held }) => held[who] !== role,
        (model) => setRole(model, who, role),
      ),
    ),
    fc.boolean().map((enable) =>
      command(
        `${enable ? 'enable' : 'disable'} the client`,
        () => true,
        async (model) => {
          await stores.clients[enable ? 'enable' : 'disable'](actor, demo.web.id);
          model.clientEnabled = enable;
        },
      ),
    ),
    some.map((n) =>
      command(
        `revoke token ${n}`,
        ({ tokens, clientEnabled }) => tokens.length > 0 && clientEnabled,
        async (model) => {
          const token = model.tokens[n % model.tokens.length] as Token;
          const { status } = await node.send('/revoke', {
            headers: basic(demo.web),
            body: new URLSearchParams({ token: token.value }),
          });
          expect(status).toBe(200);
          token.alive = false;
        },
      ),
    ),
    fc.constant(
      command(
        'crash',
        () => count.crashes < sized(1, 100) && count.changes > (count.crashes + 1) * 100,
        async () => {
          const { issuer, port } = node;
          await node.kill();
          node = await startServerProcess({ databaseUrl: database.url, issuer, port });
          count.crashes += 1;
        },
      ),
    ),
  ];

  test(
    `answers as the reference does, in ${runs} runs of ${commandsEach} changes`,
    async () => {
      const run = fc.asyncProperty(
        fc.commands(commands, { maxCommands: commandsEach, size: 'max' }),
        async (plan) => {
          await fc.asyncModelRun(async () => {
            for (const who of people) {
              await stores.users.resume(actor, ids.users[who]);
              for (const role of ['viewer', 'editor'] as const) {
                const assignment = { userId: ids.users[who], roleId: ids.roles[role], projectId: ids.atlas };
                await stores.users.unassign(actor, assignment);
              }
            }
            await stores.clients.enable(actor, demo.web.id);
            const model: Model = {
              handed: [],
              tokens: [],
              suspended: new Set(),
              role: { [people[0]]: 'none', [people[1]]: 'none' } as Record<Person, AtlasRole>,
              clientEnabled: true,
            };
            return { model, real: undefined };
          }, plan);
        },
      );
      await fc.assert(run, { numRuns: runs, endOnFailure: true });
      record({
        id: 'R16',
        scenario:
          'random changes through one node, questions to another that is killed now and then, compared with a reference',
        target: '0 answers that differ',
        measured: `0 of ${count.questions} answers differ, over ${count.changes} changes and ${count.crashes} crashes`,
        engine: `${engineName(engine)}, two nodes`,
      });
      expect(count.questions).toBeGreaterThan(runs);
    },
    sized(60_000, 3_600_000),
  );
});
