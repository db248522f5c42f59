/** The audit trail is trimmed under nodes, listeners and receivers that were away for longer: nobody goes on from before. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { signInToApi } from '../support/administrator.ts';
import { listen } from '../support/change-stream.ts';
import { engines } from '../support/databases.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { introspect } from '../support/oauth.ts';

const day = 86_400;
const actor = { id: 'test' };

describe.each(engines)('on %s', (engine) => {
  let busy: TestMandate;
  let idle: TestMandate;
  let editor: string;
  const open: { close(): void }[] = [];

  beforeAll(async () => {
    busy = await startMandate({ engine, auditRetentionDays: 30 });
    idle = await startMandate({ databaseUrl: busy.databaseUrl, clock: busy.clock });
    editor = (await busy.stores.users.findByEmail('editor@acme.test'))?.id ?? '';
  });
  afterEach(() => {
    for (const one of open.splice(0)) one.close();
  });
  afterAll(async () => {
    await idle.stop();
    await busy.stop();
  });

  const makeKey = async (name: string) => {
    const slice = { capabilities: ['api', 'apps:view'], roles: [], projects: [], mcpServers: [] };
    const made = await busy.stores.apiKeys.create(actor, { userId: editor, name, ...slice, expiresAt: null });
    return { id: made.authorization.id, secret: made.secret };
  };
  const hear = async (after?: string) => {
    const heard = await listen(idle.issuer, demo.apiServer, after);
    open.push(heard);
    await heard.until(() => heard.lastId() !== undefined);
    return heard;
  };
  const atIdle = (secret: string) => introspect(idle.issuer, secret);
  const numbers = async () =>
    (await busy.store.db.selectFrom('changes').select('seq').orderBy('seq').execute()).map(({ seq }) => seq);

  test('a node that was not asked for longer answers what holds now, and a stream that comes back later forgets all', async () => {
    const [ended, narrowed, same] = [
      await makeKey('ended'),
      await makeKey('narrowed'),
      await makeKey('same'),
    ];
    for (let times = 0; times < 3; times += 1) {
      for (const { secret } of [ended, narrowed, same])
        expect((await atIdle(secret)).scope).toBe('api apps:view');
    }
    const before = await hear();
    const place = before.lastId() ?? '';
    before.close();
    await busy.stores.authorizations.revoke(actor, ended.id);
    const now = await busy.stores.authorizations.find(narrowed.id);
    if (!now) throw new Error('no authorization');
    await busy.stores.authorizationEditor.edit(actor, narrowed.id, now.version, {
      ...now,
      capabilities: ['api'],
    });
    busy.clock.advance(31 * day);
    await busy.stores.users.suspend(actor, (await busy.stores.users.findByEmail('ci@acme.test'))?.id ?? '');
    await idle.app.garbage.collect();
    expect((await numbers()).length).toBeGreaterThan(3);
    await busy.app.garbage.collect();
    const [oldest = 0] = await numbers();
    expect(oldest).toBeGreaterThan(Number(place) + 2);

    expect(await atIdle(ended.secret)).toEqual({ active: false });
    expect((await atIdle(narrowed.secret)).scope).toBe('api');
    expect((await atIdle(same.secret)).scope).toBe('api apps:view');

    const back = await hear(place);
    expect(back.events.map(({ type }) => type)).toEqual(['flush']);
    expect(Number(back.lastId())).toBeGreaterThanOrEqual(oldest);
    // Whoever was told of all that went has missed nothing.
    const inStep = await hear(String(oldest - 1));
    expect(inStep.events.filter(({ type }) => type === 'flush')).toEqual([]);
  });

  test('the audit trail shows what is left of it', async () => {
    const gone = await busy.stores.users.create(actor, { kind: 'person', email: 'x@acme.test', name: 'X' });
    if (gone.outcome !== 'created') throw new Error(gone.outcome);
    const key = await makeKey('made by somebody');
    await busy.stores.authorizations.suspend({ id: gone.user.id }, key.id);
    busy.clock.advance(31 * day);
    await busy.stores.authorizations.resume({ id: gone.user.id }, key.id);
    await busy.app.garbage.collect();
    const admin = await signInToApi(busy.issuer, 'admin@acme.test');
    const { status, body } = await admin.call<{ items: { seq: number; action: string }[] }>(
      'GET',
      '/changes?limit=200',
    );
    expect(status).toBe(200);
    const left = await numbers();
    expect(body.items.map(({ seq }) => seq)).toEqual(left.toReversed());
    expect(body.items.some(({ action }) => action === 'suspended')).toBe(false);
  });
});
