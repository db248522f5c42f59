/** A fresh password before something sensitive is handed over: what a browser left open must not be enough for. */
import type Koa from 'koa';
import type { Clock } from '../clock.ts';
import { addressBlock, clientAddress } from '../http/client-address.ts';
import type { Form } from '../http/read-form.ts';
import type { SignIn } from '../interaction/sign-in.ts';
import type { Slice } from '../policy/key-decision.ts';
import type { World } from '../policy/vocabulary.ts';
import { grantedNames } from './effect.ts';
import type { Visit } from './session.ts';

/** For so long the password given at sign-in counts as given lately. */
export const freshSeconds = 600;

export interface Reauthentication {
  /** Tells whether the password was given lately, or is in this form. @returns `missing` when it has to be asked for */
  prove(ctx: Koa.Context, visit: Visit, form: Form): Promise<'fresh' | 'missing' | 'wrong'>;
}

export function createReauthentication(deps: {
  signIn: SignIn;
  clock: Clock;
  trustedProxyHops: number;
}): Reauthentication {
  return {
    async prove(ctx, visit, form) {
      if (deps.clock.now() - visit.signedInAt <= freshSeconds) return 'fresh';
      const password = form.get('password')?.[0] ?? '';
      if (password === '') return 'missing';
      const { email } = visit.person.user;
      const address = addressBlock(clientAddress(ctx.req, deps.trustedProxyHops));
      const outcome = await deps.signIn.attempt({ email, password }, address);
      return outcome.kind === 'signed_in' ? 'fresh' : 'wrong';
    },
  };
}

/** Tells whether a choice hands over a sensitive capability that was not handed over before. Pure. */
export function addsSensitive(after: Slice, before: Slice | undefined, world: World): boolean {
  const had = before ? grantedNames(before, world) : [];
  return grantedNames(after, world).some(
    (name) => world.catalogue.get(name)?.sensitive && !had.includes(name),
  );
}
