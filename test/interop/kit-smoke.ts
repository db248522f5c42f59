/**
 * The kit in a runtime of any kind, by web standards alone: plain `deno run`, `bun run` or `node`, or a worker. Everything that it does is
 * done once, against a Mandate that this file plays through `fetch`; nothing here goes over a network. Throws at the first difference.
 */
import {
  createCachedIntrospector,
  createDpopVerifier,
  createIntrospector,
  createMcpTokenVerifier,
  createUseReporter,
  honoAuthorization,
  type Introspection,
  protectedResourceMetadata,
  protectedResourceMetadataUrl,
  requireAuthorization,
} from '../../src/resource-server/index.ts';

const issuer = 'https://mandate.example';
const resource = 'https://acme.example/api';
const encoder = new TextEncoder();

function expect(what: string, given: unknown, expected: unknown): void {
  const [one, other] = [JSON.stringify(given), JSON.stringify(expected)];
  if (one !== other) throw new Error(`${what}: ${one} instead of ${other}`);
}

const base64url = (bytes: Uint8Array) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
const hashOf = async (text: string) =>
  base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', encoder.encode(text))));

/** Makes a key and signs with it, as a client would. */
async function clientKey(name: 'ES256' | 'Ed25519') {
  const parameters =
    name === 'ES256' ? { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } : { name: 'Ed25519' };
  const pair = (await crypto.subtle.generateKey(parameters, true, ['sign', 'verify'])) as CryptoKeyPair;
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  const jwk = y === undefined ? { crv, kty, x } : { crv, kty, x, y };
  const sign = async (header: object, claims: object) => {
    const parts = [{ ...header, alg: name }, claims].map((part) =>
      base64url(encoder.encode(JSON.stringify(part))),
    );
    const signed = parts.join('.');
    const signature = await crypto.subtle.sign(parameters, pair.privateKey, encoder.encode(signed));
    return `${signed}.${base64url(new Uint8Array(signature))}`;
  };
  const privateKey = { ...(await crypto.subtle.exportKey('jwk', pair.privateKey)), alg: name };
  return { jwk, sign, privateKey, thumbprint: await hashOf(JSON.stringify(jwk)) };
}

/** Does everything once. @returns what was done, one line each */
export async function smoke(): Promise<string[]> {
  const done: string[] = [];
  const key = await clientKey('ES256');
  const answers: Record<string, Introspection> = {
    good: activeAnswer(),
    bound: { ...activeAnswer(), cnf: { jkt: key.thumbprint } },
  };
  const asked: string[] = [];
  const told: string[] = [];
  let stream: ReadableStreamDefaultController<Uint8Array> | undefined;
  const fetch = async (url: string, init: RequestInit) => {
    const form = new URLSearchParams(String(init.body ?? ''));
    const { pathname } = new URL(url);
    if (pathname === '/uses') {
      told.push(...form.getAll('use'));
      return new Response(null, { status: 204 });
    }
    if (pathname === '/changes') {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          stream = controller;
          init.signal?.addEventListener('abort', () => controller.error(init.signal?.reason));
          controller.enqueue(encoder.encode(': alive 0 1790000000\nid: 1\n\n'));
        },
      });
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
    }
    const token = form.get('token') ?? '';
    asked.push(token);
    if (token === 'down') return new Response('', { status: 503, headers: { 'retry-after': '7' } });
    return Response.json(answers[token] ?? { active: false });
  };

  const caller = { issuer, clientId: 'acme-api', clientSecret: 'secret', fetch };
  const uses = createUseReporter(caller);
  const plain = createIntrospector(caller);
  const guard = requireAuthorization({
    ...plain,
    resource,
    scopes: ['api'],
    dpop: createDpopVerifier(),
    uses,
  });
  const call = (headers: Record<string, string>) =>
    guard.authorize(new Request(`${resource}/flows?page=2`, { headers }), {
      capability: 'flows:edit',
      project: 'atlas',
    });
  const outcomes = [
    await call({}),
    await call({ authorization: 'Bearer good' }),
    await call({ authorization: 'Bearer unknown' }),
    await call({ authorization: 'Bearer bound' }),
    await call({ authorization: 'Bearer down' }),
  ];
  expect(
    'guard',
    outcomes.map((one) => ('status' in one ? one.status : one.kind)),
    [401, 'allowed', 401, 401, 503],
  );
  done.push('guard, challenges, outage');

  for (const name of ['ES256', 'Ed25519'] as const) {
    const own = await clientKey(name);
    answers.bound = { ...activeAnswer(), cnf: { jkt: own.thumbprint } };
    const iat = Math.floor(Date.now() / 1_000);
    const claims = {
      jti: crypto.randomUUID(),
      htm: 'GET',
      htu: `${resource}/flows`,
      iat,
      ath: await hashOf('bound'),
    };
    const dpop = await own.sign({ typ: 'dpop+jwt', jwk: own.jwk }, claims);
    const proving = { authorization: 'DPoP bound', dpop };
    expect(`DPoP by ${name}`, (await call(proving)).kind, 'allowed');
    expect(`the same proof by ${name}`, (await call(proving)).kind, 'challenge');
    done.push(`DPoP by ${name}, once`);
  }

  await uses.flush();
  expect('uses', told.sort(), ['az_1 api prj_1', 'az_1 flows:edit prj_1']);
  done.push('uses');

  const signing = createIntrospector({ issuer, clientId: 'acme-api', privateKey: key.privateKey, fetch });
  expect('signed question', await signing.introspect('good'), activeAnswer());
  done.push('signed question');

  const cached = createCachedIntrospector({ introspector: plain, stream: caller });
  await cached.introspect('good');
  while (!cached.isAlive) await new Promise((resolve) => setTimeout(resolve, 5));
  await cached.introspect('good');
  const before = asked.length;
  await cached.introspect('good');
  expect('questions while nothing changes', asked.length - before, 0);
  answers.good = { active: false };
  stream?.enqueue(
    encoder.encode('event: authorization\ndata: {"id":"az_1"}\n\n: alive 1 1790000000\nid: 2\n\n'),
  );
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect('after the change', await cached.introspect('good'), { active: false });
  cached.close();
  done.push('cache and change stream');

  answers.good = activeAnswer();
  const context = { req: { raw: new Request(resource) }, set: () => {} };
  expect('Hono', (await honoAuthorization(guard)(context, async () => {}))?.status, 401);
  const verifier = createMcpTokenVerifier({ ...plain, resource, refuse: (code) => new Error(code) });
  expect(
    'MCP',
    await verifier.verifyAccessToken('good').catch((error: Error) => error.message),
    'insufficient_scope',
  );
  expect(
    'metadata',
    protectedResourceMetadata({ resource, authorizationServers: [issuer] }).resource,
    resource,
  );
  expect(
    'its address',
    protectedResourceMetadataUrl(resource),
    'https://acme.example/.well-known/oauth-protected-resource/api',
  );
  done.push('Hono, MCP, metadata');
  return done;
}

function activeAnswer() {
  return {
    active: true as const,
    sub: 'usr_1',
    aud: resource,
    scope: 'api flows:edit',
    authorization_id: 'az_1',
    authorization_kind: 'oauth2' as const,
    authorization_version: 7,
    authorization_details: [
      {
        type: 'project' as const,
        identifier: 'prj_1',
        slug: 'atlas',
        roles: ['editor'],
        actions: ['flows:edit', 'api'],
      },
    ],
    withheld: [],
  };
}
