/** `mandate owner`: from an empty database to somebody who administers, without a password in any file. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runCommand } from '../support/command-line.ts';
import { engines, type FreshDatabase, freshDatabaseUrl } from '../support/databases.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';

interface Made {
  readonly created: boolean;
  readonly invitation: { readonly url: string; readonly expires_at: number } | null;
}

const password = 'seven quiet lanterns';

describe.each(engines)('on %s', (engine) => {
  let database: FreshDatabase;
  let mandate: TestMandate;
  beforeAll(async () => {
    database = await freshDatabaseUrl(engine);
    expect((await runCommand(['migrate'], { DATABASE_URL: database.url })).code).toBe(0);
  });
  afterAll(async () => {
    await mandate.stop();
    await database.drop();
  });

  const run = (...args: string[]) =>
    runCommand(['owner', ...args], {
      DATABASE_URL: database.url,
      ISSUER: mandate?.issuer ?? 'http://localhost:4000',
    });
  const make = async (...args: string[]): Promise<Made> => {
    const { code, stdout, stderr } = await run(...args, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout) as Made;
  };
  async function accept(url: string, name: string) {
    const client = createBrowserlessClient(mandate.issuer);
    const answers = { Name: name, 'New password': password, 'New password, once more': password };
    await client.submit(await client.get(url), 'Set password and sign in', answers);
    return client;
  }

  test('makes the first one where no server has run yet', async () => {
    const early = await make('ada@example.com', '--name', 'Ada');
    expect(early).toMatchObject({ created: true, invitation: { expires_at: expect.any(Number) } });
    mandate = await startMandate({ databaseUrl: database.url });
    // Asked again, it is another link, and the one before opens nothing.
    const { created, invitation } = await make('Ada@example.com');
    expect(created).toBe(false);
    const ada = await accept(invitation?.url ?? '', 'Ada Lovelace');
    const before = new URL(early.invitation?.url ?? '');
    expect((await ada.get(`${mandate.issuer}${before.pathname}${before.search}`)).status).toBe(410);
    expect((await ada.get('/admin/users')).text).toContain('Ada Lovelace');
    expect((await ada.get('/admin/users/invite')).status).toBe(200);
  });

  test('makes another one of somebody who has a password, and sends nobody anywhere', async () => {
    const second = await make('grace@example.com');
    await accept(second.invitation?.url ?? '', 'Grace');
    const { stdout } = await run('grace@example.com');
    expect(stdout).toBe('grace@example.com is an Owner, with the password that they have\n');
    const id = (await mandate.stores.users.findByEmail('grace@example.com'))?.id ?? '';
    const actions = (await mandate.stores.history.of('user', id, 20)).map(({ action, actor }) => [
      action,
      actor,
    ]);
    expect(actions).toEqual(
      expect.arrayContaining([
        ['created', 'command'],
        ['invited', 'command'],
      ]),
    );
  });

  test.each([
    [['nobody'], 2, /nobody is no e-mail address/],
    [['eve@example.com', '--name', ' '], 2, /a name has/],
    [['bot@example.com'], 1, /a service account/],
    [['gone@example.com'], 1, /suspended: run `mandate users resume gone@example.com` first/],
  ])('%j changes nothing', async (args, code, said) => {
    const actor = { id: 'test' };
    const { users } = mandate.stores;
    await users.create(actor, { kind: 'service_account', email: 'bot@example.com', name: 'Bot' });
    const gone = await users.create(actor, { kind: 'person', email: 'gone@example.com', name: 'Gone' });
    if (gone.outcome === 'created') await users.suspend(actor, gone.user.id);
    const counted = () =>
      mandate.store.db
        .selectFrom('changes')
        .select(({ fn }) => fn.countAll().as('n'))
        .executeTakeFirst();
    const before = await counted();
    const refused = await run(...args);
    expect([refused.code, refused.stdout]).toEqual([code, '']);
    expect(refused.stderr).toMatch(said);
    expect(await counted()).toEqual(before);
  });
});
