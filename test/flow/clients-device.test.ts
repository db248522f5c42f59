/** A command line without a browser: device authorization (RFC 8628) by two clients that know nothing of each other. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as openid from 'openid-client';
import { engines } from '../support/databases.ts';
import { type BrowserlessClient, createBrowserlessClient, type Page } from '../support/http.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, introspect, postForm, type TokenAnswer } from '../support/oauth.ts';
import { signInIfAsked } from '../support/oauth-requests.ts';

describe.each(engines)('on %s', (engine) => {
  const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';
  const actor = { id: 'command' };

  interface DeviceAnswer {
    readonly device_code: string;
    readonly user_code: string;
    readonly verification_uri: string;
    readonly verification_uri_complete: string;
    readonly expires_in: number;
    readonly interval: number;
  }

  let mandate: TestMandate;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
  });
  afterAll(() => mandate.stop());

  async function begin(scope = 'api flows:edit'): Promise<DeviceAnswer> {
    const { status, text } = await postForm(`${mandate.issuer}/device/auth`, {
      client_id: demo.cli.id,
      scope,
    });
    expect(status).toBe(200);
    return JSON.parse(text) as DeviceAnswer;
  }

  function poll(deviceCode: string): Promise<TokenAnswer> {
    const fields = { grant_type: deviceGrant, client_id: demo.cli.id, device_code: deviceCode };
    return askToken(mandate.issuer, fields);
  }

  /** Types the code at /device, as it is shown. */
  async function enterCode(code: string, browser = createBrowserlessClient(mandate.issuer)): Promise<Page> {
    return browser.submit(await browser.get('/device'), 'Continue', { Code: code });
  }

  /** Goes from the comparison page to the consent page. */
  async function compare(page: Page, browser: BrowserlessClient, email?: string): Promise<Page> {
    return signInIfAsked(browser, await browser.submit(page, 'Continue', {}, { follow: true }), email);
  }

  /** Does everything that a person does, to the last page. */
  async function finishAs(decision: 'Authorize' | 'Deny', code: string, email?: string): Promise<Page> {
    const browser = createBrowserlessClient(mandate.issuer);
    const consent = await compare(await enterCode(code, browser), browser, email);
    expect(consent.title).toContain('Authorize');
    const answers = decision === 'Authorize' ? { api: true, atlas: true } : {};
    return browser.submit(consent, decision, answers, { follow: true });
  }

  describe('two clients agree', () => {
    /** What a token amounts to, without what tells two tokens apart. */
    const amounts = async (token: string | undefined) => {
      const { scope, authorization_details, client_id, username, aud } = await introspect(
        mandate.issuer,
        token ?? '',
      );
      return { scope, authorization_details, client_id, username, aud };
    };

    test('openid-client and requests by hand get the same answers and the same rights', async () => {
      const config = await openid.discovery(new URL(mandate.issuer), demo.cli.id, undefined, openid.None(), {
        execute: [openid.allowInsecureRequests],
      });
      const answered = await openid.initiateDeviceAuthorization(config, { scope: 'api flows:edit' });
      const byHand = await begin();
      expect({ ...answered, device_code: '', user_code: '', verification_uri_complete: '' }).toEqual({
        ...byHand,
        ...{ device_code: '', user_code: '', verification_uri_complete: '' },
      });

      const polling = openid.pollDeviceAuthorizationGrant(config, answered);
      expect((await finishAs('Authorize', answered.user_code)).text).toContain('You are connected');
      expect((await finishAs('Authorize', byHand.user_code)).text).toContain('You are connected');
      const [byLibrary, { body }] = await Promise.all([polling, poll(byHand.device_code)]);

      expect(byLibrary.token_type.toLowerCase()).toBe(body.token_type?.toString().toLowerCase());
      expect(byLibrary.scope).toBe(body.scope);
      expect(await amounts(byLibrary.access_token)).toEqual(await amounts(body.access_token));
      expect(await amounts(body.access_token)).toMatchObject({
        scope: 'api flows:edit',
        client_id: demo.cli.id,
        username: 'editor@acme.test',
      });
      const again = await openid.refreshTokenGrant(config, byLibrary.refresh_token ?? '');
      expect(await amounts(again.access_token)).toEqual(await amounts(body.access_token));
    }, 90_000);

    test('each sign-in of a command line is an authorization of its own', async () => {
      const [one, other] = [await begin(), await begin()];
      await finishAs('Authorize', one.user_code);
      await finishAs('Authorize', other.user_code);
      const tokens = [await poll(one.device_code), await poll(other.device_code)];
      const ids = await Promise.all(
        tokens.map(
          async ({ body }) => (await introspect(mandate.issuer, body.access_token ?? '')).authorization_id,
        ),
      );
      expect(new Set(ids).size).toBe(2);
    });
  });

  describe('polling', () => {
    test('is told the interval of 5 seconds, and authorization_pending until somebody decides', async () => {
      const { interval, device_code, verification_uri, expires_in } = await begin();
      expect([interval, expires_in, verification_uri]).toEqual([5, 600, `${mandate.issuer}/device`]);
      expect(await poll(device_code)).toMatchObject({
        status: 400,
        body: { error: 'authorization_pending' },
      });
    });

    test('DV-01: is told slow_down when it comes too early, and then waits 5 seconds more', async () => {
      const { device_code } = await begin();
      const errorAfter = async (seconds: number) => {
        mandate.clock.advance(seconds);
        return (await poll(device_code)).body.error;
      };
      expect(await errorAfter(0)).toBe('authorization_pending');
      expect(await errorAfter(5)).toBe('authorization_pending');
      expect(await errorAfter(4)).toBe('slow_down');
      expect(await errorAfter(5)).toBe('slow_down');
      expect(await errorAfter(15)).toBe('authorization_pending');
    });

    test('DV-06: is told access_denied when the person denies on the consent page, once, then invalid_grant', async () => {
      const { device_code, user_code } = await begin();
      expect((await finishAs('Deny', user_code)).text).toContain('Nothing was authorized');
      expect(await poll(device_code)).toMatchObject({ status: 400, body: { error: 'access_denied' } });
      for (let again = 0; again < 2; again += 1) {
        expect(await poll(device_code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
      }
    });

    test('DV-06: is told the same when the person cancels at the comparison', async () => {
      const { device_code, user_code } = await begin();
      const browser = createBrowserlessClient(mandate.issuer);
      const page = await browser.submit(await enterCode(user_code, browser), 'Cancel', {}, { follow: true });
      expect(page.text).toContain('Cancelled');
      expect(await poll(device_code)).toMatchObject({ status: 400, body: { error: 'access_denied' } });
      expect(await poll(device_code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    });

    test('DV-06: is told expired_token after ten minutes', async () => {
      const { device_code } = await begin();
      mandate.clock.advance(601);
      expect(await poll(device_code)).toMatchObject({ status: 400, body: { error: 'expired_token' } });
    });

    test('is refused once it has its token, which lives on', async () => {
      const { device_code, user_code } = await begin();
      await finishAs('Authorize', user_code);
      const { status, body } = await poll(device_code);
      expect(status).toBe(200);
      expect(await poll(device_code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
      expect(await introspect(mandate.issuer, body.access_token ?? '')).toMatchObject({ active: true });
      const refresh = {
        grant_type: 'refresh_token',
        client_id: demo.cli.id,
        refresh_token: body.refresh_token ?? '',
      };
      expect((await askToken(mandate.issuer, refresh)).status).toBe(200);
    });

    test('DV-07: gets no token when the person was suspended after approving', async () => {
      const { device_code, user_code } = await begin();
      await finishAs('Authorize', user_code, 'viewer@acme.test');
      const viewer = await mandate.stores.users.findByEmail('viewer@acme.test');
      await mandate.stores.users.suspend(actor, viewer?.id ?? '');
      const answer = await poll(device_code);
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
      expect(answer.body.access_token).toBeUndefined();
      await mandate.stores.users.resume(actor, viewer?.id ?? '');
    });

    test("is refused with another client's code", async () => {
      const { device_code, user_code } = await begin();
      await finishAs('Authorize', user_code);
      const fields = { grant_type: deviceGrant, device_code };
      expect((await askToken(mandate.issuer, fields, demo.web)).status).toBe(400);
      expect((await poll(device_code)).status).toBe(200);
    });
  });

  describe('the code entry page', () => {
    test('DV-04: verification_uri_complete only fills the field', async () => {
      const { verification_uri_complete, user_code, device_code } = await begin();
      const page = await createBrowserlessClient(mandate.issuer).get(verification_uri_complete);
      expect(page.title).toContain('Connect a device');
      const field = page.forms.flatMap(({ fields }) => fields).find(({ name }) => name === 'user_code');
      expect(field?.value).toBe(user_code);
      expect((await poll(device_code)).body.error).toBe('authorization_pending');
    });

    test('DV-08: takes the code in any case and width, with blanks or without dashes', async () => {
      for (const spell of [
        (code: string) => code.toLowerCase(),
        (code: string) => code.replace('-', ''),
        (code: string) => ` ${code.replace('-', ' ')} `,
        (code: string) =>
          code.replace(/[A-Z]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) + 0xfee0)),
      ]) {
        const { user_code } = await begin();
        const page = await enterCode(spell(user_code));
        expect(page.title).toContain('Is this the code?');
        expect(page.text).toContain(user_code);
      }
    });

    test('DV-08: takes nothing for a letter that it only looks like, and says nothing again that is no code', async () => {
      const { user_code } = await begin();
      for (const typed of [
        `0${user_code.slice(1)}`,
        `O${user_code.slice(1)}`,
        `${user_code}0`,
        `${user_code.slice(0, -1)}ß`,
        'Zzy0-O0Io<script>alert(1)</script>',
      ]) {
        const page = await enterCode(typed);
        expect({ typed, title: page.title }).not.toMatchObject({ title: 'Is this the code?' });
        expect(page.text).toContain('There is no such code');
        expect(page.body).not.toContain(typed);
        expect(page.body).not.toContain('alert(1)');
      }
      expect((await enterCode(user_code)).title).toContain('Is this the code?');
    });

    test('says that a code is unknown, expired, used or missing', async () => {
      expect((await enterCode('BCDFG-HJKLM')).text).toContain('There is no such code');
      expect((await enterCode('')).text).toContain('Enter the code first');

      const used = await begin();
      await finishAs('Authorize', used.user_code);
      expect((await enterCode(used.user_code)).text).toContain('used already');

      const expired = await begin();
      mandate.clock.advance(601);
      expect((await enterCode(expired.user_code)).text).toContain('has expired');
    });
  });
});
