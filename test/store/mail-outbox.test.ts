import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { createMail, type MailSettings } from '../../src/mail/mail.ts';
import { createOutbox } from '../../src/mail/outbox.ts';
import { createLabelledCounters } from '../../src/operations/labelled-counters.ts';
import { createSecrets } from '../../src/secrets.ts';
import { engines } from '../support/databases.ts';
import { messages } from '../support/sample-pages.ts';
import { type SmtpServer, startSmtpServer } from '../support/smtp-server.ts';
import { startStopwatch } from '../support/thread-time.ts';
import { actor, makeUser, openStores, type Stores } from './open-stores.ts';

const issuer = 'https://mandate.example';
const letter = {
  kind: 'invitation',
  to: 'ada@acme.test',
  by: 'owner@acme.test',
  token: 'tok-en-1',
  until: 1_790_600_000,
} as const;

describe.each(engines)('the outbox on %s', (engine) => {
  let stores: Stores;
  let smtp: SmtpServer;
  beforeEach(async () => {
    stores = await openStores(engine);
    smtp = await startSmtpServer();
    mails = createLabelledCounters();
  });
  afterEach(async () => {
    await smtp.stop();
    await stores.close();
  });

  const lines: string[] = [];
  let mails = createLabelledCounters();
  const counted = () => Object.fromEntries(mails.all().map(({ name, counter }) => [name, counter.n]));
  const sender = (settings: Partial<MailSettings> = {}, outbox = stores.outbox) =>
    createMail({
      issuer,
      settings: {
        route: { kind: 'smtp', url: smtp.url },
        from: 'Mandate <mandate@mandate.example>',
        language: 'en',
        ...settings,
      },
      outbox,
      messages,
      log: pino({}, { write: (line: string) => void lines.push(line) }),
      mails,
      answerReset: async () => undefined,
    });
  const post = (about: Parameters<Stores['outbox']['post']>[2] = {}) =>
    stores.store.transact((trx) => stores.outbox.post(trx, letter, about));
  const rows = () => stores.store.db.selectFrom('mail_outbox').selectAll().execute();

  test('is written with the change that it tells of, or not at all', async () => {
    await expect(
      stores.store.transact(async (trx) => {
        await stores.outbox.post(trx, letter);
        throw new Error('rolled back');
      }),
    ).rejects.toThrow('rolled back');
    expect(await rows()).toEqual([]);
  });

  test('holds nothing that can be read, and forgets it once it is sent', async () => {
    const id = await post({ locale: 'de' });
    const [waiting] = await rows();
    expect(JSON.stringify(waiting)).not.toMatch(/tok-en-1|ada@acme/);
    expect(await sender().sendDue()).toBe(1);
    const mail = await smtp.next();
    expect(mail).toMatchObject({
      from: 'mandate@mandate.example',
      to: ['ada@acme.test'],
      subject: 'Sie sind zu Mandate eingeladen',
    });
    expect(mail.headers.get('message-id')).toBe(`<${id}@mandate.example>`);
    expect(mail.headers.get('auto-submitted')).toBe('auto-generated');
    expect(mail.text).toContain('https://mandate.example/invitation?token=tok-en-1');
    expect(mail.html).toContain('<a href="https://mandate.example/invitation?token=tok-en-1">');
    expect((await rows()).map(({ sealed, sent_at }) => ({ sealed, sent_at }))).toEqual([
      { sealed: null, sent_at: stores.clock.now() },
    ]);
    expect(await sender().sendDue()).toBe(0);
  });

  test('gives each letter to one of many senders', async () => {
    for (let n = 0; n < 30; n += 1) await post();
    const sent = await Promise.all([1, 2, 3, 4].map(() => sender().sendDue()));
    expect(sent.reduce((sum, n) => sum + n)).toBe(30);
    expect(new Set(smtp.received.map(({ headers }) => headers.get('message-id'))).size).toBe(30);
    expect(smtp.received.length).toBe(30);
  });

  test('tries again later what was not taken for now, and logs a code alone', async () => {
    await post();
    smtp.refusals.push('451 4.3.0 tok-en-1 come back', 'hang_up');
    const mail = sender();
    expect(await mail.sendDue()).toBe(0);
    expect(await stores.outbox.waiting()).toBe(1);
    expect(await mail.sendDue()).toBe(0);
    stores.clock.advance(120);
    expect(await mail.sendDue()).toBe(0);
    stores.clock.advance(120);
    expect(await mail.sendDue()).toBe(0);
    stores.clock.advance(180);
    expect(await mail.sendDue()).toBe(1);
    expect(smtp.received.length).toBe(1);
    expect(await stores.outbox.waiting()).toBe(0);
    expect(counted()).toEqual({ sent: 1, failed: 2, given_up: 0 });
    expect(lines.join('')).toMatch(/EMESSAGE 451/);
    expect(lines.join('')).not.toMatch(/tok-en-1|ada@acme/);
  });

  test('gives up what is refused for good, and what was tried for hours', async () => {
    await post();
    smtp.refusals.push('550 5.1.1 nobody');
    expect(await sender().sendDue()).toBe(0);
    expect(await rows()).toMatchObject([{ sealed: null, failed_at: stores.clock.now(), sent_at: null }]);
    const id = await post();
    const hanging = Array<'hang_up'>(6).fill('hang_up');
    smtp.refusals.push(...hanging);
    for (let n = 0; n < 6; n += 1) {
      await sender().sendDue();
      stores.clock.advance(6 * 3_600);
    }
    const [given] = (await rows()).filter((row) => row.id === id);
    expect(given).toMatchObject({ sealed: null, attempts: 6, sent_at: null });
    expect(await sender().sendDue()).toBe(0);
    expect(smtp.received.length).toBe(0);
    expect(counted()).toEqual({ sent: 0, failed: 5, given_up: 2 });
  });

  test('says so when there is nowhere to send to, and when it was sealed under another secret', async () => {
    const id = await post();
    expect(await sender({ route: { kind: 'none' } }).sendDue()).toBe(0);
    const other = createOutbox({
      ...stores,
      secrets: createSecrets('another secret for tests, long enough'),
    });
    const strange = await post();
    expect(await sender({}, other).sendDue()).toBe(0);
    expect((await rows()).map((row) => [row.id, row.failure, row.sealed])).toEqual(
      expect.arrayContaining([
        [id, 'no_transport', null],
        [strange, 'sealed_otherwise', null],
      ]),
    );
  });

  test('puts mail into a folder that nobody else reads, in development', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mandate-mail-'));
    const path = join(folder, 'mail');
    const id = await post();
    const mail = sender({ route: { kind: 'folder', path } });
    expect(await mail.sendDue()).toBe(1);
    expect(await readdir(path)).toEqual([`${id}.eml`]);
    const file = mail.fileOf(id) ?? '';
    expect(await readFile(file, 'utf8')).toMatch(/^To: ada@acme\.test$/m);
    expect(await readFile(file, 'utf8')).toMatch(/^https:\/\/mandate\.example\/invitation\?token=tok-en-1$/m);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await rm(folder, { recursive: true });
  });

  test('stops in time although the mail server hangs, and leaves the letter to the next one', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    await post();
    const mail = sender({ route: { kind: 'smtp', url: `smtp://127.0.0.1:${port}` } });
    const stop = mail.start();
    const sending = mail.sendDue();
    while ((await rows())[0]?.attempts !== 1) await new Promise((resolve) => setTimeout(resolve, 10));
    const taken = startStopwatch();
    await stop();
    expect(taken()).toBeLessThan(5_000);
    stores.clock.advance(120);
    expect(await sender().sendDue()).toBe(1);
    silent.close();
    await sending;
  }, 30_000);

  test('drops what waits for an account, and clears away what is long done', async () => {
    const userId = await makeUser(stores, 'ada@acme.test');
    await post({ userId });
    await stores.store.transact((trx) => stores.outbox.drop(trx, { userId }));
    expect(await rows()).toEqual([]);
    await post({ userId });
    await sender().sendDue();
    stores.clock.advance(31 * 86_400);
    expect(await stores.outbox.clear()).toBe(1);
  });

  test('tells people what somebody else did with their keys, and nobody what they did themselves', async () => {
    const owner = await makeUser(stores, 'owner@acme.test');
    const ada = await makeUser(stores, 'ada@acme.test');
    const grace = await makeUser(stores, 'grace@acme.test');
    const slice = { capabilities: ['api'], roles: [], projects: [], mcpServers: [], expiresAt: null };
    await stores.apiKeys.create({ id: ada }, { userId: ada, name: 'her own', ...slice });
    const made = await stores.apiKeys.create(
      { id: owner },
      { userId: ada, name: 'nightly\r\nBcc: x@evil.test', ...slice },
    );
    const { id, version, name } = made.authorization;
    await stores.apiKeys.disableLeaked({ id: 'anonymous' }, made.secret);
    const editor = stores.authorizationEditor;
    await editor.move({ id: owner }, id, version + 1, grace, { ...slice, name });
    await stores.store.transact((trx) => stores.authorizations.markReplayed(trx, actor, id, '203.0.113.5'));
    await stores.users.update({ id: ada }, ada, { passwordHash: 'other' });
    expect(await sender().sendDue()).toBe(6);
    expect(smtp.received.map(({ to, subject }) => `${to[0]}: ${subject}`).sort()).toEqual([
      'ada@acme.test: An API key of yours was moved',
      'ada@acme.test: An API key was found where it does not belong',
      'ada@acme.test: An API key was made for you',
      'ada@acme.test: Your password was changed',
      'grace@acme.test: An API key is yours now',
      'grace@acme.test: An old token was used again',
    ]);
    const told = smtp.received.find(({ subject }) => subject === 'An API key was made for you');
    expect(told?.text).toContain('“nightly Bcc: x@evil.test” was made for you by owner@acme.test');
    expect(told?.text).toContain(`${issuer}/account/authorizations/${id}`);
  });
});
