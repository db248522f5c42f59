/** The thread that passwords are hashed in: it answers one question after another. */
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

if (!parentPort) throw new Error('this runs in a thread of its own');
const port = parentPort;
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
