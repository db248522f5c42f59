/** A change ends the remembered answers that depend on what changed, and no others: each kind of subject, theirs and somebody else's. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { askCommonly, recalledBy } from '../support/freshness-trials.ts';
import { issueToken } from '../support/issue-token.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';

const actor = { id: 'test' };

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  let token: string;
  let own: string;
  let another: string;
  const ids: Record<string, string> = {};

  beforeAll(async () => {
    mandate = await startMandate({ engine });
    const { stores, store, clock } = mandate;
    const { users, projects, roles, mcpServers } = stores;
    for (const name of ['editor', 'viewer'])
      ids[name] = (await users.findByEmail(`${name}@acme.test`))?.id ?? '';
    for (const slug of ['atlas', 'cygnus']) ids[slug] = (await projects.findBySlug(slug))?.id ?? '';
    ids.role = (await roles.findBySlug('editor'))?.id ?? '';
    for (const slug of ['own-role', 'other-role']) {
      const made = await roles.create(actor, { slug, name: slug, permissions: ['flows:edit'] });
      ids[slug] = made.outcome === 'created' ? made.role.id : '';
    }
    ids.server = (await mcpServers.findByResource(demo.atlasFlows))?.id ?? '';
    await users.assign(actor, { userId: id('editor'), roleId: id('own-role'), projectId: id('atlas') });
    const authorize = async (): Promise<string> => {
      const made = await store.transact((trx) =>
        stores.authorizations.insert(trx, actor, {
          ...{ kind: 'oauth2', userId: id('editor'), clientId: demo.web.id },
          ...{ capabilities: ['api', 'mcp', 'flows:edit'], mcpServers: [id('server')] },
          projects: [{ id: id('atlas'), roles: [id('role')] }],
          ...{ asked: [], expiresAt: null },
        }),
      );
      return made.id;
    };
    [own, another] = [await authorize(), await authorize()];
    const about = { authorizationId: own, clientId: demo.web.id, audience: demo.api };
    token = await issueToken(store, { ...about, issuedAt: clock.now() });
  });
  afterAll(() => mandate.stop());

  const id = (name: string) => ids[name] ?? '';
  const ask = async () => {
    const { status, text } = await askCommonly(mandate.issuer, token, demo.apiServer);
    expect(status).toBe(200);
    return text;
  };
  /** Makes a change while the answer is remembered. @returns whether the next one came from memory */
  const isRecalledAfter = async (change: () => Promise<unknown>) => {
    await ask();
    const known = await recalledBy(mandate);
    await ask();
    expect(await recalledBy(mandate)).toBe(known + 1);
    await change();
    await ask();
    return (await recalledBy(mandate)) === known + 2;
  };
  const permit = (role: string, permissions: string[]) =>
    mandate.stores.roles.update(actor, id(role), { permissions });

  const others: Record<string, () => Promise<unknown>> = {
    'another authorization of the same person': () => mandate.stores.authorizations.suspend(actor, another),
    'another user': () => mandate.stores.users.suspend(actor, id('viewer')),
    'a role that nobody of them has': () => permit('other-role', ['endpoints:access']),
    'another project': () => mandate.stores.projects.rename(actor, id('cygnus'), { name: 'Swan' }),
    'another client': () => mandate.stores.clients.disable(actor, demo.ci.id),
    'another resource server': () =>
      mandate.stores.resourceServers.save(actor, {
        ...{ name: demo.mcpServer.id, secret: 'another-secret-of-the-gateway' },
        audiences: [demo.atlasFlows, demo.borealisReports],
      }),
  };
  test.each(Object.keys(others))('%s leaves it remembered', async (kind) => {
    expect(await isRecalledAfter(others[kind] as () => Promise<unknown>)).toBe(true);
  });

  const theirs: Record<string, () => Promise<unknown>> = {
    'its authorization': () => mandate.stores.authorizations.suspend(actor, own),
    'the same again': () => mandate.stores.authorizations.resume(actor, own),
    'a role of it': () => permit('own-role', ['flows:edit', 'secrets:edit']),
    'its owner': () =>
      mandate.stores.users.unassign(actor, {
        ...{ userId: id('editor'), roleId: id('own-role'), projectId: id('atlas') },
      }),
    'its project': () => mandate.stores.projects.rename(actor, id('atlas'), { slug: 'atlantis' }),
    'its MCP server': () => mandate.stores.mcpServers.disable(actor, id('server')),
    'its client': () => mandate.stores.clients.disable(actor, demo.web.id),
    'who asks': () => {
      const { id: name, secret } = demo.apiServer;
      return mandate.stores.resourceServers.save(actor, {
        name,
        secret,
        audiences: [demo.api, `${demo.api}/more`],
      });
    },
  };
  test.each(Object.keys(theirs))('a change of %s ends it', async (kind) => {
    expect(await isRecalledAfter(theirs[kind] as () => Promise<unknown>)).toBe(false);
  });
});
