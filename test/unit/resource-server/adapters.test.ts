import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import Koa from 'koa';
import type { FastifyReply } from '../../../src/resource-server/fastify.ts';
import {
  authorizeNode,
  expressAuthorization,
  fastifyAuthorization,
  honoAuthorization,
  koaAuthorization,
  requireAuthorization,
} from '../../../src/resource-server/index.ts';
import { activeAnswer } from './active-answer.ts';

const live = activeAnswer();
const guard = requireAuthorization({
  introspect: async (token) => (token === 'good' ? live : { active: false }),
  resource: 'https://acme.example/api',
  scopes: ['api'],
});
const good = { headers: { authorization: 'Bearer good' } };
const onCygnus = () => ({ project: 'cygnus' });

test('Koa: allows with the authorization in the state, refuses with the challenge', async () => {
  const app = new Koa();
  app.use(koaAuthorization(guard));
  app.use((ctx) => {
    ctx.body = ctx.state.authorization.sub;
  });
  const server = createServer(app.callback()).listen(0, '127.0.0.1');
  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await new Promise((resolve) => server.once('listening', resolve));
  try {
    expect(await (await fetch(url(), good)).text()).toBe('usr_1');
    const refused = await fetch(url());
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer scope="api", resource_metadata=/);
    expect(await refused.json()).toHaveProperty('error_description');
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

test('node:http: returns the authorization, or answers by itself', async () => {
  const written: unknown[] = [];
  const response = {
    writeHead: (status: number, headers: Record<string, string>) => written.push(status, headers),
    end: (body: string) => written.push(JSON.parse(body)),
  };
  expect(await authorizeNode(guard, good, response)).toEqual(live);
  expect(written).toEqual([]);
  expect(await authorizeNode(guard, good, response, onCygnus())).toBeUndefined();
  expect(written).toMatchObject([
    403,
    { 'Content-Type': 'application/json', 'WWW-Authenticate': expect.stringContaining('insufficient_scope') },
    { error: 'insufficient_scope' },
  ]);
});

test('Express: continues with the authorization in locals, refuses, and hands bugs to next', async () => {
  const answered: unknown[] = [];
  const response = {
    locals: {} as Record<string, unknown>,
    status: (code: number) => ({
      set: (_: Record<string, string>) => ({ json: (body: unknown) => answered.push(code, body) }),
    }),
  };
  const continued: unknown[] = [];
  const next = (error?: unknown) => continued.push(error);
  await expressAuthorization(guard)(good, response, next);
  expect(response.locals.authorization).toEqual(live);
  expect(continued).toEqual([undefined]);

  await expressAuthorization(guard, onCygnus)(good, response, next);
  expect(answered).toMatchObject([403, { error: 'insufficient_scope' }]);
  expect(continued).toHaveLength(1);

  const bug = new TypeError('bug');
  const broken = requireAuthorization({
    introspect: () => Promise.reject(bug),
    resource: 'https://a.example',
  });
  await expressAuthorization(broken)(good, response, next);
  expect(continued).toEqual([undefined, bug]);
});

test('Fastify: decorates the request, or sends the refusal', async () => {
  const sent: unknown[] = [];
  const noting = (value: unknown): FastifyReply => {
    sent.push(value);
    return reply;
  };
  const reply: FastifyReply = {
    code: (status: number) => noting(status),
    headers: (headers: Record<string, string>) => noting(Object.keys(headers)),
    send: noting,
  };
  const request = { raw: good };
  expect(await fastifyAuthorization(guard)(request, reply)).toBeUndefined();
  expect(request).toHaveProperty('authorization', live);
  expect(await fastifyAuthorization(guard, onCygnus)(request, reply)).toBe(reply);
  expect(sent).toMatchObject([403, ['WWW-Authenticate', 'Cache-Control'], { error: 'insufficient_scope' }]);
});

test('Hono: sets the authorization, or returns the refusal', async () => {
  const variables = new Map<string, unknown>();
  const context = {
    req: { raw: new Request('https://acme.example/api', good) },
    set: (name: string, value: unknown) => void variables.set(name, value),
  };
  let continued = 0;
  const next = async () => void continued++;
  expect(await honoAuthorization(guard)(context, next)).toBeUndefined();
  expect(variables.get('authorization')).toEqual(live);
  const refused = await honoAuthorization(guard, onCygnus)(context, next);
  expect(refused?.status).toBe(403);
  expect(refused?.headers.get('www-authenticate')).toContain('insufficient_scope');
  expect(continued).toBe(1);
});
