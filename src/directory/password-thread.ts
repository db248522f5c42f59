/**
 * The thread that passwords are hashed in: it answers one question after another and gives way to whoever answers requests.
 * Hashing takes a core for some 50 ms on purpose; on Linux, where a thread has a priority of its own, a machine that is busy
 * makes people who sign in wait, not introspections.
 */
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { hashSync, type Options, verifySync } from '@node-rs/argon2';

/** Without `passwordHash` a hash is asked for. */
export interface PasswordQuestion {
  readonly password: string;
  readonly passwordHash?: string;
  readonly cost: Options;
}

/** A PHC string, or whether the password belongs to the one that was given. */
export type PasswordAnswer = { readonly value: string | boolean } | { readonly failure: Error };

/** Nice value: about a tenth of a core that others keep busy, all of one that is idle. */
const niceness = 10;

if (!parentPort) throw new Error('this runs in a thread of its own');
const port = parentPort;
stepBack();
port.on('message', (question: PasswordQuestion) => port.postMessage(answerTo(question)));

function answerTo({ password, passwordHash, cost }: PasswordQuestion): PasswordAnswer {
  try {
    return {
      value: passwordHash === undefined ? hashSync(password, cost) : verifySync(passwordHash, password),
    };
  } catch (error) {
    return { failure: error instanceof Error ? error : new Error(String(error)) };
  }
}

/** Lowers the priority of this thread alone. Elsewhere than on Linux a priority is the whole process's, so it stays. */
function stepBack(): void {
  if (process.platform !== 'linux') return;
  try {
    // "PID/task/TID": what setpriority(2) takes for a process is a thread's id on Linux.
    const threadId = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    if (threadId !== process.pid) setPriority(threadId, niceness);
  } catch {
    // No /proc, or a sandbox that forbids it: hashing is as important as the rest then.
  }
}
