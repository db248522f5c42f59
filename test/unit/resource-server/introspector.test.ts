import { expect, test } from '@jest/globals';
import { createIntrospector, IntrospectionUnavailable } from '../../../src/resource-server/index.ts';
import { activeAnswer } from './active-answer.ts';

type Send = (url: string, init: RequestInit) => Promise<Response>;

function introspector(fetch: Send, timeoutMilliseconds = 2000) {
  return createIntrospector({
    issuer: 'https://mandate.example',
    clientId: 'acme api',
    clientSecret: 'se:cret+',
    fetch,
    timeoutMilliseconds,
  });
}

test('asks at the issuer’s /introspect as the resource server, with form-encoded credentials', async () => {
  const sent: { url: string; init: RequestInit }[] = [];
  const { introspect } = introspector(async (url, init) => {
    sent.push({ url, init });
    return Response.json(activeAnswer());
  });
  expect(await introspect('opaque+token')).toEqual(activeAnswer());
  expect(sent[0]?.url).toBe('https://mandate.example/introspect');
  const headers = new Headers(sent[0]?.init.headers);
  expect(atob(headers.get('authorization')?.slice(6) ?? '')).toBe('acme+api:se%3Acret%2B');
  expect(sent[0]?.init).toMatchObject({ method: 'POST', body: 'token=opaque%2Btoken', redirect: 'manual' });
});

test('says inactive and nothing more, whatever else the answer carries', async () => {
  const { introspect } = introspector(async () => Response.json({ active: false, sub: 'usr_1' }));
  expect(await introspect('token')).toEqual({ active: false });
});

test('leaves out authorization details that it does not know', async () => {
  const unknown = { type: 'galaxy', identifier: 'x', actions: ['rule'] };
  const { introspect } = introspector(async () =>
    Response.json({ ...activeAnswer(), authorization_details: [unknown, { type: 'project' }, null] }),
  );
  expect(await introspect('token')).toMatchObject({ active: true, authorization_details: [] });
});

test.each([
  [
    'a 503, with its Retry-After',
    () => new Response('', { status: 503, headers: { 'retry-after': '7' } }),
    'status',
    7,
  ],
  ['refused credentials', () => Response.json({ error: 'invalid_client' }, { status: 401 }), 'status', 1],
  ['a redirect', () => new Response(null, { status: 302, headers: { location: '/x' } }), 'status', 1],
  ['a body that is not JSON', () => new Response('<html>'), 'malformed', 1],
  ['an answer without active', () => Response.json({}), 'malformed', 1],
  ['a field of the wrong kind', () => Response.json({ ...activeAnswer(), scope: ['api'] }), 'malformed', 1],
])('is unavailable, not inactive, upon %s', async (_, respond, reason, retryAfterSeconds) => {
  const { introspect } = introspector(async () => respond());
  const error = await introspect('token').catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(IntrospectionUnavailable);
  expect(error).toMatchObject({ code: 'introspection_unavailable', reason, retryAfterSeconds });
});

test('is unavailable when the network fails', async () => {
  const { introspect } = introspector(async () => {
    throw new TypeError('fetch failed');
  });
  await expect(introspect('token')).rejects.toMatchObject({ reason: 'network' });
});

test('is unavailable when no answer comes in time', async () => {
  const { introspect } = introspector(
    (_, init) =>
      new Promise((_resolve, reject) => {
        init.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error));
      }),
    20,
  );
  await expect(introspect('secret-token')).rejects.toMatchObject({ reason: 'timeout' });
  await expect(introspect('secret-token')).rejects.toThrow(/^(?!.*secret-token)/);
});
