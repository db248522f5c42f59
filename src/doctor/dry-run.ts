/**
 * The last hops before a person is needed: a tool registers itself and sends its authorization request. Nothing is signed in to, and
 * nothing is authorized; at Mandate the registration is one row however often it is repeated, and is cleared away unused.
 */
import { createHash, randomBytes } from 'node:crypto';
import { type Ask, type Heard, jsonObject, type Report } from './finding.ts';
import { browserOrigin } from './resource-hops.ts';
import type { KnownServer } from './server-hops.ts';

const redirectUri = 'http://127.0.0.1:33418/callback';

/**
 * Registers and asks for authorization as an assistant would.
 * @param asked what the resource makes a tool ask for
 */
export async function rehearse(
  server: KnownServer,
  asked: { readonly resource: string | undefined; readonly scopes: readonly string[] | undefined },
  ask: Ask,
  report: Report,
): Promise<void> {
  if (server.registration === undefined) return;
  const registration = `POST ${server.registration}`;
  const answer = await ask({
    method: 'POST',
    url: server.registration,
    headers: { 'Content-Type': 'application/json', Accept: 'application/json', Origin: browserOrigin },
    body: JSON.stringify({
      client_name: 'Mandate connection doctor',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      ...(asked.scopes && { scope: asked.scopes.join(' ') }),
    }),
  });
  const client = answer.kind === 'answer' ? jsonObject(answer.body) : undefined;
  if (answer.kind !== 'answer' || answer.status !== 201 || typeof client?.client_id !== 'string') {
    report.failed('register', ['MCP TypeScript SDK', 'mcp-remote', 'MCP Inspector'], {
      asked: registration,
      expected: '201 and a client_id',
      found: said(answer),
    });
    return;
  }
  report.passed('register', { asked: registration, found: client.client_id });
  if (server.authorization === undefined) return;

  const url = new URL(server.authorization);
  for (const [name, value] of Object.entries({
    response_type: 'code',
    client_id: client.client_id,
    redirect_uri: redirectUri,
    state: 'mandate-doctor',
    code_challenge: createHash('sha256').update(randomBytes(32).toString('base64url')).digest('base64url'),
    code_challenge_method: 'S256',
    ...(asked.scopes && { scope: asked.scopes.join(' ') }),
    ...(asked.resource && { resource: asked.resource }),
  })) {
    url.searchParams.set(name, value);
  }
  const page = await ask({ method: 'GET', url: url.href, headers: { Accept: 'text/html' } });
  const about = { asked: `GET ${server.authorization}`, expected: 'a page to sign in' };
  const refusal = refusalOf(page);
  if (refusal === undefined) report.passed('authorize', { asked: `GET ${url.href}` });
  else report.failed('authorize', ['every client'], { ...about, found: refusal });
}

/** Tells what keeps a person from being asked. Pure. @returns undefined when nothing does */
function refusalOf(page: Heard): string | undefined {
  if (page.kind === 'silence') return page.reason;
  if (page.status >= 400) return said(page);
  const location = page.headers.get('location');
  if (location === null) return undefined;
  const back = URL.parse(location, 'https://relative.example');
  const error = back?.searchParams.get('error');
  if (!error) return undefined;
  const description = back?.searchParams.get('error_description');
  return description ? `${error}: ${description}` : error;
}

function said(heard: Heard): string {
  if (heard.kind === 'silence') return heard.reason;
  const body = jsonObject(heard.body);
  const words = [body?.error, body?.error_description].filter((word) => typeof word === 'string');
  return [String(heard.status), ...words].join(' ');
}
