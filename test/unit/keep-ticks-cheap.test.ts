import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const run = promisify(execFile);

/** Prints the shape that V8 gives a tick's object, before and after memory is settled with nothing under way. */
const program = `
import { executionAsyncResource } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { keepTicksCheap } from './src/keep-ticks-cheap.ts';
import { settleMemory } from './src/settle-memory.ts';
keepTicksCheap();
const ticks = async (some) => {
  for (let n = 0; n < some; n += 1) await new Promise((done) => process.nextTick(done));
};
const show = () => new Promise((done) => process.nextTick(() => {
  %DebugPrint(executionAsyncResource());
  done();
}));
await ticks(1_000);
await show();
for (let time = 0; time < 3; time += 1) {
  await sleep(5);
  settleMemory();
}
await ticks(1_000);
await show();
`;

test('the shape of a tick outlives the collection of all memory, so a tick costs no more after it', async () => {
  const { stdout } = await run(process.execPath, [
    '--allow-natives-syntax',
    '--input-type=module',
    '--eval',
    program,
  ]);
  const shapes = Array.from(stdout.matchAll(/^DebugPrint: .*\n - map: (0x[0-9a-f]+)/gm), ([, map]) => map);
  expect(shapes).toHaveLength(2);
  expect(shapes[1]).toBe(shapes[0]);
});
