import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An introspection answer, as JSON. */
export type Answer = Record<string, unknown>;

/** A small authorization server of a test's own: it answers by the wire contract, from what the test says. */
export interface IntrospectionServer {
  readonly issuer: string;
  /** `caller token` → answer; what is not there is inactive. */
  readonly answers: Map<string, Answer>;
  /** Each introspection that was asked: `caller token`. */
  readonly asked: string[];
  /** While set, introspection answers 503. */
  down: boolean;
  /** The code that /token redeems: with its challenge (S256) and what it gives. */
  code: { value: string; challenge: string; accessToken: string } | undefined;
  /** Tokens that were revoked at /revoke. */
  readonly revoked: string[];
  stop(): Promise<void>;
}

const secrets: Record<string, string> = {
  'acme-api': 'acme-api-secret',
  'acme-mcp': 'acme-mcp-secret',
  'acme-web': 'acme-web-secret',
};

export async function startIntrospectionServer(): Promise<IntrospectionServer> {
  const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
    void answer(request).then(({ status, body, headers }) => {
      response
        .writeHead(status, { 'content-type': 'application/json', ...headers })
        .end(JSON.stringify(body));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const state: IntrospectionServer = {
    issuer,
    answers: new Map(),
    asked: [],
    down: false,
    code: undefined,
    revoked: [],
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };

  async function answer(request: IncomingMessage): Promise<{
    status: number;
    body: unknown;
    headers?: Record<string, string>;
  }> {
    const form = new URLSearchParams(await text(request));
    if (request.url === '/.well-known/oauth-authorization-server') {
      return {
        status: 200,
        body: {
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          revocation_endpoint: `${issuer}/revoke`,
          response_types_supported: ['code'],
          code_challenge_methods_supported: ['S256'],
          authorization_response_iss_parameter_supported: true,
        },
      };
    }
    const caller = callerOf(request);
    if (caller === undefined) return { status: 401, body: { error: 'invalid_client' } };
    if (request.url === '/revoke') {
      state.revoked.push(form.get('token') ?? '');
      return { status: 200, body: {} };
    }
    if (request.url === '/token') {
      const challenge = createHash('sha256')
        .update(form.get('code_verifier') ?? '')
        .digest('base64url');
      if (state.code?.value !== form.get('code') || state.code?.challenge !== challenge) {
        return { status: 400, body: { error: 'invalid_grant' } };
      }
      return {
        status: 200,
        body: { access_token: state.code.accessToken, token_type: 'Bearer', expires_in: 600 },
      };
    }
    const question = `${caller} ${form.get('token')}`;
    state.asked.push(question);
    if (state.down) return { status: 503, body: {}, headers: { 'retry-after': '7' } };
    return { status: 200, body: state.answers.get(question) ?? { active: false } };
  }

  return state;
}

function callerOf(request: IncomingMessage): string | undefined {
  const [, credentials = ''] = (request.headers.authorization ?? '').split(' ');
  const [id = '', secret] = Buffer.from(credentials, 'base64').toString().split(':').map(decodeURIComponent);
  return secret !== undefined && secrets[id] === secret ? id : undefined;
}

async function text(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}
