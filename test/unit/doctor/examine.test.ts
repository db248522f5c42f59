import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createAskFromHere } from '../../../src/doctor/ask-from-here.ts';
import { createGuardedAsk } from '../../../src/doctor/ask-guarded.ts';
import { type Examination, examine } from '../../../src/doctor/examine.ts';
import { firstDifference } from '../../../src/doctor/finding.ts';
import { readChallenge } from '../../../src/doctor/resource-hops.ts';
import { ownCpuMilliseconds } from '../../support/thread-time.ts';

/** A resource and its authorization server on one origin, each answer of which a test can spoil. */
let world: {
  challenge: { status: number; header?: string };
  resource: Record<string, unknown> | string;
  server: Record<string, unknown>;
  cors: Record<string, string>;
  register: { status: number; body: unknown };
  authorize: { status: number; location?: string };
};
let server: Server;
let origin: string;
let registrations: unknown[];

beforeEach(async () => {
  server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', origin);
    let body = '';
    request.setEncoding('utf8').on('data', (text) => {
      body += text;
    });
    request.on('end', () => {
      const json = (status: number, answer: unknown) =>
        response
          .writeHead(status, { 'Content-Type': 'application/json', ...world.cors })
          .end(typeof answer === 'string' ? answer : JSON.stringify(answer));
      if (request.method === 'OPTIONS') return response.writeHead(204, world.cors).end();
      switch (url.pathname) {
        case '/mcp': {
          const { status, header } = world.challenge;
          return response.writeHead(status, header === undefined ? {} : { 'WWW-Authenticate': header }).end();
        }
        case '/.well-known/oauth-protected-resource/mcp':
          return json(200, world.resource);
        case '/.well-known/oauth-authorization-server':
          return json(200, world.server);
        case '/register':
          registrations.push(JSON.parse(body));
          return json(world.register.status, world.register.body);
        case '/authorize': {
          const { status, location } = world.authorize;
          return response.writeHead(status, location === undefined ? {} : { Location: location }).end();
        }
        default:
          return response.writeHead(404).end();
      }
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  registrations = [];
  world = {
    challenge: {
      status: 401,
      header: `Bearer scope="mcp", resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`,
    },
    resource: { resource: `${origin}/mcp`, authorization_servers: [origin] },
    server: {
      issuer: origin,
      authorization_endpoint: `${origin}/authorize`,
      token_endpoint: `${origin}/token`,
      registration_endpoint: `${origin}/register`,
      client_id_metadata_document_supported: true,
      response_types_supported: ['code'],
      grant_types_supported: ['authorization_code', 'refresh_token'],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['none'],
      authorization_response_iss_parameter_supported: true,
      scopes_supported: ['mcp'],
    },
    cors: {
      'Access-Control-Allow-Origin': '*',
      'Access-Control-Allow-Headers': 'Content-Type, MCP-Protocol-Version',
    },
    register: { status: 201, body: { client_id: 'c1' } },
    authorize: { status: 303, location: '/login' },
  };
});

afterEach(() => {
  server.close();
  server.closeAllConnections();
});

const look = (path = '/mcp', register = true) =>
  examine(`${origin}${path}`, createAskFromHere(), { register });
const of = (examination: Examination, check: string) =>
  examination.findings.find((finding) => finding.check === check);

test('a sound resource passes every check, as far as the page for the person', async () => {
  const found = await look();
  expect(found.findings.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
  expect(found).toMatchObject({ kind: 'resource', healthy: true });
  expect(found.findings).toHaveLength(21);
  expect(registrations).toEqual([
    expect.objectContaining({ token_endpoint_auth_method: 'none', scope: 'mcp' }),
  ]);
});

test('a sound issuer passes without the checks of a resource, and nothing is registered unless asked', async () => {
  const found = await look('', false);
  expect(found).toMatchObject({ kind: 'issuer', healthy: true });
  expect(found.findings.map(({ check }) => check)).not.toContain('challenge');
  expect(registrations).toEqual([]);
});

describe('each fault is found at its own hop', () => {
  const faults: [name: string, check: string, spoil: () => void, found: () => object][] = [
    [
      'no 401',
      'challenge',
      () => {
        world.challenge = { status: 200 };
      },
      () => ({ outcome: 'failed', expected: '401', found: '200' }),
    ],
    [
      'a challenge of another scheme',
      'challenge',
      () => {
        world.challenge = { status: 401, header: 'Basic realm="x"' };
      },
      () => ({ outcome: 'failed', found: 'Basic realm="x"' }),
    ],
    [
      'a challenge that does not say where the metadata is',
      'challenge_metadata',
      () => {
        world.challenge = { status: 401, header: 'Bearer' };
      },
      () => ({ outcome: 'warning' }),
    ],
    [
      'metadata that is a page',
      'resource_metadata',
      () => {
        world.resource = '<html>';
      },
      () => ({ outcome: 'failed', found: 'no JSON object' }),
    ],
    [
      'a resource with a slash too many',
      'resource_equal',
      () => {
        world.resource = { resource: `${origin}/mcp/x`, authorization_servers: [origin] };
      },
      () => ({
        outcome: 'failed',
        expected: `${origin}/mcp`,
        found: expect.stringContaining('"/" instead of nothing'),
      }),
    ],
    [
      'a resource that covers the address, which some tools take',
      'resource_equal',
      () => {
        world.resource = { resource: `${origin}/`, authorization_servers: [origin] };
      },
      () => ({ outcome: 'warning', stumbles: ['openid-client', 'oauth4webapi'] }),
    ],
    [
      'no authorization server',
      'resource_servers',
      () => {
        world.resource = { resource: `${origin}/mcp` };
      },
      () => ({ outcome: 'failed', found: 'none' }),
    ],
    [
      'an issuer spelled differently',
      'issuer_equal',
      () => {
        world.server.issuer = `${origin}/`;
      },
      () => ({ outcome: 'failed', expected: origin }),
    ],
    [
      'no S256',
      'pkce',
      () => {
        world.server.code_challenge_methods_supported = ['plain'];
      },
      () => ({ outcome: 'failed', expected: 'S256', found: 'plain' }),
    ],
    [
      'an endpoint in the clear',
      'endpoints',
      () => {
        world.server.token_endpoint = 'http://as.example/token';
      },
      () => ({ outcome: 'failed', found: 'http://as.example/token' }),
    ],
    [
      'no way for a tool to make itself known',
      'registration',
      () => {
        delete world.server.registration_endpoint;
        world.server.client_id_metadata_document_supported = false;
      },
      () => ({ outcome: 'failed' }),
    ],
    [
      'no CORS',
      'metadata_cors',
      () => {
        world.cors = {};
      },
      () => ({ outcome: 'warning', stumbles: ['browser clients', 'MCP Inspector'] }),
    ],
    [
      'a preflight that keeps the header of MCP out',
      'token_preflight',
      () => {
        world.cors['Access-Control-Allow-Headers'] = 'Content-Type';
      },
      () => ({ outcome: 'warning' }),
    ],
    [
      'a registration refused',
      'register',
      () => {
        world.register = { status: 400, body: { error: 'invalid_client_metadata' } };
      },
      () => ({ outcome: 'failed', found: '400 invalid_client_metadata' }),
    ],
    [
      'an authorization request sent back',
      'authorize',
      () => {
        world.authorize = { status: 303, location: 'http://127.0.0.1:33418/callback?error=invalid_target' };
      },
      () => ({ outcome: 'failed', found: 'invalid_target' }),
    ],
  ];

  test.each(faults)('%s', async (_name, check, spoil, found) => {
    spoil();
    const examination = await look();
    expect(of(examination, check)).toMatchObject(found());
    expect(examination.healthy).toBe(of(examination, check)?.outcome === 'warning');
  });
});

test('an address at which nobody listens is one finding, not an exception', async () => {
  const found = await examine('http://127.0.0.1:9/mcp', createAskFromHere(), { register: true });
  expect(found).toMatchObject({ kind: 'unknown', healthy: false });
  expect(found.findings.map(({ check }) => check)).toEqual(['reachable']);
});

test('from the page an address inside our network is asked only when an administrator registered it', async () => {
  const asked: string[] = [];
  const ask = (known: readonly string[]) =>
    createGuardedAsk({
      https: {
        get: async () => ({ kind: 'refused', reason: 'the host is not on the public internet' }),
        exchange: async ({ url }) => {
          asked.push(url);
          return { kind: 'refused', reason: 'the host is not on the public internet' };
        },
      },
      fromHere: createAskFromHere(),
      isKnown: async (at) => known.includes(at),
    });
  expect(await examine(`${origin}/mcp`, ask([origin]), { register: true })).toMatchObject({ healthy: true });
  expect(asked).toEqual([]);
  const refused = await examine(`${origin}/mcp`, ask([]), { register: true });
  expect(of(refused, 'reachable')).toMatchObject({ found: 'the host is not on the public internet' });
  expect(registrations).toHaveLength(1);
});

test('a difference is named by its byte', () => {
  expect(firstDifference('https://a.example/mcp', 'https://a.example/mcp')).toBeUndefined();
  expect(firstDifference('https://a.example/mcp', 'https://a.example/mcp/')).toBe(
    'byte 22: "/" instead of nothing',
  );
  expect(firstDifference('https://ä.example', 'https://ä.Example')).toBe('byte 12: "E" instead of "e"');
});

test('a challenge is read whatever stands before and behind it', () => {
  expect(readChallenge('Basic realm="a, Bearer", Bearer scope="a b", error=x')?.get('scope')).toBe('a b');
  expect(readChallenge('Bearer')?.size).toBe(0);
  expect(readChallenge('DPoP algs="ES256"')).toBeUndefined();
  expect(readChallenge('bearer realm="say \\"hi\\""')?.get('realm')).toBe('say "hi"');
});

test('a challenge that is made to be slow to read is read at once', () => {
  const before = ownCpuMilliseconds();
  for (let times = 0; times < 10; times += 1) readChallenge(`Bearer${' '.repeat(16_000)}!`);
  expect(ownCpuMilliseconds() - before).toBeLessThan(500);
});
