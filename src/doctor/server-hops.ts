/**
 * The hops at the authorization server: its metadata, and what tools read in it before they ask for anything.
 * @see RFC 8414 section 3
 */

import { mayCarrySecrets } from '../private-transport.ts';
import { type Ask, firstDifference, jsonObject, type Report, textsOf } from './finding.ts';
import { browserOrigin, judgeCors } from './resource-hops.ts';

/** Where a tool goes next; an endpoint that is missing or unusable is undefined. */
export interface KnownServer {
  readonly issuer: string;
  readonly authorization: string | undefined;
  readonly token: string | undefined;
  readonly registration: string | undefined;
  readonly scopes: readonly string[];
}

/**
 * Reads an issuer's metadata as tools do, and judges it.
 * @param wanted the scopes that the resource makes a tool ask for
 * @returns undefined when there is none
 */
export async function examineServer(
  issuer: string,
  wanted: readonly string[] | undefined,
  ask: Ask,
  report: Report,
): Promise<KnownServer | undefined> {
  const found = await findServerMetadata(issuer, ask);
  if (!found.metadata) {
    report.failed('server_metadata', ['every client'], {
      asked: `GET ${found.url}`,
      expected: '200 and a JSON object',
      found: found.said,
    });
    return undefined;
  }
  const { metadata, url, heard } = found;
  report.passed('server_metadata', { asked: `GET ${url}` });
  judgeIssuer(issuer, metadata.issuer, report);

  const endpoint = (name: string) => {
    const value = metadata[name];
    return typeof value === 'string' && mayCarrySecrets(value) ? value : undefined;
  };
  const [authorization, token] = [endpoint('authorization_endpoint'), endpoint('token_endpoint')];
  const missing = [
    ['authorization_endpoint', authorization],
    ['token_endpoint', token],
  ].filter(([, value]) => value === undefined);
  if (missing.length === 0) report.passed('endpoints', { found: `${authorization} ${token}` });
  else {
    report.failed('endpoints', ['every client'], {
      expected: missing.map(([name]) => `${name}: https`).join(', '),
      found: missing.map(([name = '']) => String(metadata[name] ?? 'none')).join(', '),
    });
  }

  judgeList('code_flow', 'code', metadata.response_types_supported, report);
  judgeList('pkce', 'S256', metadata.code_challenge_methods_supported, report);
  if (metadata.authorization_response_iss_parameter_supported === true) report.passed('iss_parameter');
  else {
    report.warning('iss_parameter', ['hosted assistants'], {
      expected: 'authorization_response_iss_parameter_supported: true',
      found: String(metadata.authorization_response_iss_parameter_supported ?? 'none'),
    });
  }

  const scopes = textsOf(metadata.scopes_supported);
  const unknown = (wanted ?? []).filter((scope) => !scopes.includes(scope));
  if (scopes.length === 0 || unknown.length === 0)
    report.passed('scopes', { found: scopes.join(' ') || 'none' });
  else
    report.warning('scopes', ['hosted assistants'], { expected: unknown.join(' '), found: scopes.join(' ') });

  const grants = textsOf(metadata.grant_types_supported);
  if (grants.includes('refresh_token')) report.passed('refresh');
  else {
    report.warning('refresh', ['Claude', 'ChatGPT', 'mcp-remote'], {
      expected: 'refresh_token',
      found: grants.join(' ') || 'none',
    });
  }

  judgeWaysIn(metadata, report);
  judgeCors(heard, url, report);
  if (heard.milliseconds < mostMilliseconds)
    report.passed('speed', { found: `${Math.round(heard.milliseconds)} ms` });
  else {
    report.warning('speed', ['hosted assistants'], {
      expected: `${mostMilliseconds} ms`,
      found: `${Math.round(heard.milliseconds)} ms`,
    });
  }
  if (token !== undefined) await judgePreflight(token, ask, report);
  return {
    issuer: typeof metadata.issuer === 'string' ? metadata.issuer : issuer,
    authorization,
    token,
    registration: endpoint('registration_endpoint'),
    scopes,
  };
}

/** Hosted assistants give up on a step after ten seconds, several hops long. */
const mostMilliseconds = 3_000;

/** Tells whether an address answers with the metadata of an issuer. */
export async function findServerMetadata(issuer: string, ask: Ask) {
  let last = { url: issuer, said: 'nothing' };
  for (const url of metadataAddresses(issuer)) {
    const heard = await ask({
      method: 'GET',
      url,
      headers: { Origin: browserOrigin, 'MCP-Protocol-Version': '2025-06-18' },
    });
    if (heard.kind === 'silence') {
      last = { url, said: heard.reason };
      continue;
    }
    const metadata = heard.status === 200 ? jsonObject(heard.body) : undefined;
    if (metadata && 'issuer' in metadata) return { url, metadata, heard };
    last = { url, said: heard.status === 200 ? 'no JSON object with an issuer' : String(heard.status) };
  }
  return { ...last, metadata: undefined, heard: undefined };
}

/** In the order in which clients try them (RFC 8414 section 3.1, OpenID Connect Discovery section 4). Pure. */
function metadataAddresses(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  return [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}/.well-known/openid-configuration${path}`,
    ...(path === '' ? [] : [`${origin}${path}/.well-known/openid-configuration`]),
  ];
}

function judgeIssuer(issuer: string, named: unknown, report: Report): void {
  const found = typeof named === 'string' ? named : '';
  const difference = firstDifference(issuer, found);
  if (difference === undefined) report.passed('issuer_equal', { found });
  else {
    report.failed('issuer_equal', ['openid-client', 'oauth4webapi', 'MCP TypeScript SDK'], {
      expected: issuer,
      found: `${found || 'none'} (${difference})`,
    });
  }
}

function judgeList(check: 'code_flow' | 'pkce', needed: string, given: unknown, report: Report): void {
  const listed = textsOf(given);
  if (listed.includes(needed)) report.passed(check);
  else {
    report.failed(check, ['MCP TypeScript SDK', 'mcp-remote', 'MCP Inspector', 'Claude'], {
      expected: needed,
      found: listed.join(' ') || 'none',
    });
  }
}

/** A tool that nobody here wrote becomes known by registering itself or by its metadata document. */
function judgeWaysIn(metadata: Readonly<Record<string, unknown>>, report: Report): void {
  const methods = textsOf(metadata.token_endpoint_auth_methods_supported);
  if (methods.includes('none')) report.passed('public_clients');
  else {
    report.warning('public_clients', ['Claude', 'mcp-remote', 'MCP Inspector'], {
      expected: 'token_endpoint_auth_methods_supported: none',
      found: methods.join(' ') || 'client_secret_basic',
    });
  }
  const registers = typeof metadata.registration_endpoint === 'string';
  const documents = metadata.client_id_metadata_document_supported === true;
  if (registers && documents)
    report.passed('registration', { found: 'registration_endpoint, client_id_metadata_document_supported' });
  else if (registers || documents) {
    report.warning('registration', registers ? ['hosted assistants'] : ['MCP Inspector', 'mcp-remote'], {
      expected: 'registration_endpoint, client_id_metadata_document_supported',
      found: registers ? 'registration_endpoint' : 'client_id_metadata_document_supported',
    });
  } else {
    report.failed('registration', ['every client'], {
      expected: 'registration_endpoint or client_id_metadata_document_supported',
      found: 'none',
    });
  }
}

async function judgePreflight(token: string, ask: Ask, report: Report): Promise<void> {
  const heard = await ask({
    method: 'OPTIONS',
    url: token,
    headers: {
      Origin: browserOrigin,
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'content-type, mcp-protocol-version',
    },
  });
  const asked = `OPTIONS ${token}`;
  const allowed = heard.kind === 'answer' ? heard.headers.get('access-control-allow-origin') : null;
  const headers = heard.kind === 'answer' ? (heard.headers.get('access-control-allow-headers') ?? '') : '';
  const lets = headers.trim() === '*' || /\bmcp-protocol-version\b/i.test(headers);
  if ((allowed === '*' || allowed === browserOrigin) && lets)
    return report.passed('token_preflight', { asked });
  report.warning('token_preflight', ['browser clients', 'MCP Inspector'], {
    asked,
    expected: 'Access-Control-Allow-Origin and Access-Control-Allow-Headers: mcp-protocol-version',
    found:
      heard.kind === 'silence'
        ? heard.reason
        : `${allowed ?? 'no Access-Control-Allow-Origin'}; ${headers || 'no Access-Control-Allow-Headers'}`,
  });
}
