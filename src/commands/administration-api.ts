/** The administration's JSON API as the command line speaks to it: with the token of a login that holds `mandate:admin`. */
import { z } from 'zod';
import { apiResource } from '../admin/api/api-root.ts';
import { administration } from '../policy/administration.ts';
import { type Answer, loginNeeded } from './answer.ts';
import { ServerProblem } from './authorization-server.ts';
import { freshLogin } from './fresh-login.ts';
import { harmless } from './harmless.ts';
import type { Login } from './login-store.ts';
import { loginEnded, loginIssuerOf, notLoggedIn, type PersonWorkspace } from './person-workspace.ts';

/** What the API answered; a refusal is thrown. */
export interface ApiAnswer {
  readonly document: unknown;
  /** JSON lines, where it answers with those. */
  readonly lines?: string;
  /** The version, as `If-Match` takes it. */
  readonly etag: string | undefined;
}

export interface AdministrationApi {
  readonly issuer: string;
  /** @throws ApiRefusal */
  call(
    method: string,
    path: string,
    request?: { query?: Readonly<Record<string, unknown>>; body?: unknown; etag?: string | undefined },
  ): Promise<ApiAnswer>;
}

/** The API refused. The message is what it said. */
export class ApiRefusal extends Error {
  override readonly name = 'ApiRefusal';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const answerWithinMilliseconds = 60_000;
const problemSchema = z.object({
  code: z.string(),
  detail: z.string(),
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).default([]),
});

/** Tells whether a login may be used here. Pure. */
export const administers = ({ scope }: Pick<Login, 'scope'>): boolean =>
  scope.split(' ').includes(administration);

/** Says how to get a login that may administer. Pure. */
export const administeringLoginNeeded = (issuer: string): Answer =>
  loginNeeded(
    `this login to ${issuer} may not administer: run \`mandate login --issuer ${issuer} --scope ${administration}\` and tick it`,
  );

/** Finds the login that administers. @param named the issuer that was typed, if one was */
export async function openAdministration(
  workspace: PersonWorkspace,
  named: string | undefined,
): Promise<AdministrationApi | Answer> {
  const issuer = await loginIssuerOf(workspace, named);
  if (typeof issuer !== 'string') return issuer;
  const fresh = await freshLogin(workspace, issuer);
  if (fresh.outcome === 'not_logged_in') return notLoggedIn(issuer, administration);
  if (fresh.outcome === 'ended') return loginEnded(issuer, fresh.reason, administration);
  return administers(fresh.login)
    ? createAdministrationApi(issuer, fresh.login.access_token)
    : administeringLoginNeeded(issuer);
}

/** @param token for the API's own audience */
function createAdministrationApi(issuer: string, token: string): AdministrationApi {
  return {
    issuer,
    async call(method, path, { query = {}, body, etag } = {}) {
      const url = new URL(`${apiResource(issuer)}${path}`);
      for (const [name, value] of Object.entries(query)) {
        if (value !== undefined && value !== null) url.searchParams.set(name, String(value));
      }
      const response = await ask(url, {
        method: method.toUpperCase(),
        headers: {
          Authorization: `Bearer ${token}`,
          ...(etag === undefined ? {} : { 'If-Match': etag }),
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw refusalOf(response.status, text);
      const type = response.headers.get('content-type') ?? '';
      if (type.includes('jsonl')) return { document: undefined, lines: text, etag: undefined };
      return {
        document: text === '' ? undefined : (JSON.parse(text) as unknown),
        etag: response.headers.get('etag') ?? undefined,
      };
    },
  };
}

async function ask(url: URL, request: RequestInit): Promise<Response> {
  try {
    // What is sent here is meant for here: a redirect would carry the token on.
    return await fetch(url, {
      redirect: 'error',
      signal: AbortSignal.timeout(answerWithinMilliseconds),
      ...request,
    });
  } catch (cause) {
    throw new ServerProblem(`${url.origin} cannot be reached`, { cause });
  }
}

function refusalOf(status: number, text: string): ApiRefusal {
  const problem = problemSchema.safeParse(parsed(text));
  if (!problem.success) return new ApiRefusal(status, 'unknown', `the server answered ${status}`);
  const { code, detail, errors } = problem.data;
  const members = errors.map(({ pointer, detail: wrong }) => `${pointer.split('/').at(-1) ?? ''}: ${wrong}`);
  return new ApiRefusal(status, code, harmless([detail, ...members].join(' ')));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
