/** What a resource server forgot to be told: said when it starts, since a question asked all the same would look like an outage for ever. */
import { describe, expect, test } from '@jest/globals';
import {
  createCachedIntrospector,
  createDpopVerifier,
  createIntrospector,
  createReplayMemory,
  createUseReporter,
  IntrospectionUnavailable,
  requireAuthorization,
} from '../../../src/resource-server/index.ts';

/** As in a program without types, which reads an environment that lacks something. */
type Settings = Parameters<typeof createUseReporter>[0];
const whole = { issuer: 'https://mandate.example', clientId: 'acme-api', clientSecret: 'secret' };
const settings = (change: Record<string, unknown>) => ({ ...whole, ...change }) as unknown as Settings;

const parts: readonly [string, (settings: Settings) => unknown][] = [
  ['an introspector', createIntrospector],
  ['a reporter of uses', createUseReporter],
  [
    'a memory',
    (stream) =>
      createCachedIntrospector({ introspector: { introspect: async () => ({ active: false }) }, stream }),
  ],
];

describe.each(parts)('%s', (_name, create) => {
  test.each<[string, Record<string, unknown>, RegExp]>([
    ['no issuer', { issuer: undefined }, /^issuer is missing$/],
    ['an empty issuer', { issuer: '' }, /^issuer is no web address/],
    ['an issuer without a scheme', { issuer: 'mandate.example:4000' }, /^issuer is no web address: mandate/],
    ['no id', { clientId: undefined }, /^clientId is missing$/],
    ['no secret', { clientSecret: undefined }, /^clientSecret, or a privateKey instead, is missing$/],
    ['an empty secret', { clientSecret: '' }, /^clientSecret, or a privateKey instead, is missing$/],
    ['no key', { clientSecret: undefined, privateKey: undefined }, /^clientSecret, or a privateKey instead,/],
  ])('is not made with %s', (_missing, change, sentence) => {
    expect(() => create(settings(change))).toThrow(TypeError);
    expect(() => create(settings(change))).toThrow(sentence);
  });
});

describe.each([
  ['maxAgeSeconds', (bound: number) => createDpopVerifier({ maxAgeSeconds: bound })],
  ['toleranceSeconds', (bound: number) => createDpopVerifier({ toleranceSeconds: bound })],
  ['mostProofs', (bound: number) => createDpopVerifier({ mostProofs: bound })],
  ['most', (bound: number) => createReplayMemory({ now: () => 1_790_000_000, most: bound })],
  ['timeoutMilliseconds', (bound: number) => createIntrospector({ ...whole, timeoutMilliseconds: bound })],
])('%s', (name, create) => {
  test.each([Number.NaN, -1, Number.POSITIVE_INFINITY])('is refused as %d, which bounds nothing', (bound) => {
    expect(() => create(bound)).toThrow(RangeError);
    expect(() => create(bound)).toThrow(`${name} is ${bound}`);
  });
});

test('signs for the issuer as Mandate writes it, where a slash was left at its end', async () => {
  const { privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ]);
  let sent = new URLSearchParams();
  const { introspect } = createIntrospector({
    issuer: `${whole.issuer}/`,
    clientId: whole.clientId,
    privateKey: { key: privateKey, alg: 'ES256' },
    fetch: async (_url, { body }) => {
      sent = new URLSearchParams(String(body));
      return Response.json({ active: false });
    },
  });
  await introspect('token');
  const [, claims = ''] = sent.get('client_assertion')?.split('.') ?? [];
  expect(JSON.parse(atob(claims.replaceAll('-', '+').replaceAll('_', '/')))).toMatchObject({
    aud: whole.issuer,
  });
});

test.each<[number, RegExp]>([
  [401, /\(status 401\): the authorization server does not know this clientId with this secret or key$/],
  [404, /\(status 404\): nothing is asked there: the issuer is the address of another server$/],
  [421, /\(status 421\): the authorization server goes by another name: ask by the issuer's own$/],
  [503, /\(status 503\)$/],
])('tells what a %i means, the guard in short and its cause for the log', async (status, sentence) => {
  const { introspect } = createIntrospector({ ...whole, fetch: async () => new Response('', { status }) });
  const guard = requireAuthorization({ introspect, resource: 'https://acme.example/api' });
  const outcome = await guard.authorize({ headers: { authorization: 'Bearer token' } });
  if (outcome.kind !== 'unavailable') throw new Error(outcome.kind);
  expect(outcome.cause).toBeInstanceOf(IntrospectionUnavailable);
  expect(outcome.cause?.message).toMatch(sentence);
  expect(outcome.body.error).toBe('temporarily_unavailable');
  expect(outcome.body.error_description).toMatch(
    status === 503 ? /try again$/ : new RegExp(`its question is refused \\(${status}\\)`),
  );
});
