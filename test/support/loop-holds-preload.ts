/** Loaded into a server's process ahead of it (`--import`): writes each hold of its loop as a line of the file that LOOP_HOLDS names. */
import { appendFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { watchLoop } from './loop-holds.ts';

const { LOOP_HOLDS } = process.env;
if (isMainThread && LOOP_HOLDS) {
  watchLoop((hold) => appendFileSync(LOOP_HOLDS, `${JSON.stringify(hold)}\n`));
}
