/** The example platform beside the demo, as the separate server that it is. It is not part of the product: a build does without. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const port = 4100;
const program = new URL('../examples/platform/main.ts', import.meta.url);

/** Where it is to be reached; undefined where it did not come along, as it does in a clone. */
export const platformOrigin = existsSync(program) ? `http://localhost:${port}` : undefined;

/** Starts it. @returns what stops it */
export function startPlatform(issuer: string): () => Promise<void> {
  const child = spawn(
    process.execPath,
    [fileURLToPath(program), '--port', String(port), '--issuer', issuer, '--until-input-ends'],
    { stdio: ['pipe', 'ignore', 'inherit'] },
  );
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  return async () => {
    child.stdin.end();
    child.kill('SIGTERM');
    await ended;
  };
}
