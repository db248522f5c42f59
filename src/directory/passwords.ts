import { availableParallelism } from 'node:os';
import { createPasswordThreads } from './password-threads.ts';

/** Argon2id as OWASP's password storage cheat sheet has it: 19 MiB, two passes, one lane. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** Longer input is refused before it is hashed: nobody types it, and hashing it would cost. In bytes of UTF-8. */
export const longestPassword = 1_024;

/** Hashing that stays off the thread that answers, and behind it. */
export interface Passwords {
  /** Makes a PHC string. @throws RangeError when the password is longer than `longestPassword`; BusyError */
  hash(password: string): Promise<string>;
  /**
   * Tells whether a password belongs to a hash.
   * Without a hash it takes as long as with one and says no, so that the time does not tell who exists.
   * @throws BusyError when too many wait already
   */
  verify(passwordHash: string | null | undefined, password: string): Promise<boolean>;
}

/** A core is left to whoever answers, where there are two. */
const usualAtOnce = Math.max(1, Math.min(2, availableParallelism() - 1));

/** A few seconds' worth: who comes then is told so at once, rather than after a wait that no browser keeps up. */
const usualMostWaiting = 200;

/**
 * Creates the hasher.
 * @param options.atOnce how many run at once; each takes 19 MiB and a thread, the others wait in order
 * @param options.mostWaiting how many may wait
 */
export function createPasswords({
  atOnce = usualAtOnce,
  mostWaiting = usualMostWaiting,
}: {
  atOnce?: number;
  mostWaiting?: number;
} = {}): Passwords {
  const threads = createPasswordThreads(atOnce, mostWaiting);
  const hash = async (password: string) => String(await threads.ask({ password: normal(password), cost }));
  const verify = async (passwordHash: string, password: string) =>
    (await threads.ask({ password: normal(password), passwordHash, cost })) === true;
  let nobody: Promise<string> | undefined;
  const tooLong = (password: string) => Buffer.byteLength(password) > longestPassword;
  return {
    async hash(password) {
      if (tooLong(password)) throw new RangeError(`a password has at most ${longestPassword} bytes`);
      return await hash(password);
    },
    async verify(passwordHash, password) {
      if (tooLong(password)) return false;
      if (passwordHash) return await verify(passwordHash, password);
      nobody ??= hash('nobody has this password').catch((error) => {
        nobody = undefined;
        throw error;
      });
      await verify(await nobody, password);
      return false;
    },
  };
}

/** One spelling for what different keyboards send for the same characters (RFC 8265 section 4.2.2: NFC). */
const normal = (password: string) => password.normalize('NFC');
