import type Koa from 'koa';

/**
 * Makes one middleware of several that a path has nothing to do with: it goes by all of them in one step, where each would compare its
 * routes with it.
 */
export function asideFrom(path: string, several: readonly Koa.Middleware[]): Koa.Middleware {
  const inTurn = several.reduceRight<Koa.Middleware>(
    (rest, one) => (ctx, next) => one(ctx, () => rest(ctx, next)),
    (_ctx, next) => next(),
  );
  return (ctx, next) => (ctx.path === path ? next() : inTurn(ctx, next));
}
