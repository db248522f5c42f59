/** Performs one operation of the API from what was typed: names become ids, versions are read, refusals become answers. */
import type { Operation } from '../admin/api/operation.ts';
import type { Clock } from '../clock.ts';
import {
  type AdministrationApi,
  ApiRefusal,
  administeringLoginNeeded,
  openAdministration,
} from './administration-api.ts';
import {
  kindOf,
  type Member,
  NotUnderstood,
  type ReferenceKind,
  readValue,
} from './administration-options.ts';
import { type Answer, done, loginNeeded, refused, usage } from './answer.ts';
import { documentText } from './document-text.ts';
import type { PersonWorkspace } from './person-workspace.ts';
import { createReferences, type References } from './references.ts';

/** Options of a command as commander hands them over, by attribute name. */
export type Typed = Readonly<Record<string, unknown>>;

/** What a command sends. */
export interface TypedRequest {
  readonly operation: Pick<Operation, 'method' | 'path' | 'versioned'>;
  /** One for each parameter of the path. */
  readonly positional: readonly string[];
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: Readonly<Record<string, unknown>> | undefined;
}

/** Lists the parameters of a path: what each is called, and what it refers to. Pure. @param noun tells a key from another authorization */
export function parametersOf(path: string, noun: string): { name: string; kind: ReferenceKind }[] {
  return [...path.matchAll(/\{(\w+)_id\}/g)].map(([, member = '']) => {
    const base = member.replaceAll('_', '-');
    if (base === 'authorization' && noun === 'keys') return { name: 'key', kind: 'key' };
    return { name: base, kind: kindOf(base) };
  });
}

/** Reads the members that were typed. @throws NotUnderstood */
export function readMembers(
  members: readonly Member[],
  typed: Typed,
  attributeOf: (flag: string) => string,
  clock: Clock,
): Record<string, unknown> {
  const read: Record<string, unknown> = {};
  for (const member of members) {
    const given = typed[attributeOf(member.flag)];
    if (given === undefined) continue;
    read[member.name] = readValue(member, given as string | string[], clock);
  }
  return read;
}

/** Does a piece of work at the API of the login that administers, and says in words what it refused. */
export async function atApi(
  workspace: PersonWorkspace,
  issuer: string | undefined,
  work: (api: AdministrationApi, references: References) => Promise<Answer>,
): Promise<Answer> {
  const api = await openAdministration(workspace, issuer);
  if ('outcome' in api) return api;
  try {
    return await work(api, createReferences(api));
  } catch (error) {
    if (error instanceof NotUnderstood) return usage(error.message);
    if (!(error instanceof ApiRefusal)) throw error;
    if (error.code === 'insufficient_scope') return administeringLoginNeeded(api.issuer);
    if (error.status === 401) {
      return loginNeeded(
        `${error.message} \`mandate login --issuer ${api.issuer} --scope mandate:admin\` does`,
      );
    }
    const page =
      error.code === 'not_over_token'
        ? ` The pages: ${api.issuer}/account/authorizations, ${api.issuer}/admin`
        : '';
    return refused(`${error.message}${page}`);
  }
}

/** Performs an operation. @throws ApiRefusal, NotUnderstood */
export async function performAt(
  api: AdministrationApi,
  references: References,
  noun: string,
  { operation, positional, query, body }: TypedRequest,
): Promise<Answer> {
  const path = await pathOf(references, noun, operation.path, positional);
  const etag = operation.versioned ? await versionAt(api, operation.path, path) : undefined;
  const answer = await api.call(operation.method, path, {
    query: (await references.resolve(query)) as Record<string, unknown>,
    body: body === undefined ? undefined : await references.resolve(body),
    etag,
  });
  if (answer.lines !== undefined) {
    const lines = answer.lines.split('\n').filter((line) => line !== '');
    return done(
      lines.map((line) => JSON.parse(line) as unknown),
      lines.join('\n'),
    );
  }
  return done(answer.document ?? { done: true }, documentText(answer.document));
}

/** Puts ids in the place of a path's parameters. @throws ApiRefusal, NotUnderstood */
export async function pathOf(
  references: References,
  noun: string,
  template: string,
  positional: readonly string[],
): Promise<string> {
  const ids: string[] = [];
  for (const [index, { kind }] of parametersOf(template, noun).entries()) {
    ids.push(await references.idOf({ kind, name: positional[index] ?? '' }));
  }
  let next = 0;
  return template.replaceAll(/\{\w+\}/g, () => encodeURIComponent(ids[next++] ?? ''));
}

/** Reads the version that a change is made against: whoever changes the same at this moment wins or loses, and neither is lost. */
async function versionAt(
  api: AdministrationApi,
  template: string,
  path: string,
): Promise<string | undefined> {
  const parts = template.split('/');
  const length = parts.findLastIndex((part) => part.startsWith('{')) + 1;
  // A client of a service account is read where clients are.
  const seen = path.split('/').slice(0, length).join('/');
  const readable = seen.replace(/^\/service-accounts\/[^/]+\/clients\//, '/clients/');
  return (await api.call('get', readable)).etag;
}
