/**
 * One spelling for each address. Routers forgive another case and a trailing slash; whatever looks at a path beside them, limits above
 * all, must see what they see, or the other spelling is a way around it.
 */
import type Koa from 'koa';

/** What is spelled in small letters whole; of every other address the first part is, and the rest may be somebody's id. */
const fixed = /^\/(?:device\/auth|session\/end(?:\/[a-z]+)?|[^/]+)(?=\/|$)/i;

/** Spells a path as our routes do. Pure. */
export function spelledOnce(path: string): string {
  let end = path.length;
  // All of them: a router forgives one, also the one that would be left.
  while (end > 1 && path[end - 1] === '/') end -= 1;
  return path.slice(0, end).replace(fixed, (part) => part.toLowerCase());
}

/** Shows everybody after it the one spelling; ahead of whatever compares paths. */
export const oneSpelling: Koa.Middleware = (ctx, next) => {
  const { path } = ctx;
  const spelled = spelledOnce(path);
  if (spelled !== path) ctx.path = spelled;
  return next();
};
