/** Guessing and colliding user codes (RFC 8628 sections 5.1 and 6.1). */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { type BrowserlessClient, createBrowserlessClient } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { postForm } from '../support/oauth.ts';

const letters = 'BCDFGHJKLMNPQRSTVWXZ';

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
  });
  afterAll(() => mandate.stop());

  const start = async () => {
    const { text } = await postForm(`${mandate.issuer}/device/auth`, {
      client_id: demo.cli.id,
      scope: 'api',
    });
    return JSON.parse(text) as { user_code: string; device_code: string };
  };
  /** A code that nobody was given. */
  const wrong = (number: number) =>
    `WWWWWW${[3, 2, 1, 0].map((place) => letters[Math.floor(number / 20 ** place) % 20]).join('')}`;
  const enter = async (browser: BrowserlessClient, code: string) =>
    browser.submit(await browser.get('/device'), 'Continue', { Code: code });

  test('DV-02: ten wrong codes are all that a browser may try, and a right one is none the better then', async () => {
    const { user_code: right } = await start();
    const browser = createBrowserlessClient(mandate.issuer);
    for (let number = 0; number < 10; number += 1) {
      expect((await enter(browser, wrong(number))).text).toContain('There is no such code');
    }
    for (const code of [wrong(10), right]) {
      const limited = await enter(browser, code);
      expect(limited).toMatchObject({ status: 429 });
      expect(limited.text).not.toContain('Is this the code');
    }
    // Somebody else at the same address still gets through, until the address itself has had its hundred.
    expect((await enter(createBrowserlessClient(mandate.issuer), right)).text).toContain('Is this the code');
  });

  test('DV-02: a right code costs nothing, however often it is entered', async () => {
    const { user_code: right } = await start();
    const browser = createBrowserlessClient(mandate.issuer);
    for (let times = 0; times < 12; times += 1) {
      expect((await enter(browser, right)).text).toContain('Is this the code');
    }
  });

  test('DV-02: a hundred wrong codes are all that an address may try in an hour, however many browsers it opens', async () => {
    let tried = 0;
    let limited = false;
    while (!limited && tried < 120) {
      const browser = createBrowserlessClient(mandate.issuer);
      for (let times = 0; times < 9 && !limited; times += 1) {
        limited = (await enter(browser, wrong(100 + tried))).status === 429;
        tried += 1;
      }
    }
    // Ten were tried before.
    expect(limited).toBe(true);
    expect(tried).toBeLessThanOrEqual(91);
    mandate.clock.advance(3_601);
    const { user_code: right } = await start();
    expect((await enter(createBrowserlessClient(mandate.issuer), right)).text).toContain('Is this the code');
  });

  test('a code sent from no page of ours is refused, with no session to remember it by', async () => {
    const { user_code: right } = await start();
    for (const cookie of ['', '1e309', '_session=unknown']) {
      const answer = await fetch(`${mandate.issuer}/device`, {
        method: 'POST',
        headers: { cookie, origin: mandate.issuer, 'sec-fetch-site': 'same-origin' },
        body: new URLSearchParams({ xsrf: 'x', user_code: right, confirm: 'yes' }),
      });
      expect([answer.status, answer.headers.get('set-cookie')]).toEqual([400, null]);
    }
  });

  test('DV-09: two device codes never share a user code', async () => {
    await start();
    const row = await mandate.store.db
      .selectFrom('oidc_artifacts')
      .selectAll()
      .where('model', '=', 'DeviceCode')
      .where('user_code', 'is not', null)
      .executeTakeFirstOrThrow();
    await expect(
      mandate.store.db
        .insertInto('oidc_artifacts')
        .values({ ...row, key: `${row.key}-other` })
        .execute(),
    ).rejects.toThrow(/unique/i);
  });
});
