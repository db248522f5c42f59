/**
 * Compiles what a start runs, ahead of it, for an image: `node tools/compile-ahead.ts ARGUMENTS…` with the arguments that Node is to be
 * started with there, and NODE_COMPILE_CACHE. Node takes what was compiled for the same paths, by the same user, with the same version
 * and flags, also from a folder that it cannot write to. The server runs until it has answered once, on a database that is thrown away.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const folder = mkdtempSync(join(tmpdir(), 'mandate-'));
const issuer = 'http://localhost:4000';
const server = spawn(process.execPath, process.argv.slice(2), {
  env: {
    ...process.env,
    NODE_ENV: 'development',
    ISSUER: issuer,
    DATABASE_URL: `sqlite:${folder}/mandate.db`,
  },
  stdio: 'inherit',
});
const ask = () => fetch(`${issuer}/.well-known/oauth-authorization-server`).catch(() => undefined);
while ((await ask())?.ok !== true) {
  if (server.exitCode !== null) throw new Error('the server ended before it answered');
  await sleep(100);
}
server.kill('SIGTERM');
await once(server, 'exit');
rmSync(folder, { recursive: true });
