/** Counts attempts to sign in by what came of them, whichever page they were made on. */
import type { Tally } from '../operations/tally.ts';
import type { SignIn } from './sign-in.ts';

export function countSignIns(signIn: SignIn, tally: Tally): SignIn {
  const counters = {
    signed_in: tally.of('sign_in', 'signed_in'),
    wrong: tally.of('sign_in', 'wrong'),
    too_many: tally.of('sign_in', 'limited'),
  };
  return {
    ...signIn,
    async attempt(credentials, address, known) {
      const outcome = await signIn.attempt(credentials, address, known);
      counters[outcome.kind].n += 1;
      return outcome;
    },
  };
}
