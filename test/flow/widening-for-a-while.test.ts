/** What a tool lacks is added for a while: it holds at the next call, and is over by the clock alone, on every node and in the kit's memory. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { signIn } from '../support/account.ts';
import { signInToApi } from '../support/administrator.ts';
import { cachingResourceServer } from '../support/change-stream.ts';
import { engines } from '../support/databases.ts';
import { issueToken } from '../support/issue-token.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { introspect, postForm, tokenByCode } from '../support/oauth.ts';
import { type PlatformOnMandate, startPlatformOnMandate } from '../support/platform-on-mandate.ts';
import { setPolicies } from '../support/policies.ts';
import { readingToken } from '../support/reading-token.ts';

const hour = 3_600;
const day = 24 * hour;

describe('whoever follows the link of a refusal', () => {
  let at: PlatformOnMandate;
  beforeAll(async () => {
    at = await startPlatformOnMandate();
  });
  afterAll(() => at.stop());

  const createFlow = (token: string) =>
    fetch(`${at.platform.origin}/api/projects/atlas/flows`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'Made for a while' }),
    });

  test('adds it for an hour: the next call is let through, and the first one after the hour is not', async () => {
    const { mandate, platform } = at;
    const { token } = await readingToken(mandate, 'editor@acme.test', `${platform.origin}/api`);
    const refused = await createFlow(token);
    expect(refused.status).toBe(403);
    const { authorization_page: link } = (await refused.json()) as { authorization_page: string };
    const editor = await signIn(mandate.issuer, 'editor@acme.test');
    const page = await editor.get(link);
    const saved = await editor.submit(page, 'Save', { 'for 1 hour': true }, { follow: true });
    expect(saved.text).toContain('Saved, until');
    expect(saved.text).toContain('can edit flows in atlas from now on');
    expect(saved.text).toMatch(
      /For a while .* Until .* flows:edit and atlas \(Editor\) added by editor@acme\.test/,
    );
    expect((await createFlow(token)).status).toBe(201);
    expect((await editor.get('/account/authorizations')).text).toContain('some of it ends in 1 hour');
    expect((await editor.get(link)).text).toContain('is part of this authorization already');

    mandate.clock.advance(hour - 1);
    expect((await createFlow(token)).status).toBe(201);
    mandate.clock.advance(1);
    expect((await createFlow(token)).status).toBe(403);
    const after = await editor.get(new URL(link).pathname);
    expect(after.text).not.toContain('For a while');
    expect(after.text).toMatch(/Over: what was added for a while .*by itself/);
    // A clock that is put back is believed.
    mandate.clock.advance(-1);
    expect((await createFlow(token)).status).toBe(201);
  });

  test('ends it early with one click, and adds it for good by an ordinary edit', async () => {
    const { mandate, platform } = at;
    const { token } = await readingToken(mandate, 'editor@acme.test', `${platform.origin}/api`);
    const { authorization_page: link } = (await (await createFlow(token)).json()) as {
      authorization_page: string;
    };
    const editor = await signIn(mandate.issuer, 'editor@acme.test');
    const saved = await editor.submit(
      await editor.get(link),
      'Save',
      { 'for 1 day': true },
      { follow: true },
    );
    // What has ended meanwhile, or was ended in another window, is over: no error.
    for (let click = 0; click < 2; click++) {
      const ended = await editor.submit(
        saved,
        'End now: flows:edit and atlas (Editor)',
        {},
        { follow: true },
      );
      expect(ended.text).toContain('Ended early what was added for a while');
    }
    expect((await createFlow(token)).status).toBe(403);
    await editor.submit(await editor.get(link), 'Save');
    expect((await createFlow(token)).status).toBe(201);
    mandate.clock.advance(2 * day);
    expect((await createFlow(token)).status).toBe(201);
  });
});

describe.each(engines)('two nodes and the kit, on %s', (engine) => {
  let first: TestMandate;
  let second: TestMandate;
  const cleanUps: (() => void)[] = [];
  beforeAll(async () => {
    first = await startMandate({ engine });
    second = await startMandate({ databaseUrl: first.databaseUrl, clock: first.clock });
  });
  afterEach(() => {
    for (const cleanUp of cleanUps.splice(0)) cleanUp();
  });
  afterAll(async () => {
    await second.stop();
    await first.stop();
  });

  async function added(seconds: number) {
    const { token, id } = await readingToken(first, 'editor@acme.test');
    const editor = await signInToApi(first.issuer, 'editor@acme.test');
    const atlas = await first.stores.projects.findBySlug('atlas');
    const role = await first.stores.roles.findBySlug('editor');
    const projects = [{ id: atlas?.id, role_ids: [role?.id] }];
    const body = { capabilities: ['flows:edit'], projects, for_seconds: seconds };
    const made = await editor.call('POST', `/authorizations/${id}/additions`, body, { 'if-match': '"1"' });
    expect(made).toMatchObject({ status: 201, body: { version: 2, capabilities: ['api'] } });
    return { token, id, until: first.clock.now() + seconds };
  }

  test('answer the same until the second of its end, say it as `exp`, and count nothing as changed there', async () => {
    const { token, until } = await added(hour);
    const [one, other] = await Promise.all([first, second].map(({ issuer }) => introspect(issuer, token)));
    expect(one).toMatchObject({ scope: 'api flows:edit', exp: until });
    expect(other).toEqual({ ...one, iss: second.issuer });
    const conditional = (tag: string) =>
      postForm(`${second.issuer}/introspect`, { token }, demo.apiServer, { 'If-None-Match': tag });
    const tag = (await conditional('""')).headers.get('etag') ?? '';
    first.clock.advance(hour - 1);
    expect(await introspect(second.issuer, token)).toEqual(other);
    expect(await conditional(tag)).toMatchObject({ status: 304 });
    first.clock.advance(1);
    for (const { issuer } of [first, second]) {
      const after = await introspect(issuer, token);
      expect(after).toMatchObject({ scope: 'api', authorization_version: 2 });
      expect(after.exp).toBeGreaterThan(until);
    }
    expect(await conditional(tag)).toMatchObject({ status: 200 });
    first.clock.advance(-1);
    expect(await introspect(second.issuer, token)).toEqual(other);
  });

  test('what the kit remembers is not used past the moment at which rights end by time alone', async () => {
    const { token } = await added(hour);
    const kit = cachingResourceServer(second.issuer);
    cleanUps.push(kit.close);
    const scope = async () => {
      const answer = await kit.introspect(token);
      return answer.active ? answer.scope : undefined;
    };
    await kit.alive();
    await scope();
    const asked = kit.asked();
    expect(await scope()).toBe('api flows:edit');
    expect(kit.asked()).toBe(asked);
    // The stream says the time every half second; nothing says that anything changed, for nothing did.
    first.clock.advance(hour);
    const told = performance.now();
    while ((await scope()) === 'api flows:edit' && performance.now() - told < 5_000) {
      await new Promise((resolve) => void setTimeout(resolve, 10));
    }
    expect(performance.now() - told).toBeLessThan(5_000);
    expect(await scope()).toBe('api');
  });

  test('the time of a capability by policy ends what is kept of what it implies, for a token of its own scope too', async () => {
    const { access_token: token = '' } = await tokenByCode(
      first.issuer,
      { email: 'admin@acme.test', answers: {} },
      { scope: 'apps:admin' },
    );
    const id = String((await introspect(first.issuer, token)).authorization_id);
    await setPolicies(first, { capabilities: [{ name: 'apps:admin', longest_lifetime: hour }] });
    const facts = { authorizationId: id, clientId: demo.web.id, audience: demo.api, ceiling: ['apps:view'] };
    const issued = { issuedAt: first.clock.now(), lifetimeSeconds: day };
    const narrow = await issueToken(first.store, { ...facts, ...issued });
    const { createdAt = 0 } = (await first.stores.authorizations.find(id)) ?? {};
    expect(await introspect(first.issuer, narrow)).toMatchObject({
      scope: 'apps:view',
      exp: createdAt + hour,
    });
    await setPolicies(first);
  });
});
