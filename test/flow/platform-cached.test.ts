/** The example platform with the kit's cache, against the real server. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createPlatform, type Platform } from '../../examples/platform/platform.ts';
import { freePort } from '../support/free-port.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken } from '../support/oauth.ts';
import { startStopwatch } from '../support/thread-time.ts';

let mandate: TestMandate;
let platform: Platform;
let origin: string;

beforeAll(async () => {
  const port = await freePort();
  origin = `http://localhost:${port}`;
  mandate = await startMandate({ platformOrigin: origin });
  platform = createPlatform({
    port,
    origin,
    issuer: mandate.issuer,
    apiSecret: demo.apiServer.secret,
    mcpSecret: demo.mcpServer.secret,
    webSecret: demo.web.secret,
    cached: true,
  });
  await platform.start();
});
afterAll(async () => {
  await platform.stop();
  await mandate.stop();
});

test('takes a token from memory and refuses it soon after it was revoked', async () => {
  const { body } = await askToken(
    mandate.issuer,
    { grant_type: 'client_credentials', scope: 'api', resource: `${origin}/api` },
    demo.ci,
  );
  const call = async () => {
    const response = await fetch(`${origin}/api/projects`, {
      headers: { authorization: `Bearer ${body.access_token}` },
    });
    await response.text();
    return response.status;
  };
  expect(await call()).toBe(200);
  await new Promise((resolve) => void setTimeout(resolve, 200));
  for (let again = 0; again < 20; again++) expect(await call()).toBe(200);
  const { id } = await mandate.store.db.selectFrom('authorizations').select('id').executeTakeFirstOrThrow();
  await mandate.stores.authorizations.revoke({ id: 'test' }, id);
  const taken = startStopwatch();
  while ((await call()) === 200) await new Promise((resolve) => void setTimeout(resolve, 2));
  expect(taken()).toBeLessThan(1_000);
  expect(await call()).toBe(401);
});
