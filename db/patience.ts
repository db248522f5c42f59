/**
 * For how long one request waits for the database, all its waiting together: for a connection, for one statement after another, and for
 * taking back what failed. Owns the budget; does not own connections (`patient-pool.ts`).
 *
 * What counts is waiting, not work: an answer that comes promptly costs nothing, so that a request of many quick statements may take
 * as long as it takes.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { monotonicMilliseconds } from '../src/clock.ts';

/** An answer that comes within this is prompt. */
const promptMilliseconds = 100;

export interface Patience {
  /** What a request may wait in all. */
  readonly limitMilliseconds: number;
  /**
   * Runs a request's work on one budget, with everything that it begins.
   * @param options.waited milliseconds that it has waited already
   * @param options.until tells that the budget no longer matters, because the answer has begun
   */
  within<T>(work: () => T, options?: { waited?: number; until?: () => boolean }): T;
  /**
   * Waits for the database on what is left of the running request's budget; without limit outside of one.
   * @param ask begins to wait; not called when nothing is left
   * @throws LateDatabaseError when it is used up; what comes later is for nobody
   */
  wait<T>(ask: () => Promise<T>): Promise<T>;
}

/** The database did not answer while somebody waited for it. */
export class LateDatabaseError extends Error {
  override readonly name = 'LateDatabaseError';
  /** As the network would say it. */
  readonly code = 'ETIMEDOUT';

  constructor() {
    super('the database did not answer in time');
  }
}

interface Budget {
  /** Of waits that are over. */
  spent: number;
  /** Those that wait now, for several things at once, wait once. */
  waiting: number;
  since: number;
  readonly until: () => boolean;
}

/** @param limitMilliseconds what a request may wait in all */
export function createPatience(limitMilliseconds: number): Patience {
  const budgets = new AsyncLocalStorage<Budget>();
  return {
    limitMilliseconds,
    within: (work, { waited = 0, until = () => false } = {}) =>
      budgets.run({ spent: waited, waiting: 0, since: 0, until }, work),
    async wait(ask) {
      const budget = budgets.getStore();
      if (!budget || budget.until()) return ask();
      if (budget.waiting === 0) budget.since = monotonicMilliseconds();
      const left = limitMilliseconds - budget.spent - (monotonicMilliseconds() - budget.since);
      if (left <= 0) throw new LateDatabaseError();
      budget.waiting += 1;
      const { promise: late, reject } = Promise.withResolvers<never>();
      const timer = setTimeout(() => {
        budget.spent = limitMilliseconds;
        reject(new LateDatabaseError());
      }, left);
      try {
        return await Promise.race([ask(), late]);
      } finally {
        clearTimeout(timer);
        budget.waiting -= 1;
        if (budget.waiting === 0) {
          const waited = monotonicMilliseconds() - budget.since;
          if (waited > promptMilliseconds) budget.spent += waited;
        }
      }
    },
  };
}
