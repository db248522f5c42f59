/**
 * An authorization server as a tool meets it: found by its metadata, spoken to by forms. Owns what may be believed of it; what
 * is asked of it is for whoever asks.
 */
import { type } from 'node:os';
import { z } from 'zod';
import { mayCarrySecrets } from '../private-transport.ts';
import { harmless } from './harmless.ts';

/** Where a server takes what; every endpoint is one that a secret may be sent to. */
export interface AuthorizationServer {
  readonly issuer: string;
  readonly token: string;
  readonly deviceAuthorization: string | undefined;
  readonly revocation: string | undefined;
  readonly introspection: string | undefined;
}

export interface FormAnswer {
  readonly status: number;
  /** Empty where the server has nothing to say. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** The other side cannot be reached, or is not what it should be. The message is one sentence for whoever typed the command. */
export class ServerProblem extends Error {
  override readonly name = 'ServerProblem';
}

const answerWithinMilliseconds = 10_000;
/** What the page where a person compares codes shows of this computer. */
const userAgent = `mandate (${type()})`;

const endpoint = z.string().refine(mayCarrySecrets).optional();
const metadataSchema = z.object({
  issuer: z.string(),
  token_endpoint: z.string().refine(mayCarrySecrets),
  device_authorization_endpoint: endpoint,
  revocation_endpoint: endpoint,
  introspection_endpoint: endpoint,
});

/**
 * Reads a server's metadata.
 * @param issuer scheme, host and port
 * @throws ServerProblem when it cannot be reached, or describes another issuer than the one asked for
 * @see RFC 8414 sections 3 and 3.3
 */
export async function discover(issuer: string): Promise<AuthorizationServer> {
  const { status, body } = await send(`${issuer}/.well-known/oauth-authorization-server`);
  const metadata = metadataSchema.safeParse(body);
  if (status !== 200 || !metadata.success) {
    throw new ServerProblem(`${issuer} does not describe an authorization server (${status})`);
  }
  const { data } = metadata;
  // RFC 8414 section 3.3: another issuer's metadata must not be used.
  if (data.issuer !== issuer) {
    throw new ServerProblem(
      `${issuer} says that it is ${harmless(data.issuer)}: log in to that one by its own name`,
    );
  }
  return {
    issuer,
    token: data.token_endpoint,
    deviceAuthorization: data.device_authorization_endpoint,
    revocation: data.revocation_endpoint,
    introspection: data.introspection_endpoint,
  };
}

/**
 * Posts a form.
 * @param fields those that are undefined are left out
 * @param basic client id and secret for HTTP Basic
 * @throws ServerProblem when no answer comes, or one that is no JSON
 */
export async function postForm(
  url: string,
  fields: Readonly<Record<string, string | undefined>>,
  basic?: { readonly id: string; readonly secret: string },
): Promise<FormAnswer> {
  const given = Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined);
  return send(url, {
    method: 'POST',
    body: new URLSearchParams(given),
    headers: basic ? { Authorization: `Basic ${basicCredentials(basic)}` } : {},
  });
}

/** Says in one sentence what a server refused, in its own words (RFC 6749 section 5.2). Pure. */
export function errorOf({ status, body }: FormAnswer): string {
  const { error, error_description: description } = body;
  if (typeof error !== 'string') return `the server answered ${status}`;
  return harmless(typeof description === 'string' ? `${description} (${error})` : error);
}

/** RFC 6749 section 2.3.1: both are form-encoded first. */
function basicCredentials({ id, secret }: { id: string; secret: string }): string {
  const encoded = (text: string) => new URLSearchParams({ '': text }).toString().slice(1);
  return Buffer.from(`${encoded(id)}:${encoded(secret)}`).toString('base64');
}

async function send(
  url: string,
  request: { method?: string; body?: URLSearchParams; headers?: Record<string, string> } = {},
): Promise<FormAnswer> {
  let status: number;
  let text: string;
  try {
    // What is sent here is meant for here: a redirect would carry it on.
    const options = { redirect: 'error', signal: AbortSignal.timeout(answerWithinMilliseconds) } as const;
    const headers = { 'User-Agent': userAgent, ...request.headers };
    const response = await fetch(url, { ...options, ...request, headers });
    status = response.status;
    text = await response.text();
  } catch (error) {
    throw new ServerProblem(`${new URL(url).origin} cannot be reached (${causeOf(error)})`, { cause: error });
  }
  if (text === '') return { status, body: {} };
  try {
    return { status, body: z.record(z.string(), z.unknown()).parse(JSON.parse(text)) };
  } catch (cause) {
    throw new ServerProblem(`${new URL(url).origin} answered ${status} with something that is no JSON`, {
      cause,
    });
  }
}

function causeOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'no answer in time';
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (cause instanceof Error && 'code' in cause) return String(cause.code);
  return cause instanceof Error ? cause.message : String(cause);
}
