/**
 * Lets those who ask about one token at the same moment share one reading of it. Owns the sharing; does not own the reading (`token.ts`),
 * nor the proof (`changes/freshness.ts`), which whoever asks has just made.
 */
import type { ChangeLedger } from '../changes/change-ledger.ts';
import type { FoundToken, TokenSource } from './token.ts';

/** A token as it was found, and the position of the ledger before. */
export interface TokenReading {
  readonly token: FoundToken | undefined | Promise<FoundToken | undefined>;
  readonly position: number;
}

/**
 * @returns begins to read a token, or joins a reading that began when the ledger was where it is: then it sees all that this question's
 *   proof saw. One that found nothing is not shared, because a token that is issued is no change.
 */
export function shareTokenReadings(
  tokens: TokenSource,
  ledger: ChangeLedger,
): (value: string) => TokenReading {
  const underWay = new Map<
    string,
    { readonly token: Promise<FoundToken | undefined>; readonly position: number }
  >();
  return (value) => {
    const { position } = ledger;
    const shared = underWay.get(value);
    if (shared?.position === position) {
      return { token: shared.token.then((found) => found ?? tokens.find(value)), position };
    }
    const token = tokens.find(value);
    if (!(token instanceof Promise)) return { token, position };
    const own = { token, position };
    underWay.set(value, own);
    const settled = () => {
      if (underWay.get(value) === own) underWay.delete(value);
    };
    token.then(settled, settled);
    return own;
  };
}
