/** The kit in front of real servers: the same answers, byte for byte where it matters, whichever of them it is. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
// biome-ignore lint/correctness/noUndeclaredDependencies: the official MCP SDK brings it along
import { getRequestListener } from '@hono/node-server';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
// biome-ignore lint/correctness/noUndeclaredDependencies: the official MCP SDK brings it along
import express from 'express';
// biome-ignore lint/correctness/noUndeclaredDependencies: the official MCP SDK brings it along
import { Hono } from 'hono';
import { calculateJwkThumbprint } from 'jose';
import Koa from 'koa';
import {
  type ActiveIntrospection,
  authorizeNode,
  createDpopVerifier,
  expressAuthorization,
  honoAuthorization,
  IntrospectionUnavailable,
  koaAuthorization,
  requireAuthorization,
} from '../../../src/resource-server/index.ts';
import { makeProof, type ProofKey, proofKey } from '../../support/dpop.ts';
import { activeAnswer } from './active-answer.ts';

const resource = 'https://acme.example/api';
let key: ProofKey;
let answers: Record<string, ActiveIntrospection | Error>;
beforeAll(async () => {
  key = await proofKey();
  const jkt = await calculateJwkThumbprint(key.jwk);
  answers = {
    good: activeAnswer(),
    bound: activeAnswer({ cnf: { jkt } }),
    down: new IntrospectionUnavailable('timeout', { retryAfterSeconds: 3 }),
    broken: new TypeError('bug'),
  };
});

const guard = requireAuthorization({
  async introspect(token) {
    const answer = answers[token] ?? { active: false };
    if (answer instanceof Error) throw answer;
    return answer;
  },
  resource,
  scopes: ['api'],
  dpop: createDpopVerifier(),
});

async function lengthOf(stream: AsyncIterable<unknown>): Promise<number> {
  let length = 0;
  for await (const chunk of stream) length += (chunk as Uint8Array).length;
  return length;
}

const servers: Record<string, () => Server> = {
  'node:http'() {
    const answer = async (request: IncomingMessage, response: import('node:http').ServerResponse) => {
      try {
        const authorization = await authorizeNode(guard, request, response);
        if (!authorization) return;
        response.setHeader('x-sub', authorization.sub);
        response.end(String(await lengthOf(request)));
      } catch {
        response.writeHead(500).end();
      }
    };
    return createServer((request, response) => void answer(request, response));
  },
  Koa() {
    const app = new Koa();
    app.silent = true;
    app.use(async (ctx, next) => {
      // As mounting does.
      ctx.path = ctx.path.slice('/api'.length);
      await next();
    });
    app.use(koaAuthorization(guard));
    app.use(async (ctx) => {
      ctx.set('x-sub', (ctx.state.authorization as ActiveIntrospection).sub);
      ctx.body = String(await lengthOf(ctx.req));
    });
    return createServer(app.callback());
  },
  Express() {
    const app = express();
    const router = express.Router();
    router.use(expressAuthorization(guard));
    router.all('/flows', async (request, response) => {
      response.set('x-sub', (response.locals.authorization as ActiveIntrospection).sub);
      response.send(String(await lengthOf(request)));
    });
    app.use('/api', router);
    const fail: express.ErrorRequestHandler = (_error, _request, response, _next) => {
      response.status(500).end();
    };
    app.use(fail);
    return createServer(app);
  },
  Hono() {
    const app = new Hono<{ Variables: { authorization: ActiveIntrospection } }>().basePath('/api');
    app.use(honoAuthorization(guard));
    app.all('/flows', async (c) => {
      const length = c.req.raw.body ? await lengthOf(c.req.raw.body) : 0;
      return c.text(String(length), 200, { 'x-sub': c.get('authorization').sub });
    });
    app.onError((_error, c) => c.body(null, 500));
    return createServer(getRequestListener(app.fetch));
  },
};

describe.each(Object.keys(servers))('%s', (name) => {
  let server: Server;
  let origin: string;
  beforeAll(async () => {
    server = servers[name]?.() as Server;
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => void server.close(resolve));
  });

  const call = (token: string | undefined, init: RequestInit & { duplex?: 'half' } = {}, query = '') =>
    fetch(`${origin}/api/flows${query}`, {
      ...init,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });

  test('lets a good token in and tells who it is', async () => {
    const answer = await call('good');
    expect([answer.status, answer.headers.get('x-sub'), await answer.text()]).toEqual([200, 'usr_1', '0']);
  });

  test('leaves a streamed body to the handler', async () => {
    const body = new ReadableStream({
      start(controller) {
        for (let piece = 0; piece < 16; piece += 1) controller.enqueue(new Uint8Array(65_536));
        controller.close();
      },
    });
    const answer = await call('good', { method: 'POST', body, duplex: 'half' });
    expect([answer.status, await answer.text()]).toEqual([200, String(16 * 65_536)]);
  });

  test.each(['GET', 'HEAD', 'OPTIONS', 'POST', 'DELETE', 'PATCH'])(
    'challenges a %s without a token',
    async (method) => {
      const answer = await call(undefined, { method });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
      expect(answer.headers.get('www-authenticate')).toBe(
        'Bearer scope="api", resource_metadata="https://acme.example/.well-known/oauth-protected-resource/api", ' +
          'DPoP algs="ES256 EdDSA Ed25519 RS256 PS256"',
      );
      const text = await answer.text();
      if (method === 'HEAD') expect(text).toBe('');
      else expect(Object.keys(JSON.parse(text) as object)).toEqual(['error_description']);
    },
  );

  test.each<[string, string, number, string, string | null]>([
    ['an inactive token', 'dead', 401, 'invalid_token', null],
    ['a bound token', 'bound', 401, 'invalid_token', null],
    ['an outage', 'down', 503, 'temporarily_unavailable', '3'],
  ])('answers %s', async (_, token, status, error, retryAfter) => {
    const answer = await call(token);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([status, retryAfter]);
    expect(await answer.json()).toHaveProperty('error', error);
  });

  test('hands a bug to the framework', async () => {
    expect((await call('broken')).status).toBe(500);
  });

  test('refuses a token in the query', async () => {
    expect((await call('good', {}, '?access_token=good')).status).toBe(400);
  });

  test('refuses two Authorization headers, whichever comes first', async () => {
    for (const tokens of [
      ['good', 'dead'],
      ['dead', 'good'],
    ]) {
      const lines = tokens.map((token) => `Authorization: Bearer ${token}\r\n`).join('');
      const text = await rawly(`GET /api/flows HTTP/1.1\r\nHost: a\r\n${lines}Connection: close\r\n\r\n`);
      expect(text).toMatch(/^HTTP\/1\.1 401 /);
      expect(text).toContain('"invalid_token"');
    }
  });

  test('holds a proof against the whole address, also where the guard is mounted', async () => {
    const request = { method: 'GET', accessToken: 'bound', now: Math.floor(Date.now() / 1_000) };
    const present = async (url: string) => {
      const dpop = await makeProof(key, { ...request, url });
      return (await fetch(`${origin}/api/flows?page=2`, { headers: { authorization: 'DPoP bound', dpop } }))
        .status;
    };
    expect(await present(`${resource}/flows`)).toBe(200);
    expect(await present('https://acme.example/flows')).toBe(401);
    expect(await present(`${origin}/api/flows`)).toBe(401);
  });

  async function rawly(request: string): Promise<string> {
    const socket = connect(Number(new URL(origin).port), '127.0.0.1');
    socket.write(request);
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    return text;
  }
});
