import { bodyParser } from '@koa/bodyparser';
import Router from '@koa/router';
import Koa from 'koa';
import { z } from 'zod';
import {
  type ActiveIntrospection,
  type Guard,
  type KoaContext,
  koaAuthorization,
  type Requirement,
} from '../../src/resource-server/index.ts';
import type { Content } from './content.ts';

/** What a route of the API finds: its parameters, and what the token may do right now. */
interface ApiState {
  authorization: ActiveIntrospection;
}

const named = z.strictObject({ name: z.string().trim().min(1).max(100) });
const secret = z.strictObject({
  name: z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/),
  value: z.string().max(4096),
});

/**
 * The platform's API, `/api`. Each route says what it needs; the guard asks Mandate at every request. A project
 * outside the authorization is refused in the same way whether or not it exists.
 */
export function createApi(guard: Guard, content: Content): Koa.Middleware {
  const router = new Router<ApiState>({ prefix: '/api' });
  const needs = (requirement: Requirement) => koaAuthorization(guard, requirement);
  const onProject = (requirement: Requirement) =>
    koaAuthorization(guard, (ctx: ProjectContext) => ({ ...requirement, project: slugOf(ctx) }));

  router.use(errorsAsJson);

  // After the guard: nobody without rights gets a body parsed.
  const json = bodyParser({
    enableTypes: ['json'],
    jsonLimit: '16kb',
    onError: (error, ctx) => ctx.throw(isTooLarge(error) ? 413 : 400, 'The body is not JSON of a fair size'),
  });

  router.get('/projects', needs({ scopes: ['api'] }), (ctx) => {
    const details = ctx.state.authorization.authorization_details;
    const projects = details.filter((entry) => entry.type === 'project');
    ctx.body = {
      projects: projects.map(({ identifier, slug, actions }) => ({ id: identifier, slug, actions })),
    };
  });

  router.get('/projects/:slug/flows', onProject({ scopes: ['api'] }), (ctx) => {
    ctx.body = { flows: content.project(slugOf(ctx)).flows };
  });
  router.post('/projects/:slug/flows', onProject({ capability: 'flows:edit' }), json, (ctx) => {
    const { name } = valid(ctx, named);
    ctx.status = 201;
    ctx.body = content.addFlow(slugOf(ctx), name);
  });

  router.get('/projects/:slug/secrets', onProject({ capability: 'secrets:edit' }), (ctx) => {
    ctx.body = { secrets: [...content.project(slugOf(ctx)).secrets.keys()].map((name) => ({ name })) };
  });
  router.put('/projects/:slug/secrets', onProject({ capability: 'secrets:edit' }), json, (ctx) => {
    const { name, value } = valid(ctx, secret);
    content.project(slugOf(ctx)).secrets.set(name, value);
    ctx.status = 204;
  });

  router.post('/projects/:slug/endpoints/:name', onProject({ capability: 'endpoints:access' }), (ctx) => {
    const flow = content.project(slugOf(ctx)).endpoints.get(ctx.params.name ?? '');
    if (flow === undefined) return ctx.throw(404, 'This project has no such endpoint');
    ctx.body = { ran: flow, on_behalf_of: ctx.state.authorization.username ?? ctx.state.authorization.sub };
  });

  router.get('/apps', needs({ capability: 'apps:view' }), (ctx) => {
    ctx.body = { apps: content.apps() };
  });
  router.post('/apps', needs({ capability: 'apps:admin' }), json, (ctx) => {
    const { name } = valid(ctx, named);
    ctx.status = 201;
    ctx.body = content.addApp(name);
  });

  // What no route answers is refused before it is called missing: the outside learns no paths either.
  router.all('/{*path}', needs({}), (ctx) => ctx.throw(404, 'The API has no such route'));

  return router.routes() as Koa.Middleware;
}

/** The part of a route's context that tells its project. */
interface ProjectContext extends KoaContext {
  readonly params: Record<string, string>;
}

function slugOf(ctx: { readonly params: Record<string, string> }): string {
  return ctx.params.slug ?? '';
}

/** Answers what a route threw for its caller as JSON; anything else is a bug and goes on to Koa. */
async function errorsAsJson(ctx: Koa.Context, next: Koa.Next): Promise<void> {
  try {
    await next();
  } catch (error) {
    if (!(error instanceof Koa.HttpError) || !error.expose) throw error;
    ctx.status = error.status;
    ctx.body = { error_description: error.message };
  }
}

/** Reads the body by a schema, or answers 400 with what is wrong. */
function valid<T>(ctx: Koa.Context, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(ctx.request.body);
  if (!parsed.success) return ctx.throw(400, z.prettifyError(parsed.error));
  return parsed.data;
}

function isTooLarge(error: Error): boolean {
  return 'status' in error && error.status === 413;
}
