/** Somebody chooses anew for a tool at the moment at which its authorization ends: the end wins, and they are told so. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { inTheMiddle } from '../support/in-the-middle.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { introspect, pkce, tokenByCode } from '../support/oauth.ts';

const person = { email: 'editor@acme.test', answers: { 'flows:edit': true, atlas: true } };

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
  });
  afterAll(() => mandate.stop());

  test('the choice is no mistake of ours, and brings nothing back', async () => {
    const { issuer, store, stores } = mandate;
    const client = createBrowserlessClient(issuer);
    const { access_token: token = '' } = await tokenByCode(issuer, person, {}, client);
    const owner = await stores.users.findByEmail(person.email);
    const [{ id } = { id: '' }] = await stores.authorizations.listByUser(owner?.id ?? '');
    const request = new URLSearchParams({
      client_id: demo.web.id,
      response_type: 'code',
      redirect_uri: demo.web.redirect,
      code_challenge: pkce().challenge,
      code_challenge_method: 'S256',
      scope: 'openid api flows:edit',
      prompt: 'consent',
    });
    const page = await client.get(`/authorize?${request}`, { follow: true });
    const answer = await inTheMiddle(
      store,
      (trx) => stores.authorizations.revoke({ id: 'command' }, id, trx),
      () => client.submit(page, 'Authorize', person.answers),
    );
    // Read before the end, the choice comes too late; where something else was what waited, it is read after it and is one of its own.
    expect([303, 400]).toContain(answer.status);
    expect((await stores.authorizations.find(id))?.status).toBe('revoked');
    expect(await introspect(issuer, token)).toEqual({ active: false });
  });
});
