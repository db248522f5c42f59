/**
 * How the cost of one answer grows, without a socket: with the projects of an authorization, the holders of a role that is edited,
 * and the tokens in the database. On SQLite, in this process, by its own CPU.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import { issueToken } from '../support/issue-token.ts';
import { demo } from '../support/mandate.ts';
import { loadDemo, type Node, openNode } from '../unit/introspection/nodes.ts';
import { fillField } from './field.ts';

export interface Growth {
  readonly name: string;
  /** When everything is read. */
  readonly readMicroseconds: number;
  /** When nothing has changed since it was last asked about. */
  readonly rememberedMicroseconds: number;
  readonly bytes: number;
}

const caller = { name: demo.apiServer.id, secret: demo.apiServer.secret };
const actor = { id: 'bench' };

export async function measureGrowth(folder: string): Promise<Growth[]> {
  const url = `sqlite:${join(folder, 'growth.db')}`;
  const clock = Object.assign({ now: systemClock.now }, { advance: () => {}, set: () => {} });
  const node = await openNode(url, clock);
  await loadDemo(node);
  const rows: Growth[] = [];
  for (const projects of [1, 10, 100, 1_000]) {
    rows.push(await measure(`${projects} projects`, node, await tokenOf(node, projects)));
  }
  const token = await tokenOf(node, 1);
  let holders = 0;
  for (const holding of [100, 1_000]) {
    for (; holders < holding; holders++) await addHolder(node, holders);
    rows.push(await measure(`${holding} holders of its role`, node, token));
  }
  let tokens = 0;
  for (const kept of [10_000, 100_000]) {
    await fillField(url, kept - tokens);
    tokens = kept;
    rows.push(await measure(`${kept.toLocaleString('en')} tokens kept`, node, token));
  }
  await node.close();
  return rows;
}

async function measure(name: string, node: Node, token: string): Promise<Growth> {
  const answer = await node.plain(caller, token);
  if (!answer.includes('"active":true')) throw new Error(`${name}: ${answer}`);
  return {
    name,
    readMicroseconds: await each(() => node.plain(caller, token), 300),
    rememberedMicroseconds: await each(() => node.live(caller, token), 3_000),
    bytes: answer.length,
  };
}

/** @returns microseconds of CPU for each time */
async function each(work: () => Promise<unknown>, times: number): Promise<number> {
  for (let warm = 0; warm < times / 3; warm++) await work();
  const before = process.cpuUsage();
  for (let time = 0; time < times; time++) await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / times;
}

/** Makes an authorization of somebody with rights everywhere that reaches so many projects. @returns a token of it */
async function tokenOf({ store, stores }: Node, projects: number): Promise<string> {
  const owner = await stores.users.findByEmail('admin@acme.test');
  const role = await stores.roles.findBySlug('editor');
  if (!owner || !role) throw new Error('the demo is not there');
  const picked: { id: string; roles: string[] }[] = [];
  for (let index = 0; index < projects; index++) {
    const made = await stores.projects.create(actor, {
      slug: `grown-${randomBytes(6).toString('hex')}`,
      name: `Grown ${index}`,
    });
    if (made.outcome === 'created') picked.push({ id: made.project.id, roles: [role.id] });
  }
  const { id } = await store.transact((trx) =>
    stores.authorizations.insert(trx, actor, {
      kind: 'oauth2',
      userId: owner.id,
      clientId: demo.web.id,
      capabilities: ['api', 'flows:edit'],
      projects: picked,
      mcpServers: [],
      asked: [],
      expiresAt: null,
    }),
  );
  const now = systemClock.now();
  return issueToken(store, {
    authorizationId: id,
    clientId: demo.web.id,
    audience: demo.api,
    issuedAt: now,
  });
}

async function addHolder({ stores }: Node, index: number): Promise<void> {
  const role = await stores.roles.findBySlug('editor');
  const made = await stores.users.create(actor, {
    kind: 'person',
    email: `holder-${index}@acme.test`,
    name: `Holder ${index}`,
  });
  if (made.outcome !== 'created' || !role) throw new Error('no holder could be made');
  await stores.users.assign(actor, { userId: made.user.id, roleId: role.id, projectId: null });
}
