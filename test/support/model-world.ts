/**
 * What the model-based test (R16) acts on: one database with two nodes. Changes are made through the stores of one, tools and resource
 * servers ask the other, a server in a process of its own that is killed now and then.
 */
import { openDatabase } from '../../db/open.ts';
import { readCatalogue } from '../../src/catalogue.ts';
import { systemClock } from '../../src/clock.ts';
import { developmentSecret } from '../../src/config.ts';
import { artifactKey } from '../../src/oauth/artifact-adapter.ts';
import { mostRefreshGraceSeconds } from '../../src/oauth/lifetimes.ts';
import { createSecrets } from '../../src/secrets.ts';
import { shippedFiles } from '../../src/shipped-files.ts';
import { createStores } from '../../src/stores.ts';
import { type Engine, freshDatabaseUrl } from './databases.ts';
import { pause } from './fault-figures.ts';
import { demo } from './mandate.ts';
import { createConsents } from './model-code.ts';
import { type Guard, type Person, people, type Slice } from './model-reference.ts';
import { anAddress, basic } from './race.ts';
import type { Answer } from './raw-request.ts';
import { startServerProcess } from './server-process.ts';

export type World = Awaited<ReturnType<typeof openWorld>>;

/** Who makes the changes. */
export const actor = { id: 'model' };
/** The audience that is behind each guard. */
export const audiences: Record<Guard, string> = { api: demo.api, mcp: demo.atlasFlows };
const callers = { api: basic(demo.apiServer), mcp: basic(demo.mcpServer) };
/** The window in which unknown tokens are counted. */
const mostPatienceSeconds = 60;
// A tool from another address each time: codes that are shown again on purpose are no reason to refuse it everything.
const environment = { TRUSTED_PROXY_HOPS: '1' };

/** @param crashes how many there are at most, and after how many changes each */
export async function openWorld(engine: Engine, crashes: { most: number; every: number }) {
  const database = await freshDatabaseUrl(engine);
  let node = await startServerProcess({ databaseUrl: database.url, environment });
  const store = await openDatabase(database.url);
  const catalogue = readCatalogue(shippedFiles().capabilities);
  const secrets = createSecrets(developmentSecret);
  const stores = createStores({ store, clock: systemClock, secrets, catalogue });
  const userId = async (email: Person) => (await stores.users.findByEmail(email))?.id ?? '';
  const roleId = async (slug: string) => (await stores.roles.findBySlug(slug))?.id ?? '';
  const ids = {
    users: { [people[0]]: await userId(people[0]), [people[1]]: await userId(people[1]) } as Record<
      Person,
      string
    >,
    atlas: (await stores.projects.findBySlug('atlas'))?.id ?? '',
    atlasFlows: (await stores.mcpServers.findByResource(demo.atlasFlows))?.id ?? '',
    roles: { viewer: await roleId('viewer'), editor: await roleId('editor') },
  };
  // No run takes as long: what was used lately in it stays so until it is made older.
  await stores.clients.configure(actor, demo.web.id, { refreshGraceSeconds: mostRefreshGraceSeconds });
  const count = { changes: 0, answers: 0, crashes: 0, lost: 0, redeemed: 0, refreshed: 0, replayed: 0 };

  /** After how many milliseconds of a tool's next request the server is killed. */
  let underNextAfter: number | undefined;

  let isUp = true;
  const crash = async () => {
    const { issuer, port } = node;
    isUp = false;
    await node.kill();
    node = await startServerProcess({ databaseUrl: database.url, environment, issuer, port });
    isUp = true;
    count.crashes += 1;
  };
  /**
   * On a machine that has much else to do a database may be too late, and a fast one asks about more ended tokens in a minute than a
   * resource server may: whoever asks is told when to ask again.
   */
  const patiently = async (send: () => Promise<Answer>): Promise<Answer> => {
    let answer = await send();
    for (let again = 0; [429, 503].includes(answer.status) && again < 5; again += 1) {
      const seconds = Number(answer.headers['retry-after'] ?? 1);
      await pause(Math.min(seconds, mostPatienceSeconds) * 1_000);
      answer = await send();
    }
    return answer;
  };
  const sendOnce = (path: string, fields: Record<string, string>) =>
    node.send(path, {
      headers: { ...basic(demo.web), 'x-forwarded-for': anAddress() },
      body: new URLSearchParams(fields),
    });

  return {
    store,
    stores,
    ids,
    count,
    consents: createConsents({ store, secrets, everything: [...catalogue.keys()].join(' ') }),
    /** False once the server did not come back: nothing can be learned from asking it. */
    isUp: () => isUp,
    crash,
    crashIsDue: () =>
      underNextAfter === undefined &&
      count.crashes < crashes.most &&
      count.changes > (count.crashes + 1) * crashes.every,
    crashUnderNext(milliseconds: number): void {
      underNextAfter = milliseconds;
    },
    /** Asks as the tool. */
    send: (path: string, fields: Record<string, string>) => patiently(() => sendOnce(path, fields)),

    /**
     * Where a crash is to come under the next request: sends it and kills the server. Whether it came through is not known.
     * @returns whether it did that
     */
    async loseIfDue(path: string, fields: Record<string, string>): Promise<boolean> {
      if (underNextAfter === undefined) return false;
      const lost = sendOnce(path, fields).catch(() => undefined);
      await pause(underNextAfter);
      underNextAfter = undefined;
      await crash();
      await lost;
      count.lost += 1;
      return true;
    },

    /** Introspects. @returns authorization and scope; undefined when inactive */
    async ask(token: string, caller: Guard): Promise<string | undefined> {
      const body = new URLSearchParams({ token });
      const headers = callers[caller];
      const { status, text } = await patiently(() => node.send('/introspect', { headers, body }));
      if (status !== 200) throw new Error(`introspection answered ${status}: ${text}`);
      const { active, ...said } = JSON.parse(text) as Record<string, string | boolean>;
      count.answers += 1;
      return active ? `${said.authorization_id}: ${sorted(said.scope)}` : undefined;
    },

    /** What a person chose, as the stores have it. */
    choiceOf: ({ api, flows, atlas, mcp }: Slice) => ({
      capabilities: [...(api ? ['api'] : []), ...(flows ? ['flows:edit'] : []), ...(mcp ? ['mcp'] : [])],
      projects: atlas ? [{ id: ids.atlas, roles: [ids.roles.editor] }] : [],
      mcpServers: mcp ? [ids.atlasFlows] : [],
      asked: [],
      expiresAt: null,
    }),

    /** Tells of a code whether the database has it as used. */
    async isUsed(code: string): Promise<boolean> {
      const row = await store.db
        .selectFrom('oidc_artifacts')
        .select('consumed_at')
        .where('model', '=', 'AuthorizationCode')
        .where('key', '=', artifactKey(secrets, 'AuthorizationCode', code))
        .executeTakeFirst();
      return row?.consumed_at != null;
    },

    /** Lets the window of grace pass for every refresh token of these authorizations that was used so far. */
    async passGrace(authorizationIds: readonly string[]): Promise<void> {
      await store.db
        .updateTable('oidc_artifacts')
        .set((row) => ({ consumed_at: row('consumed_at', '-', mostRefreshGraceSeconds) }))
        .where('model', '=', 'RefreshToken')
        .where('grant_id', 'in', authorizationIds)
        .where('consumed_at', 'is not', null)
        .execute();
    },

    /** The refresh tokens of these authorizations that nobody has used yet: their keys, sorted. */
    async leaves(authorizationIds: readonly string[]): Promise<string[]> {
      const rows = await store.db
        .selectFrom('oidc_artifacts')
        .select('key')
        .where('model', '=', 'RefreshToken')
        .where('grant_id', 'in', authorizationIds)
        .where('consumed_at', 'is', null)
        .execute();
      return rows.map(({ key }) => key).sort();
    },
    keyOf: (refreshToken: string) => artifactKey(secrets, 'RefreshToken', refreshToken),

    /** Puts people and the tool back to where the reference begins. */
    async reset(): Promise<void> {
      for (const who of people) {
        await stores.users.resume(actor, ids.users[who]);
        for (const role of Object.values(ids.roles)) {
          await stores.users.unassign(actor, { userId: ids.users[who], roleId: role, projectId: ids.atlas });
        }
      }
      await stores.clients.enable(actor, demo.web.id);
    },

    async close(): Promise<void> {
      await node.kill();
      await store.close();
      await database.drop();
    },
  };
}

/** A scope in an order that can be compared. */
export const sorted = (scope: unknown) => String(scope).split(' ').sort().join(' ');
