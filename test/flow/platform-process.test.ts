/** The example platform as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { freePort } from '../support/free-port.ts';

const program = fileURLToPath(new URL('../../examples/platform/main.ts', import.meta.url));

async function startPlatform(...flags: string[]): Promise<ChildProcess> {
  const port = String(await freePort());
  const child = spawn(process.execPath, [program, '--port', port, ...flags], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

test.each([
  ['on SIGTERM', (child: ChildProcess) => void child.kill('SIGTERM')],
  ['when whoever started it is gone', (child: ChildProcess) => void child.stdin?.end()],
])('ends by itself %s', async (_sentence, end) => {
  const child = await startPlatform('--until-input-ends');
  const exited = once(child, 'exit');
  end(child);
  expect(await exited).toEqual([0, null]);
});
