/** Mounts the table of operations below `/api/v1`: reads requests, writes answers and problems. Decides nothing itself. */
import { STATUS_CODES } from 'node:http';
import { Readable } from 'node:stream';
import Router from '@koa/router';
import type Koa from 'koa';
import type { Messages } from '../../http/messages.ts';
import { once } from '../../once.ts';
import { apiResource, apiRoot } from './api-root.ts';
import type { Caller } from './caller.ts';
import { challengesOf } from './challenges.ts';
import { describeApi } from './openapi.ts';
import type { AdminDeps, Operation } from './operation.ts';
import { operations } from './operations.ts';
import { type Problem, problems, Refusal, refusal } from './problem.ts';
import { jsonOf, readJson } from './read-json.ts';
import type { SessionAccess } from './session-access.ts';
import type { TokenAccess } from './token-access.ts';

/** Names the one problem that a person solves, and then the same request goes through (RFC 9457 section 3.1.1). */
const signInAgain = 'urn:mandate:problem:sign-in-again';

export function createAdminApi(deps: {
  admin: AdminDeps;
  sessionAccess: SessionAccess;
  tokenAccess: TokenAccess;
  messages: Messages;
  issuer: string;
}): Router {
  const { admin, sessionAccess, tokenAccess, messages, issuer } = deps;
  const english = messages.words('en');
  const description = once(async () => JSON.stringify(await describeApi(operations, issuer)));
  const router = new Router({ prefix: apiRoot });

  router.get('/openapi.json', async (ctx) => {
    ctx.body = await description();
    ctx.type = 'application/json';
  });
  router.get('/session', (ctx) =>
    answering(ctx, async () => {
      const { caller, csrf } = await callerOf(ctx);
      const { id, kind, email, name } = caller.access.user;
      ctx.body = {
        user: { id, kind, email, name },
        permissions: [...caller.permissions].sort(),
        ...(csrf === undefined ? {} : { csrf_token: csrf }),
      };
    }),
  );
  for (const operation of operations) {
    router[operation.method](operation.path.replaceAll(/\{(\w+)\}/g, ':$1'), (ctx) =>
      answering(ctx, () => serve(ctx, operation)),
    );
  }
  router.all('/{*rest}', (ctx) =>
    answering(ctx, async () => {
      await callerOf(ctx);
      throw refusal('not_found');
    }),
  );
  return router;

  /** Whoever sends a token means to be judged by it, not by a session that happens to be there. */
  async function callerOf(ctx: Koa.Context): Promise<{ caller: Caller; csrf?: string }> {
    return ctx.req.headers.authorization === undefined
      ? sessionAccess.callerOf(ctx)
      : { caller: await tokenAccess.callerOf(ctx) };
  }

  async function serve(
    ctx: Koa.Context & { params: Record<string, string> },
    operation: Operation,
  ): Promise<void> {
    const read = ctx.method === 'GET' ? undefined : await readJson(ctx.req);
    // Only now: a body may take its time, and who sends it is judged by what they may do when it is there.
    const { caller } = await callerOf(ctx);
    const outcome = await operation.perform(admin, caller, {
      params: ctx.params,
      query: operation.query ? singleValues(ctx) : {},
      body: read && jsonOf(read),
      version: versionOf(ctx.get('If-Match')),
    });
    if (outcome.kind === 'refused') throw new Refusal(outcome.problem);
    const { answer } = outcome;
    ctx.status = operation.status ?? 200;
    if (answer === undefined) {
      ctx.status = 204;
      return;
    }
    if (isVersioned(answer)) ctx.set('ETag', `"${answer.version}"`);
    if (isLines(answer)) {
      ctx.type = 'application/jsonl';
      ctx.attachment('changes.jsonl', { type: 'attachment' });
      ctx.type = 'application/jsonl';
      ctx.body = Readable.from(answer);
    } else {
      ctx.body = answer;
    }
  }

  async function answering(ctx: Koa.Context, work: () => Promise<void>): Promise<void> {
    ctx.set('Cache-Control', 'no-store');
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      answerProblem(ctx, error.problem);
    }
  }

  function answerProblem(ctx: Koa.Context, { code, params, members }: Problem): void {
    const { status, message } = problems[code];
    ctx.status = status;
    const challenges = challengesOf(code, apiResource(issuer));
    if (challenges.length > 0) ctx.set('WWW-Authenticate', challenges);
    ctx.body = {
      ...(code === 'sign_in_again' && { type: signInAgain, sign_in: `${issuer}/sign-in?again=1` }),
      title: STATUS_CODES[status],
      status,
      code,
      detail: english.t(message, params),
      ...(members === undefined ? {} : { errors: members }),
      request_id: ctx.state.requestId as string,
    };
    ctx.type = 'application/problem+json';
  }
}

/** A parameter that comes twice is not one value. @throws Refusal `malformed` */
function singleValues(ctx: Koa.Context): Record<string, string> {
  const values = new URLSearchParams(ctx.querystring);
  if (new Set(values.keys()).size !== values.size) throw refusal('malformed');
  return Object.fromEntries(values);
}

/** Reads the one strong entity tag that `If-Match` may carry here; anything else matches nothing. Pure. */
function versionOf(header: string): number | undefined {
  if (header === '') return undefined;
  const version = /^"(\d{1,15})"$/.exec(header.trim())?.[1];
  return version === undefined ? -1 : Number(version);
}

function isVersioned(answer: unknown): answer is { version: number } {
  return (
    typeof answer === 'object' && answer !== null && 'version' in answer && typeof answer.version === 'number'
  );
}

function isLines(answer: unknown): answer is AsyncIterable<string> {
  return typeof answer === 'object' && answer !== null && Symbol.asyncIterator in answer;
}
