/**
 * Spares a start the loading of the runtime's `fetch`. An ES module that imports `node:http` has Node read every export of it once,
 * `WebSocket` among them, and reading that one loads all of undici: some 25 ms. CommonJS takes the same module as it is.
 */
import http from 'node:http';
import type { Plugin } from 'rolldown';

/** What loads undici when it is read. Nothing of ours takes these from `node:http`; a build that did would fail by the missing name. */
const late: ReadonlySet<string> = new Set(['CloseEvent', 'MessageEvent', 'WebSocket']);
const stand = '\0node-http';

/** Has every import of `node:http` in a bundle take it as CommonJS does. */
export function nodeHttpWithoutFetch(): Plugin {
  const names = Object.keys(http).filter((name) => !late.has(name));
  return {
    name: 'node-http-without-fetch',
    resolveId: (id) => (id === 'node:http' || id === 'http' ? stand : undefined),
    load: (id) =>
      id === stand
        ? `const http = process.getBuiltinModule('node:http');
export default http;
export const { ${names.join(', ')} } = http;`
        : undefined,
  };
}
