/** What an operator counts: introspections by outcome and resource server, sign-ins, tokens; in buckets, never a row a call. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, introspect, postForm, tokenByCode } from '../support/oauth.ts';

describe.each(engines)('what is counted on %s', (engine) => {
  let mandate: TestMandate;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
  });
  afterAll(() => mandate.stop());

  async function counted(): Promise<Record<string, number>> {
    await mandate.app.settle();
    const buckets = await mandate.stores.activity.since('day', 0);
    return Object.fromEntries(
      buckets.map(({ topic, outcome, party, n }) => [[topic, outcome, party].join(' ').trim(), n]),
    );
  }

  test('is every introspection, sign-in and token, each once', async () => {
    const { issuer } = mandate;
    const { access_token: accessToken = '' } = await tokenByCode(issuer, {
      email: 'editor@acme.test',
      answers: { 'flows:edit': true, atlas: true, 'Role in atlas': 'Editor' },
    });
    for (let round = 0; round < 5; round += 1) await introspect(issuer, accessToken);
    await introspect(issuer, accessToken, demo.mcpServer);
    await introspect(issuer, 'unknown');
    await postForm(`${issuer}/introspect`, { token: accessToken }, { id: 'acme-api', secret: 'wrong' });
    // The uncommon way of asking is counted too.
    await postForm(`${issuer}/introspect?`, { token: accessToken }, demo.apiServer);
    await askToken(issuer, { grant_type: 'client_credentials' }, demo.ci);
    const client = createBrowserlessClient(issuer);
    await client.submit(await client.get('/sign-in'), 'Sign in', {
      Email: 'editor@acme.test',
      Password: 'wrong',
    });
    expect(await counted()).toEqual({
      'introspection active acme-api': 6,
      'introspection inactive acme-api': 1,
      'introspection inactive acme-mcp': 1,
      'introspection refused_caller': 1,
      'sign_in signed_in': 1,
      'sign_in wrong': 1,
      'token authorization_code': 1,
      'token client_credentials': 1,
    });
    const { rows } = await mandate.store.db
      .selectFrom('activity')
      .select((is) => is.fn.countAll<number>().as('rows'))
      .executeTakeFirstOrThrow();
    // One for the hour and one for the day.
    expect(Number(rows)).toBe(2 * 8);
  });
});
