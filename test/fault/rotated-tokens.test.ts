/** RF-06: a refresh token that was rotated is not good again because whoever rotated it is gone. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { movableClock } from '../support/clock.ts';
import { engines } from '../support/databases.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, introspect, tokenByCode } from '../support/oauth.ts';

const person = { email: 'editor@acme.test', answers: { 'flows:edit': true, atlas: true } };
const refresh = (issuer: string, refresh_token = '') =>
  askToken(issuer, { grant_type: 'refresh_token', refresh_token }, demo.web);

describe.each(engines)('on %s', (engine) => {
  const nodes: TestMandate[] = [];
  afterEach(async () => {
    for (const node of nodes.splice(0).toReversed()) await node.stop();
  });

  test('RF-06: after its window it is refused by a node that was started since, and ends its family there', async () => {
    const clock = movableClock();
    const first = await startMandate({ engine, clock });
    nodes.push(first);
    const start = async () => {
      const node = await startMandate({ databaseUrl: first.databaseUrl, clock });
      nodes.push(node);
      return node;
    };
    const gone = await start();
    const tokens = await tokenByCode(gone.issuer, person);
    const next = await refresh(gone.issuer, tokens.refresh_token);
    expect(next.status).toBe(200);
    await nodes.pop()?.stop();
    // Longer than the window, shorter than the tokens live.
    clock.advance(601);
    const back = await start();
    expect(await introspect(back.issuer, next.body.access_token ?? '')).toMatchObject({ active: true });
    const answer = await refresh(back.issuer, tokens.refresh_token);
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant']);
    expect((await refresh(first.issuer, next.body.refresh_token)).status).toBe(400);
    for (const node of [first, back]) {
      expect(await introspect(node.issuer, next.body.access_token ?? '')).toEqual({ active: false });
    }
  });
});
