/**
 * What one protocol request writes, collected and committed at once before its answer is sent.
 * Owns the order and the atomicity of a request's writes; does not own what is written (`artifact-adapter.ts`, stores).
 *
 * Until it commits, nothing of a request is visible to another one; when it cannot commit, the request did nothing.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Transaction } from 'kysely';
import type { Store } from '../../db/open.ts';
import type { KnownStatement } from '../../db/run-together.ts';
import type { Database } from '../../db/schema.ts';

export type Write = (trx: Transaction<Database>) => Promise<void>;

/** How far a revocation by grant reaches in this request: see `revokeGrantPolicy` in `revocation.ts`. */
export type RevocationReach = 'nothing' | 'tokens' | 'authorization';

export interface UnitOfWork {
  /**
   * Adds a write that only a successful answer makes.
   * @param known the same as one statement, for a write that most often is no more than that; where that is not so, `write` is what is run
   */
  onSuccess(write: Write, known?: () => KnownStatement): void;
  /** Adds a write that stands whatever the protocol answers, such as a revocation after a replay. */
  always(write: Write): void;
  /** Artifacts as this request has left them: a payload, or null once destroyed. */
  readonly artifacts: Map<string, { payload: object; consumed: boolean } | null>;
  /** Artifacts that this request read: it may change them, never make them anew. */
  readonly found: Set<string>;
  reach: RevocationReach;
  /** Who sent the request, as far as it can be told. */
  readonly visitor: Visitor;
}

/** The browser or tool behind a request. */
export interface Visitor {
  /** What it says it is; written by anyone. */
  readonly userAgent?: string | undefined;
  readonly address?: string | undefined;
}

/** Something that can be used once was used by another request in the meantime. */
export class AlreadyUsedError extends Error {
  override readonly name = 'AlreadyUsedError';
}

export interface UnitsOfWork {
  /**
   * Runs a request inside a new unit and commits it.
   * @param outcome tells after the request which of its writes stand: all, those that always do, or none
   * @throws AlreadyUsedError when a single use was lost to another request; nothing was written then
   */
  run<T>(
    request: () => Promise<T>,
    outcome: () => 'success' | 'refusal' | 'failure',
    visitor?: Visitor,
  ): Promise<T>;
  /** The unit of the running request. @throws Error outside of one: every write belongs to a request */
  current(): UnitOfWork;
}

interface PlannedWrite {
  readonly write: Write;
  readonly always: boolean;
  readonly known: (() => KnownStatement) | undefined;
}

export function createUnitsOfWork({
  store,
}: {
  store: Pick<Store, 'transact' | 'runTogether'>;
}): UnitsOfWork {
  const running = new AsyncLocalStorage<UnitOfWork>();

  /** @returns false, and nothing is done, when the writes have to be gone through one by one */
  async function runKnown(standing: readonly PlannedWrite[]): Promise<boolean> {
    if (!store.runTogether) return false;
    const statements: KnownStatement[] = [];
    for (const { known } of standing) {
      if (!known) return false;
      statements.push(known());
    }
    return store.runTogether(statements);
  }

  return {
    async run(request, outcome, visitor = {}) {
      const writes: PlannedWrite[] = [];
      const unit: UnitOfWork = {
        onSuccess: (write, known) => void writes.push({ write, always: false, known }),
        always: (write) => void writes.push({ write, always: true, known: undefined }),
        artifacts: new Map(),
        found: new Set(),
        reach: 'nothing',
        visitor,
      };
      const result = await running.run(unit, request);
      const verdict = outcome();
      const standing = writes.filter(
        ({ always }) => verdict === 'success' || (verdict === 'refusal' && always),
      );
      if (standing.length > 0 && !(await runKnown(standing))) {
        await store.transact(async (trx) => {
          for (const { write } of standing) await write(trx);
        });
      }
      return result;
    },
    current() {
      const unit = running.getStore();
      if (!unit) throw new Error('a protocol artifact was written outside of a request');
      return unit;
    },
  };
}
