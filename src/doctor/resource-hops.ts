/**
 * The first hops of a tool that was given the address of an MCP server or an API: the refusal, and what it leads to.
 * @see RFC 9728 sections 3 and 5
 */
import { protectedResourceMetadataUrl } from '../resource-server/resource-metadata.ts';
import { type Ask, firstDifference, type Heard, jsonObject, type Report, textsOf } from './finding.ts';

/** What a tool knows once it has read the metadata of the resource. */
export interface KnownResource {
  readonly issuer: string;
  /** What it sends as `resource`. */
  readonly resource: string;
  /** What it asks for: the challenge's scopes, then those of the metadata; undefined when neither names any. */
  readonly scopes: readonly string[] | undefined;
}

/** The first request of every MCP client; an API answers it 401 just as well. */
const initialize = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: {
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo: { name: 'mandate-doctor', version: '1' },
  },
});

/**
 * Follows a resource's address to its authorization server.
 * @param first the answer to the request without a token
 * @returns undefined when a tool would get no further
 */
export async function examineResource(
  target: string,
  first: Heard,
  ask: Ask,
  report: Report,
): Promise<KnownResource | undefined> {
  const asked = `POST ${target}`;
  if (first.kind === 'silence') return undefined;
  const challenge = readChallenge(first.headers.get('www-authenticate') ?? '');
  if (first.status !== 401) {
    report.failed('challenge', ['every client'], { asked, expected: '401', found: String(first.status) });
  } else if (!challenge) {
    report.failed('challenge', ['every client'], {
      asked,
      expected: 'WWW-Authenticate: Bearer …',
      found: first.headers.get('www-authenticate') ?? 'no WWW-Authenticate',
    });
  } else {
    report.passed('challenge', { asked });
  }

  const named = challenge?.get('resource_metadata');
  if (first.status === 401) {
    if (named !== undefined && URL.canParse(named)) report.passed('challenge_metadata', { found: named });
    else {
      report.warning('challenge_metadata', ['hosted assistants'], {
        asked,
        expected: `resource_metadata="${protectedResourceMetadataUrl(target)}"`,
        found: named ?? 'no resource_metadata',
      });
    }
  }
  const found = await findMetadata(
    named !== undefined && URL.canParse(named)
      ? [named]
      : [protectedResourceMetadataUrl(target), protectedResourceMetadataUrl(new URL(target).origin)],
    ask,
  );
  if (!found.metadata) {
    report.failed('resource_metadata', ['every client'], {
      asked: `GET ${found.url}`,
      expected: '200 and a JSON object',
      found: found.said,
    });
    return undefined;
  }
  report.passed('resource_metadata', { asked: `GET ${found.url}` });
  judgeCors(found.heard, found.url, report);

  const resource = typeof found.metadata.resource === 'string' ? found.metadata.resource : '';
  const difference = firstDifference(target, resource);
  if (difference === undefined) report.passed('resource_equal', { found: resource });
  else if (coversAsSdk(resource, target)) {
    report.warning('resource_equal', ['openid-client', 'oauth4webapi'], {
      expected: target,
      found: `${resource} (${difference})`,
    });
  } else {
    report.failed('resource_equal', ['MCP TypeScript SDK', 'mcp-remote', 'MCP Inspector', 'Claude'], {
      expected: target,
      found: `${resource || 'no resource'} (${difference})`,
    });
  }

  const servers = textsOf(found.metadata.authorization_servers);
  const [issuer] = servers;
  if (issuer === undefined || !URL.canParse(issuer)) {
    report.failed('resource_servers', ['every client'], {
      expected: 'authorization_servers: ["https://…"]',
      found: issuer ?? 'none',
    });
    return undefined;
  }
  report.passed('resource_servers', { found: servers.join(' ') });
  const fromChallenge = challenge?.get('scope')?.split(' ').filter(Boolean);
  const scopes = fromChallenge?.length ? fromChallenge : textsOf(found.metadata.scopes_supported);
  return { issuer, resource: resource || target, scopes: scopes.length > 0 ? scopes : undefined };
}

/** Sends the first request of an MCP client, without a token. */
export const knock = (target: string, ask: Ask): Promise<Heard> =>
  ask({
    method: 'POST',
    url: target,
    headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' },
    body: initialize,
  });

/**
 * Judges whether a page in a browser may read a document.
 * @see https://fetch.spec.whatwg.org/#http-cors-protocol
 */
export function judgeCors(
  heard: Extract<Heard, { kind: 'answer' }> | undefined,
  url: string,
  report: Report,
): void {
  const allowed = heard?.headers.get('access-control-allow-origin') ?? undefined;
  const about = { asked: `GET ${url}`, expected: 'Access-Control-Allow-Origin: *' };
  if (allowed === '*' || allowed === browserOrigin) report.passed('metadata_cors', { asked: about.asked });
  else {
    report.warning('metadata_cors', ['browser clients', 'MCP Inspector'], {
      ...about,
      found: allowed ?? 'no Access-Control-Allow-Origin',
    });
  }
}

/** The origin that a tool in a browser would have. */
export const browserOrigin = 'https://mandate-doctor.example';

async function findMetadata(addresses: readonly string[], ask: Ask) {
  let last: { url: string; said: string } = { url: addresses[0] ?? '', said: 'nothing' };
  for (const url of addresses) {
    const heard = await ask({ method: 'GET', url, headers: { Origin: browserOrigin } });
    if (heard.kind === 'silence') {
      last = { url, said: heard.reason };
      continue;
    }
    const metadata = heard.status === 200 ? jsonObject(heard.body) : undefined;
    if (metadata) return { url, metadata, heard };
    last = { url, said: heard.status === 200 ? 'no JSON object' : String(heard.status) };
  }
  return { ...last, metadata: undefined, heard: undefined };
}

/** The MCP TypeScript SDK's comparison: the same origin, and a path that the address begins with. Pure. */
function coversAsSdk(resource: string, target: string): boolean {
  const [covering, covered] = [URL.parse(resource), URL.parse(target)];
  if (!covering || !covered || covering.origin !== covered.origin) return false;
  const withSlash = (path: string) => (path.endsWith('/') ? path : `${path}/`);
  return withSlash(covered.pathname).startsWith(withSlash(covering.pathname));
}

/**
 * Reads the parameters of a Bearer challenge. Pure.
 * @returns undefined when the header challenges with something else
 * @see RFC 9110 section 11.6.1
 */
export function readChallenge(header: string): ReadonlyMap<string, string> | undefined {
  const bearer = /(?:^|,)\s*bearer(?=\s|,|$)/i.exec(header);
  if (!bearer) return undefined;
  const parameters = new Map<string, string>();
  const pairs = /\s*(?:,\s*)?([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gy;
  pairs.lastIndex = bearer.index + bearer[0].length;
  for (let pair = pairs.exec(header); pair; pair = pairs.exec(header)) {
    const [, name = '', quoted, bare] = pair;
    parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '');
  }
  return parameters;
}
