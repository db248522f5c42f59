import { hash, verify } from '@node-rs/argon2';

/** Argon2id as OWASP's password storage cheat sheet has it: 19 MiB, two passes, one lane. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** Longer input is refused before it is hashed: nobody types it, and hashing it would cost. In bytes of UTF-8. */
export const longestPassword = 1_024;

/** Hashing that stays off the thread that answers, a few at a time. */
export interface Passwords {
  /** Makes a PHC string. @throws RangeError when the password is longer than `longestPassword` */
  hash(password: string): Promise<string>;
  /**
   * Tells whether a password belongs to a hash.
   * Without a hash it takes as long as with one and says no, so that the time does not tell who exists.
   */
  verify(passwordHash: string | null | undefined, password: string): Promise<boolean>;
}

/**
 * Creates the hasher.
 * @param atOnce how many run at once; each takes 19 MiB and a thread of the pool, the others wait in order
 */
export function createPasswords({ atOnce = 2 }: { atOnce?: number } = {}): Passwords {
  const inTurn = createTurns(atOnce);
  let nobody: Promise<string> | undefined;
  const tooLong = (password: string) => Buffer.byteLength(password) > longestPassword;
  return {
    async hash(password) {
      if (tooLong(password)) throw new RangeError(`a password has at most ${longestPassword} bytes`);
      return await inTurn(() => hash(normal(password), cost));
    },
    async verify(passwordHash, password) {
      if (tooLong(password)) return false;
      if (passwordHash) return await inTurn(() => verify(passwordHash, normal(password)));
      nobody ??= hash('nobody has this password', cost);
      const other = await nobody;
      await inTurn(() => verify(other, normal(password)));
      return false;
    },
  };
}

/** One spelling for what different keyboards send for the same characters (RFC 8265 section 4.2.2: NFC). */
const normal = (password: string) => password.normalize('NFC');

function createTurns(atOnce: number) {
  let free = atOnce;
  const waiting: (() => void)[] = [];
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else free -= 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}
