/** Knows how many passwords are being hashed or wait for their turn. */
import type { Passwords } from './passwords.ts';

export interface CountedPasswords extends Passwords {
  /** How many are under way now. */
  underWay(): number;
}

export function countHashing(passwords: Passwords): CountedPasswords {
  let n = 0;
  const counting = async <T>(work: () => Promise<T>): Promise<T> => {
    n += 1;
    try {
      return await work();
    } finally {
      n -= 1;
    }
  };
  return {
    ...passwords,
    hash: (password) => counting(() => passwords.hash(password)),
    verify: (hash, password) => counting(() => passwords.verify(hash, password)),
    underWay: () => n,
  };
}
