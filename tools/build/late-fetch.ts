/**
 * Leaves the runtime's `fetch` unloaded until something is fetched: loading it, all of undici, takes some 25 ms, and a start and its first
 * answers need none of it. Two things of what is bundled would load it all the same:
 *
 * - an ES module that imports `node:http` has Node read every export of it once, `WebSocket` among them; CommonJS takes it as it is;
 * - Koa asks of every body whether it is a `Response`. What does not say of itself that it is one is none.
 */
import http from 'node:http';
import type { Plugin } from 'rolldown';

/** What loads undici when it is read. Nothing of ours takes these from `node:http`; a build that did would fail by the missing name. */
const late: ReadonlySet<string> = new Set(['CloseEvent', 'MessageEvent', 'WebSocket']);
const stand = '\0node-http';
const koa = /[\\/]koa[\\/]lib[\\/](application|response)\.js$/;

/** Has a bundle load `fetch` when it is used. @throws Error when Koa's files are not what they were */
export function lateFetch(): Plugin {
  const names = Object.keys(http).filter((name) => !late.has(name));
  return {
    name: 'late-fetch',
    resolveId: (id) => (id === 'node:http' || id === 'http' ? stand : undefined),
    load: (id) =>
      id === stand
        ? `const http = process.getBuiltinModule('node:http');
export default http;
export const { ${names.join(', ')} } = http;`
        : undefined,
    transform: {
      filter: { id: koa },
      handler(code, id) {
        if (!code.includes(' instanceof Response)')) throw new Error(`${id} asks for no Response any more`);
        const patched = `${code}
const Response = {
  [Symbol.hasInstance]: (value) =>
    Object.prototype.toString.call(value) === '[object Response]' && value instanceof globalThis.Response,
};
`;
        // Lines stay where they were.
        return { code: patched, map: null };
      },
    },
  };
}
