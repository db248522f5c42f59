/** The example platform as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
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

test('says in one line that its port is taken, which the start beside it cannot know, and ends', async () => {
  const other = createServer();
  await once(other.listen(0, 'localhost'), 'listening');
  const { port } = other.address() as AddressInfo;
  const child = spawn(process.execPath, [program, '--port', String(port), '--until-input-ends'], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  other.close();
  expect(code).toBe(1);
  expect(said).toMatch(
    /^The example platform cannot start \(listen EADDRINUSE.*--no-platform` leaves it out\.\n$/,
  );
});
