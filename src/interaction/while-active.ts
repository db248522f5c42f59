/** What a request writes for somebody stands only while they may have it: between the look at their account and the COMMIT lies time. */
import { holdUser } from '../directory/user-store.ts';
import { AlreadyUsedError, type UnitsOfWork } from '../oauth/unit-of-work.ts';

/**
 * Lets what the running request writes from here on stand only if the account is active when it is written.
 * @param account.passwordHash the one that it has to have still; absent where none was asked for
 */
export function standsWhileActive(
  units: Pick<UnitsOfWork, 'current'>,
  account: { readonly id: string; readonly passwordHash?: string | null },
): void {
  const { id, passwordHash } = account;
  units.current().onSuccess(async (trx) => {
    const held = await holdUser(trx, id);
    const same = passwordHash === undefined || held?.password_hash === passwordHash;
    if (held?.status === 'active' && same) return;
    throw new AlreadyUsedError('the account was suspended, or its password changed, by another request');
  });
}
