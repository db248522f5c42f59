/** A device login (catalogue DV) on several nodes, over restarts and crashes, and before somebody who has approved the tool already. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { engines, freshDatabaseUrl } from '../support/databases.ts';
import { type BrowserlessClient, createBrowserlessClient, type Page } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, introspect, postForm } from '../support/oauth.ts';
import { signInIfAsked } from '../support/oauth-requests.ts';
import { race, statusesOf } from '../support/race.ts';
import { startServerProcess } from '../support/server-process.ts';

interface Started {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri_complete: string;
}
const actor = { id: 'test' };
const polling = (device_code: string) => ({
  grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
  client_id: demo.cli.id,
  device_code,
});

async function begin(issuer: string, headers: Record<string, string> = {}): Promise<Started> {
  const asked = { client_id: demo.cli.id, scope: 'api flows:edit' };
  const { status, text } = await postForm(`${issuer}/device/auth`, asked, undefined, headers);
  expect([status, text]).toEqual([200, text]);
  return JSON.parse(text) as Started;
}

/** Goes from the page of the address that has the code to the consent page. */
async function toConsent(browser: BrowserlessClient, entry: Page): Promise<Page> {
  const comparison = await browser.submit(entry, 'Continue', {}, { follow: true });
  return signInIfAsked(browser, await browser.submit(comparison, 'Continue', {}, { follow: true }));
}

async function approve(browser: BrowserlessClient, { verification_uri_complete }: Started): Promise<void> {
  const consent = await toConsent(browser, await browser.get(verification_uri_complete));
  const page = await browser.submit(consent, 'Authorize', { api: true, atlas: true }, { follow: true });
  expect(page.text).toContain('You are connected');
}

describe.each(engines)('on %s', (engine) => {
  let nodes: TestMandate[] = [];
  afterEach(async () => {
    for (const node of nodes.splice(0).toReversed()) await node.stop();
  });
  const startNode = async (): Promise<TestMandate> => {
    const [first] = nodes;
    const joined = first && { databaseUrl: first.databaseUrl, clock: first.clock };
    const node = await startMandate(joined ?? { engine });
    nodes = [...nodes, node];
    return node;
  };

  test('DV-01: a poll that comes too early is one on every node, also on one that was started since', async () => {
    const [one, other] = [await startNode(), await startNode()];
    const { device_code } = await begin(one.issuer);
    const errorAt = async (node: TestMandate, seconds: number) => {
      one.clock.advance(seconds);
      return (await askToken(node.issuer, polling(device_code))).body.error;
    };
    expect(await errorAt(one, 0)).toBe('authorization_pending');
    expect(await errorAt(other, 4)).toBe('slow_down');
    // Five seconds more each time, wherever it asks.
    expect(await errorAt(one, 5)).toBe('slow_down');
    const late = await startNode();
    expect(await errorAt(late, 5)).toBe('slow_down');
    expect(await errorAt(other, 6)).toBe('authorization_pending');
    expect(await errorAt(late, 19)).toBe('slow_down');
  });

  test('DV-04: who has approved the tool before sees who asks, from where and since when, and has to approve again', async () => {
    const mandate = await startNode();
    const browser = createBrowserlessClient(mandate.issuer);
    const before = await begin(mandate.issuer);
    await approve(browser, before);
    expect((await askToken(mandate.issuer, polling(before.device_code))).status).toBe(200);

    const started = await begin(mandate.issuer, { 'User-Agent': 'a tool elsewhere/1.0' });
    mandate.clock.advance(120);
    const pending = async () => {
      mandate.clock.advance(30);
      return (await askToken(mandate.issuer, polling(started.device_code))).body.error;
    };
    const entry = await browser.get(started.verification_uri_complete, { follow: true });
    expect(await pending()).toBe('authorization_pending');
    const comparison = await browser.submit(entry, 'Continue', {}, { follow: true });
    expect(comparison.text).toContain(started.user_code);
    expect(comparison.text).toContain('Mandate CLI');
    expect(comparison.text).toContain('a tool elsewhere/1.0');
    expect(comparison.text).toMatch(/127\.0\.0\.1|::1/);
    expect(comparison.body).toMatch(/<time\b/);
    expect(await pending()).toBe('authorization_pending');
    const consent = await browser.submit(comparison, 'Continue', {}, { follow: true });
    expect(consent.title).toContain('Authorize');
    expect(await pending()).toBe('authorization_pending');
    await browser.submit(consent, 'Authorize', { api: true }, { follow: true });
    mandate.clock.advance(30);
    expect((await askToken(mandate.issuer, polling(started.device_code))).status).toBe(200);
  });

  test('DV-07, RV-02: an approval that was revoked before the poll gives no token', async () => {
    const mandate = await startNode();
    const started = await begin(mandate.issuer);
    await approve(createBrowserlessClient(mandate.issuer), started);
    const approved = await mandate.store.db
      .selectFrom('authorizations')
      .select('id')
      .where('client_id', '=', demo.cli.id)
      .execute();
    expect(approved).toHaveLength(1);
    for (const { id } of approved) await mandate.stores.authorizations.revoke(actor, id);
    const answer = await askToken(mandate.issuer, polling(started.device_code));
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant']);
  });

  test('DV-07: an approval outlives kill -9, and gives exactly one token', async () => {
    const database = await freshDatabaseUrl(engine);
    const killed = await startServerProcess({ databaseUrl: database.url });
    const { issuer, port } = killed;
    let back = killed;
    try {
      const started = await begin(issuer);
      await approve(createBrowserlessClient(issuer), started);
      await killed.kill();
      back = await startServerProcess({ databaseUrl: database.url, issuer, port });
      const body = new URLSearchParams(polling(started.device_code));
      const answers = await race([back], 10, (node) => node.send('/token', { body }));
      expect(statusesOf(answers)).toEqual({ 200: 1, 400: 9 });
      const winner = answers.find(({ status }) => status === 200);
      const { access_token = '' } = JSON.parse(winner?.text ?? '{}') as { access_token?: string };
      expect(await introspect(issuer, access_token)).toMatchObject({ active: true });
    } finally {
      await back.kill();
      await database.drop();
    }
  });
});
