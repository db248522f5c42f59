/** The kit needs no Node: its own smoke test, in a global object that has what the web standardized and nothing else. */
import { readFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { createContext, type Module, SourceTextModule } from 'node:vm';
import { expect, test } from '@jest/globals';

const entry = join(import.meta.dirname, '../../interop/kit-smoke.ts');

/** What every runtime of the web has (WinterTC's minimum common API); the language's own comes with the context. */
const webGlobals = {
  AbortController,
  AbortSignal,
  Headers,
  ReadableStream,
  Request,
  Response,
  TextDecoder,
  TextEncoder,
  URL,
  URLSearchParams,
  atob,
  btoa,
  clearTimeout,
  crypto,
  performance,
  setTimeout,
};

/** Loads a file and what it imports. @throws Error when anything but a file of ours is imported */
async function load(path: string): Promise<Record<string, unknown>> {
  const context = createContext({ ...webGlobals });
  const modules = new Map<string, Promise<SourceTextModule>>();
  const read = async (file: string) => {
    const code = stripTypeScriptTypes(await readFile(file, 'utf8'));
    return new SourceTextModule(code, { context, identifier: file });
  };
  const get = (file: string) => {
    const module = modules.get(file) ?? read(file);
    modules.set(file, module);
    return module;
  };
  const main = await get(path);
  await main.link((specifier: string, from: Module) => {
    if (!specifier.startsWith('.')) throw new Error(`${from.identifier} imports ${specifier}`);
    return get(join(from.identifier, '..', specifier));
  });
  await main.evaluate();
  return main.namespace as Record<string, unknown>;
}

test('it does all that it does where there is no process, no Buffer and no node: module', async () => {
  const { smoke } = (await load(entry)) as { smoke: () => Promise<string[]> };
  expect(Array.from(await smoke())).toEqual([
    'guard, challenges, outage',
    'DPoP by ES256, once',
    'DPoP by Ed25519, once',
    'uses',
    'signed question',
    'cache and change stream',
    'Hono, MCP, metadata',
  ]);
});
