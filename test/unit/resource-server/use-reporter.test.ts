import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createUseReporter, type UseReporter } from '../../../src/resource-server/index.ts';
import { activeAnswer } from './active-answer.ts';

let server: Server;
let issuer: string;
let heard: { authorization: string | undefined; uses: string[] }[];
let status: number;

beforeEach(async () => {
  heard = [];
  status = 204;
  server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text) => {
      body += text;
    });
    request.on('end', () => {
      heard.push({
        authorization: request.headers.authorization,
        uses: new URLSearchParams(body).getAll('use'),
      });
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => void server.close());

const reporter = (): UseReporter =>
  createUseReporter({ issuer, clientId: 'acme-api', clientSecret: 's', everyMilliseconds: 60_000 });
const resource = 'https://acme.example/api';
const answer = activeAnswer({
  authorization_id: 'az_1',
  aud: resource,
  authorization_details: [
    { type: 'project', identifier: 'prj_1', slug: 'atlas', roles: ['editor'], actions: ['flows:edit'] },
    { type: 'mcp_server', identifier: 'mcp_1', locations: [resource], actions: ['mcp'] },
  ],
});

test('tells what operations needed, and where, once however often they were done', async () => {
  const uses = reporter();
  uses.note(answer, resource, { scopes: ['api'] });
  for (let times = 0; times < 5; times += 1) {
    uses.note(answer, resource, { capability: 'flows:edit', project: 'atlas' });
  }
  uses.note(answer, resource, { mcpServer: true });
  await uses.flush();
  expect(heard).toEqual([
    {
      authorization: `Basic ${Buffer.from('acme-api:s').toString('base64')}`,
      uses: ['az_1 api', 'az_1 flows:edit prj_1', 'az_1 mcp mcp_1'],
    },
  ]);
  uses.note(answer, resource, { scopes: ['api'] });
  await uses.flush();
  expect(heard).toHaveLength(1);
});

test('tells many in batches', async () => {
  const uses = reporter();
  for (let number = 0; number < 450; number += 1) {
    uses.note({ ...answer, authorization_id: `az_${number}` }, resource, { scopes: ['api'] });
  }
  await uses.flush();
  expect(heard.map((batch) => batch.uses.length)).toEqual([200, 200, 50]);
});

test('while nobody takes them, no more wait than are remembered', async () => {
  const held: (() => void)[] = [];
  const uses = createUseReporter({
    ...{ issuer, clientId: 'acme-api', clientSecret: 's', everyMilliseconds: 60_000 },
    fetch: (_url, { body }) => {
      heard.push({ authorization: undefined, uses: new URLSearchParams(String(body)).getAll('use') });
      return new Promise((resolve) => held.push(() => resolve(new Response(null, { status: 204 }))));
    },
  });
  for (let number = 0; number < 60_000; number += 1) {
    uses.note({ ...answer, authorization_id: `az_${number}` }, resource, { scopes: ['api'] });
  }
  const flushed = uses.flush();
  let isOver = false;
  void flushed.then(() => {
    isOver = true;
  });
  while (!isOver) {
    for (const settle of held.splice(0)) settle();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(heard.reduce((sum, batch) => sum + batch.uses.length, 0)).toBe(50_000);
});

test('a server that cannot take them loses nobody anything', async () => {
  const uses = reporter();
  status = 503;
  uses.note(answer, resource, { scopes: ['api'] });
  await uses.flush();
  server.close();
  server.closeAllConnections();
  uses.note({ ...answer, authorization_id: 'az_2' }, resource, { scopes: ['api'] });
  await expect(uses.flush()).resolves.toBeUndefined();
});
