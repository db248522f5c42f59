/**
 * `POST /introspect`, ahead of the engine: caller → token → live view → policy → answer, each step a file of its own.
 * Nothing here is remembered between two questions; every answer is read at its own moment, and when it cannot be read
 * there is no answer.
 * @see RFC 7662
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ClientStore } from '../clients/client-store.ts';
import type { ResourceServer, ResourceServerStore } from '../clients/resource-server-store.ts';
import { type Form, isFormRefusal, readForm } from '../http/read-form.ts';
import type { AuthorizationRights } from '../oauth/authorization-rights.ts';
import { answerFor, inactive } from './answer.ts';
import type { CallerAuthentication } from './caller.ts';
import type { TokenSource } from './token.ts';

const bodyBytes = 128 * 1_024;
/** Parameters that count; each may be given once (RFC 6749 section 3.2). */
const single = [
  'token',
  'token_type_hint',
  'client_id',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
];

export interface IntrospectionDependencies {
  readonly issuer: string;
  readonly callers: CallerAuthentication;
  readonly tokens: TokenSource;
  readonly rights: AuthorizationRights;
  readonly clients: ClientStore;
  readonly resourceServers: ResourceServerStore;
  /** Told why an answer could not be given. */
  readonly onFailure: (error: unknown) => void;
}

export function createIntrospection(deps: IntrospectionDependencies) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      await handle(request, response);
    } catch (error) {
      deps.onFailure(error);
      // Whatever failed, the rights could not be read: no answer, never an old one.
      send(response, 503, refusal('temporarily_unavailable', 'live permissions cannot be read now'), {
        'Retry-After': '1',
      });
    }
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST') {
      return send(response, 405, refusal('invalid_request', 'introspection is a POST'), { Allow: 'POST' });
    }
    const form = await readForm(request, bodyBytes);
    if (isFormRefusal(form)) {
      return form.kind === 'too_large'
        ? send(response, 413, refusal('invalid_request', 'the body is too large'), { Connection: 'close' })
        : send(
            response,
            400,
            refusal('invalid_request', 'the body must be application/x-www-form-urlencoded'),
          );
    }
    const repeated = single.find((name) => (form.get(name)?.length ?? 0) > 1);
    if (repeated)
      return send(response, 400, refusal('invalid_request', `${repeated} is given more than once`));

    const caller = await deps.callers.authenticate(request.headers.authorization, form);
    switch (caller.kind) {
      case 'malformed':
        return send(response, 400, refusal('invalid_request', caller.reason));
      case 'unknown':
        return send(response, 401, refusal('invalid_client', 'client authentication failed'), {
          'WWW-Authenticate': 'Basic realm="mandate"',
        });
      case 'caller':
        return answer(caller.server, form, response);
    }
  }

  async function answer(server: ResourceServer, form: Form, response: ServerResponse): Promise<void> {
    const value = form.get('token')?.[0];
    if (!value) return send(response, 400, refusal('invalid_request', 'token is missing'));
    const body = await activeAnswer(server, value);
    send(response, 200, body ? JSON.stringify(body) : inactive);
  }

  async function activeAnswer(server: ResourceServer, value: string): Promise<object | undefined> {
    const token = await deps.tokens.find(value);
    if (token?.audience === undefined) return undefined;
    const { audience } = token;
    const [guards, client, rights] = await Promise.all([
      deps.resourceServers.guardedBy(server.id),
      deps.clients.find(token.clientId),
      deps.rights.of(token.authorizationId),
    ]);
    if (!guards.audiences.includes(audience) || !client || client.disabled || !rights) return undefined;
    const guarded = {
      api: guards.apiAudiences.includes(audience),
      mcpServers: new Set(
        guards.mcpServers.filter(({ resource }) => resource === audience).map(({ id }) => id),
      ),
    };
    return answerFor(deps.issuer, token, rights, guarded);
  }
}

function refusal(error: string, description: string): string {
  return JSON.stringify({ error, error_description: description });
}

function send(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  response.end(body);
}
