/** Whoever keeps an answer asks whether it still is the answer (RFC 9110 sections 8.8.3 and 13.1.2). */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engines } from '../support/databases.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { postForm, tokenByCode } from '../support/oauth.ts';

const actor = { id: 'command' };

describe.each(engines)('conditional introspection, on %s', (engine) => {
  let mandate: TestMandate;
  let token: string;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
    const answers = { 'flows:edit': true, atlas: true };
    token = (await tokenByCode(mandate.issuer, { email: 'editor@acme.test', answers })).access_token ?? '';
  });
  afterAll(() => mandate.stop());

  const ask = (ifNoneMatch?: string, asked = token, more: Record<string, string> = {}) =>
    postForm(`${mandate.issuer}/introspect`, { token: asked, ...more }, demo.apiServer, {
      // The common way of asking, to the letter.
      'content-type': 'application/x-www-form-urlencoded',
      ...(ifNoneMatch === undefined ? {} : { 'If-None-Match': ifNoneMatch }),
    });

  test('an answer that is kept is not sent again, until anything about it changes', async () => {
    const plain = await ask();
    expect(plain.headers.get('etag')).toBeNull();
    const first = await ask('""');
    const tag = first.headers.get('etag') ?? '';
    expect(first).toMatchObject({ status: 200, text: plain.text });
    expect(tag).toMatch(/^"[\w-]{22}"$/);

    for (const kept of [tag, `W/${tag}`, `"other", ${tag}`]) {
      const same = await ask(kept);
      expect(same).toMatchObject({ status: 304, text: '' });
      expect(same.headers.get('etag')).toBe(tag);
      expect(same.headers.get('cache-control')).toBe('no-store');
    }
    expect(await ask('*')).toMatchObject({ status: 200 });

    const editor = await mandate.stores.users.findByEmail('editor@acme.test');
    const atlas = await mandate.stores.projects.findBySlug('atlas');
    const role = await mandate.stores.roles.findBySlug('editor');
    const held = { userId: editor?.id ?? '', roleId: role?.id ?? '', projectId: atlas?.id ?? null };
    await mandate.stores.users.unassign(actor, held);
    const less = await ask(tag);
    expect(less.status).toBe(200);
    expect(less.text).toContain('owner_lost_access');
    await mandate.stores.users.assign(actor, held);
    expect(await ask(tag)).toMatchObject({ status: 304 });
  });

  test('the long way of asking says the same, and so does an inactive answer', async () => {
    const tag = (await ask('""')).headers.get('etag') ?? '';
    const long = { padding: 'x'.repeat(5_000) };
    expect(await ask(tag, token, long)).toMatchObject({ status: 304 });
    const unknown = await ask('""', 'unknown');
    expect(unknown).toMatchObject({ status: 200, text: '{"active":false}' });
    expect(await ask(unknown.headers.get('etag') ?? '', 'unknown')).toMatchObject({ status: 304 });
  });

  test('nobody learns by it who may not ask', async () => {
    const tag = (await ask('""')).headers.get('etag') ?? '';
    const wrong = await postForm(
      `${mandate.issuer}/introspect`,
      { token },
      { id: demo.apiServer.id, secret: 'wrong' },
      { 'If-None-Match': tag },
    );
    expect(wrong.status).toBe(401);
  });
});
