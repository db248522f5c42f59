/**
 * `POST /uses`: a resource server that authenticates as for introspection tells what tokens were used for, in batches. Nothing is
 * answered about any of it, nothing that is told can give a right, and what its teller cannot see is not believed.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AuthorizationUses, ToldUse } from '../authorizations/uses.ts';
import { isFormRefusal, readForm } from '../http/read-form.ts';
import type { LabelledCounters } from '../operations/labelled-counters.ts';
import type { CallerAuthentication } from './caller.ts';
import { singleParameters } from './endpoint.ts';
import { refuse } from './json-answer.ts';
import type { VisibleUses } from './visible-uses.ts';

const mostBytes = 64 * 1_024;
const mostUses = 200;

export interface UsesEndpoint {
  /** Takes a request for this path that came to the right host. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

export function createUsesEndpoint(deps: {
  readonly callers: CallerAuthentication;
  readonly uses: Pick<AuthorizationUses, 'record'>;
  readonly visible: VisibleUses;
  /** Counts by `believed` and `dropped`. */
  readonly counters: LabelledCounters;
  /** Told why uses could not be kept. */
  readonly onFailure: (error: unknown) => void;
}): UsesEndpoint {
  const believed = deps.counters.of('believed');
  const dropped = deps.counters.of('dropped');
  return {
    async handle(request, response) {
      try {
        await take(request, response);
      } catch (error) {
        deps.onFailure(error);
        refuse(response, 503, 'temporarily_unavailable', 'uses cannot be kept now', { 'Retry-After': '5' });
      }
    },
  };

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST')
      return refuse(response, 405, 'invalid_request', 'uses are told by a POST', { Allow: 'POST' });
    const form = await readForm(request, mostBytes).catch(() => undefined);
    // Whoever left in the middle of it is owed no answer, and nothing has failed.
    if (!form) return;
    if (isFormRefusal(form)) {
      return form.kind === 'too_large'
        ? refuse(response, 413, 'invalid_request', 'the body is too large', { Connection: 'close' })
        : refuse(response, 400, 'invalid_request', 'the body must be application/x-www-form-urlencoded');
    }
    const repeated = singleParameters.find((name) => (form.get(name)?.length ?? 0) > 1);
    if (repeated) return refuse(response, 400, 'invalid_request', `${repeated} is given more than once`);
    const caller = await deps.callers.authenticate(request.headers.authorization, form);
    if (caller.kind === 'malformed') return refuse(response, 400, 'invalid_request', caller.reason);
    if (caller.kind === 'unknown') {
      return refuse(response, 401, 'invalid_client', 'client authentication failed', {
        'WWW-Authenticate': 'Basic realm="mandate"',
      });
    }
    const told = form.get('use')?.map(readUse) ?? [];
    if (told.length === 0 || told.length > mostUses || told.includes(undefined)) {
      return refuse(
        response,
        400,
        'invalid_request',
        `give use=<authorization id> <capability> [<project or MCP server id>], 1 to ${mostUses} times`,
      );
    }
    const uses = told.filter((use) => use !== undefined);
    const visible = await deps.visible.among(caller.server, uses);
    await deps.uses.record(visible);
    believed.n += visible.length;
    dropped.n += uses.length - visible.length;
    // The same answer whatever became of it: nobody learns here which authorizations there are.
    response.writeHead(204, { 'Cache-Control': 'no-store' }).end();
  }
}

const useFormat = /^(az_[0-9a-z]{1,40}) ([\x21-\x7e]{1,100})(?: ((?:prj|mcp)_[0-9a-z]{1,40}))?$/;

function readUse(text: string): ToldUse | undefined {
  const [, authorizationId, capability, place = null] = useFormat.exec(text) ?? [];
  return authorizationId === undefined || capability === undefined
    ? undefined
    : { authorizationId, capability, place };
}
