/** Security events as a receiver that knows only the standards sees them: RFC 8417, RFC 8935, CAEP. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createRemoteJWKSet, decodeJwt, type JWTPayload, jwtVerify } from 'jose';
import { type Administrator, signInToApi } from '../support/administrator.ts';
import { engines } from '../support/databases.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { introspect } from '../support/oauth.ts';
import { codeFlow } from '../support/oauth-requests.ts';

const revoked = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked';
const changed = 'https://schemas.openid.net/secevent/caep/event-type/token-claims-change';
const actor = { id: 'command' };

describe.each(engines)('security events, on %s', (engine) => {
  let mandate: TestMandate;
  let receiver: Server;
  let endpoint: string;
  let admin: Administrator;
  let path: string;
  let received: { token: string; authorization: string | undefined; type: string | undefined }[];
  let answer: { status: number; body: string };
  let answering: (response: ServerResponse) => Promise<void>;

  beforeAll(async () => {
    mandate = await startMandate({ engine });
    receiver = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text) => {
        body += text;
      });
      request.on('end', async () => {
        const { authorization, 'content-type': type } = request.headers;
        received.push({ token: body, authorization, type });
        await answering(response);
        if (response.headersSent) return;
        response.writeHead(answer.status, { 'Content-Type': 'application/json' }).end(answer.body);
      });
    });
    await new Promise<void>((done) => receiver.listen(0, '127.0.0.1', done));
    endpoint = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/events`;
    admin = await signInToApi(mandate.issuer, 'admin@acme.test');
    const { body } = await admin.call<{ items: { id: string; name: string }[] }>('GET', '/resource-servers');
    path = `/resource-servers/${body.items.find(({ name }) => name === demo.apiServer.id)?.id}/event-receiver`;
  });
  afterAll(async () => {
    receiver.close();
    receiver.closeAllConnections();
    await mandate.stop();
  });
  beforeEach(async () => {
    received = [];
    answer = { status: 202, body: '' };
    answering = async () => {};
    const { status } = await admin.call('PUT', path, { endpoint, token: 'a-token-of-the-receiver' });
    expect(status).toBe(200);
  });

  async function hears(count: number): Promise<JWTPayload[]> {
    for (let tries = 0; received.length < count; tries += 1) {
      if (tries > 600) throw new Error(`only ${received.length} events came`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const keys = createRemoteJWKSet(new URL(`${mandate.issuer}/jwks`));
    return Promise.all(
      received.map(async ({ token }) => {
        const { payload, protectedHeader } = await jwtVerify(token, keys, {
          issuer: mandate.issuer,
          audience: demo.apiServer.id,
          typ: 'secevent+jwt',
        });
        expect(protectedHeader.alg).toBe('ES256');
        return payload;
      }),
    );
  }

  /** Puts off what is due: everything in between is one batch. */
  const turnIn = (seconds: number) =>
    mandate.store.db
      .updateTable('event_receivers')
      .set({ due_at: mandate.clock.now() + seconds })
      .execute();
  const toldOf = (id: string) =>
    received
      .map(({ token }) => decodeJwt(token))
      .filter(({ sub_id: of }: JWTPayload) => JSON.stringify(of).includes(id));
  async function saysEnded(id: string): Promise<void> {
    for (let tries = 0; tries <= 600; tries += 1) {
      if (toldOf(id).some(({ events }) => Object.hasOwn(events as object, revoked))) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('its end was not told');
  }
  async function isTold(id: string): Promise<void> {
    for (let tries = 0; toldOf(id).length === 0; tries += 1) {
      if (tries > 600) throw new Error('nothing was said of it');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async function authorization(): Promise<string> {
    const { body } = await codeFlow(mandate.issuer, {
      request: { scope: 'api flows:edit' },
      answers: { 'flows:edit': true, atlas: true },
    });
    return String((await introspect(mandate.issuer, body.access_token ?? '')).authorization_id);
  }

  test('a narrowed authorization is a change of claims, a revoked one a session revoked; signed, addressed, of nobody else', async () => {
    const id = await authorization();
    const before = await mandate.stores.authorizations.find(id);
    if (!before) throw new Error('no authorization');
    await mandate.stores.authorizationEditor.edit(actor, id, before.version, {
      ...before,
      capabilities: ['api'],
    });
    const [narrowed] = await hears(1);
    expect(narrowed).toMatchObject({
      sub_id: {
        format: 'complex',
        session: { format: 'opaque', id },
        user: { format: 'iss_sub', iss: mandate.issuer, sub: before.userId },
      },
      events: { [changed]: { claims: { authorization_version: before.version + 1 } } },
    });
    expect(narrowed).not.toHaveProperty('sub');
    expect(narrowed).not.toHaveProperty('exp');
    expect(received[0]).toMatchObject({
      authorization: 'Bearer a-token-of-the-receiver',
      type: 'application/secevent+jwt',
    });
    await mandate.stores.authorizations.revoke(actor, id);
    const events = await hears(2);
    expect(events[1]).toMatchObject({
      sub_id: { session: { id } },
      events: { [revoked]: { event_timestamp: expect.any(Number) } },
    });
    expect(JSON.stringify(events)).not.toMatch(/secret|password/);
  });

  test('a suspended owner ends what they handed out, and a role that was edited names each authorization that lives', async () => {
    const id = await authorization();
    const owner = (await mandate.stores.authorizations.find(id))?.userId ?? '';
    await mandate.stores.users.suspend(actor, owner);
    for (let tries = 0; ; tries += 1) {
      const mine = (await hears(1)).find((event) => JSON.stringify(event.sub_id).includes(id));
      if (mine) {
        expect(Object.keys(mine.events as object)).toEqual([revoked]);
        break;
      }
      if (tries > 50) throw new Error('nothing was said of it');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    // What is told of the end of it belongs to no later test.
    const told = received.length;
    await mandate.stores.users.resume(actor, owner);
    await hears(told + 1);
  });

  test('a disabled client ends what it holds, and has changed it when it is enabled', async () => {
    const id = await authorization();
    const clientId = (await mandate.stores.authorizations.find(id))?.clientId ?? '';
    await mandate.stores.clients.disable(actor, clientId);
    await saysEnded(id);
    received = [];
    await mandate.stores.clients.enable(actor, clientId);
    await isTold(id);
    expect(Object.keys(toldOf(id)[0]?.events as object)).toEqual([changed]);
  });

  test('what is not taken comes again, in order and under the same name, and what is wrong can be seen', async () => {
    const id = await authorization();
    answer = { status: 400, body: JSON.stringify({ err: 'invalid_key', description: 'no' }) };
    await mandate.stores.authorizations.suspend(actor, id);
    await hears(1);
    for (let tries = 0; ; tries += 1) {
      const { body } = await admin.call<{ failures: number; last_failure: string }>('GET', path);
      if (body.failures > 0) {
        expect(body.last_failure).toBe('the receiver answered 400 invalid_key');
        break;
      }
      if (tries > 600) throw new Error('no failure was kept');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    answer = { status: 202, body: '' };
    mandate.clock.advance(600);
    const events = await hears(2);
    expect(new Set(events.map(({ jti }) => jti)).size).toBe(1);
    // It is written down that it was taken, a moment after the receiver said so.
    let seen = await admin.call('GET', path);
    for (let tries = 0; tries < 600 && seen.body.failures !== 0; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      seen = await admin.call('GET', path);
    }
    expect(seen.body).toMatchObject({ failures: 0, last_failure: null, has_token: true });
  });

  test('what ended is told beside a change that may concern anything, and where nothing is on record of it any more', async () => {
    const { store, stores } = mandate;
    const role = await stores.roles.create(actor, { slug: 'edited', name: 'Edited', permissions: ['api'] });
    if (role.outcome !== 'created') throw new Error(role.outcome);

    const [ended, narrowed] = [await authorization(), await authorization()];
    await turnIn(300);
    await stores.authorizations.revoke(actor, ended);
    const before = await stores.authorizations.find(narrowed);
    if (!before) throw new Error('no authorization');
    // It is nothing to this receiver any more.
    const nothing = { ...before, capabilities: [], projects: [] };
    await stores.authorizationEditor.edit(actor, narrowed, before.version, nothing);
    await stores.roles.update(actor, role.role.id, { permissions: [] });
    await turnIn(0);
    await saysEnded(ended);
    await saysEnded(narrowed);

    const gone = await authorization();
    await turnIn(300);
    received = [];
    await stores.authorizations.revoke(actor, gone);
    const last = await stores.roles.update(actor, role.role.id, { permissions: ['api'] });
    expect(last.outcome).toBe('done');
    const { n } = await store.db.selectFrom('change_counter').select('n').executeTakeFirstOrThrow();
    await store.db.deleteFrom('changes').where('seq', '<', n).execute();
    await turnIn(0);
    await saysEnded(gone);
  });

  test('beside a change that may concern anything, what expired long ago is not told again', async () => {
    const { store, stores, clock } = mandate;
    const role = await stores.roles.create(actor, {
      slug: 'edited-too',
      name: 'Edited',
      permissions: ['api'],
    });
    if (role.outcome !== 'created') throw new Error(role.outcome);
    const ids = [
      await authorization(),
      await authorization(),
      await authorization(),
      await authorization(),
    ] as const;
    const [expired, justExpired, carried, living] = ids;
    for (const [id, seconds] of [
      [expired, 86_400],
      [justExpired, 60],
    ] as const) {
      const times = { expires_at: clock.now() - seconds, updated_at: clock.now() - 2 * 86_400 };
      await store.db.updateTable('authorizations').set(times).where('id', '=', id).execute();
    }
    // As of an end that was taken over into a backup.
    await store.db
      .updateTable('authorizations')
      .set({ status: 'revoked', revoked_at: clock.now(), updated_at: clock.now() - 2 * 86_400 })
      .where('id', '=', carried)
      .execute();
    await stores.roles.update(actor, role.role.id, { permissions: [] });
    // They are told in the order of their ids.
    await isTold(living);
    expect(ids.map((id) => toldOf(id).length)).toEqual([0, 1, 1, 1]);
    await saysEnded(justExpired);
    await saysEnded(carried);
  });

  test('a clock that was ahead for a while puts nothing off, and hides no end', async () => {
    const { store, stores, clock } = mandate;
    const role = await stores.roles.create(actor, {
      slug: 'edited-late',
      name: 'Edited',
      permissions: ['api'],
    });
    if (role.outcome !== 'created') throw new Error(role.outcome);
    const ids = [await authorization(), await authorization()] as const;
    await turnIn(7_200);
    await stores.authorizations.revoke(actor, ids[0]);
    await saysEnded(ids[0]);

    await turnIn(300);
    received = [];
    const { after_seq: told } = await store.db
      .selectFrom('event_receivers')
      .select('after_seq')
      .executeTakeFirstOrThrow();
    await store.db
      .updateTable('changes')
      .set({ at: clock.now() + 7_200 })
      .where('seq', '=', told)
      .execute();
    await stores.authorizations.revoke(actor, ids[1]);
    await stores.roles.update(actor, role.role.id, { permissions: [] });
    await turnIn(0);
    await saysEnded(ids[1]);
  });

  test('a resource server that is disabled meanwhile is told nothing more, and goes on from there when it is enabled', async () => {
    const { stores } = mandate;
    const id = path.split('/')[2] ?? '';
    const ids = [await authorization(), await authorization()] as const;
    await turnIn(300);
    for (const one of ids) await stores.authorizations.revoke(actor, one);
    answering = async () => void (await stores.resourceServers.disable(actor, id));
    await turnIn(0);
    await saysEnded(ids[0]);
    // Longer than the next event would take.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(toldOf(ids[1])).toEqual([]);
    answering = async () => {};
    await stores.resourceServers.enable(actor, id);
    await saysEnded(ids[1]);
  });

  test('what was taken does not come again because its answer broke off', async () => {
    const ids = [await authorization(), await authorization()] as const;
    answering = async (response) => {
      response.writeHead(202, { 'Content-Length': 100 }).write('{');
      await new Promise((resolve) => setTimeout(resolve, 20));
      response.destroy();
    };
    for (const id of ids) await mandate.stores.authorizations.revoke(actor, id);
    await saysEnded(ids[0]);
    await saysEnded(ids[1]);
    expect(ids.map((id) => toldOf(id).length)).toEqual([1, 1]);
  });

  test('the page sets it, tries it and takes it away; addresses in the clear are refused', async () => {
    const browser = createBrowserlessClient(mandate.issuer);
    const signIn = await browser.get('/admin/resource-servers', { follow: true });
    await browser.submit(
      signIn,
      'Sign in',
      { Email: 'admin@acme.test', Password: demo.password },
      { follow: true },
    );
    const home = `/admin${path.replace('/event-receiver', '')}`;
    const tried = await browser.submit(await browser.get(home), 'Send a verification event', {});
    expect(tried.text).toContain('The receiver took the verification event');
    const [event] = await hears(1);
    expect(event?.events).toHaveProperty(['https://schemas.openid.net/secevent/ssf/event-type/verification']);
    await browser.submit(await browser.get(home), 'Push no more', {}, { follow: true });
    expect(await admin.call('GET', path)).toMatchObject({ status: 404 });
    for (const endpoint of ['http://a.example/events', 'no URL', `https://a.example/${'a'.repeat(3_000)}`]) {
      expect(await admin.call('PUT', path, { endpoint })).toMatchObject({ status: 422 });
    }
    // Too long and no URL: what is wrong with it is told once for each.
    expect(await admin.call('PUT', path, { endpoint: 'a'.repeat(3_000) })).toMatchObject({ status: 422 });
  });
});
