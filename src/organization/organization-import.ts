/**
 * Brings a database to what a file says. Owns the comparison and its one transaction; does not own how each object is kept
 * (the stores do), and never deletes what the file does not mention.
 *
 * A plan is a rehearsal: the import itself, rolled back. So what is shown is what will be done, and there is no second
 * place that knows what counts as a difference.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Store } from '../../db/open.ts';
import type { Actor } from '../changes/change-log.ts';
import { takeOwnersTurn } from '../directory/owners.ts';
import type { Passwords } from '../directory/passwords.ts';
import type { RoleContent } from '../directory/role-store.ts';
import type { Catalogue } from '../policy/vocabulary.ts';
import { importClients } from './import-clients.ts';
import { type ImportEntry, ImportRefused } from './import-diff.ts';
import { importPolicy } from './import-policy.ts';
import {
  type ImportStores,
  importBuiltInRoles,
  importMcpServers,
  importProjects,
  importResourceServers,
  importRoles,
  startRun,
} from './import-steps.ts';
import { importUsers, type PreparedPasswords, preparePasswords } from './import-users.ts';
import type { OrganizationFile } from './organization-file.ts';

/** What an import would do. */
export interface ImportPlan {
  readonly file: OrganizationFile;
  readonly entries: readonly ImportEntry[];
  readonly passwords: PreparedPasswords;
}

export type PlanOutcome = { outcome: 'planned'; plan: ImportPlan } | { outcome: 'refused'; problem: string };
export type ApplyOutcome =
  | { outcome: 'applied'; entries: readonly ImportEntry[] }
  | { outcome: 'refused'; problem: string }
  /** The database is no longer what the plan was made from; nothing was written. */
  | { outcome: 'changed_meanwhile' };

export interface OrganizationImport {
  /** Compares a file with the database and changes nothing. */
  plan(file: OrganizationFile): Promise<PlanOutcome>;
  /** Does exactly what the plan says, in one transaction, or nothing at all. */
  apply(actor: Actor, plan: ImportPlan): Promise<ApplyOutcome>;
}

/** Creates the import. @param deps.builtInRoles roles that come with Mandate; each import brings them up to date */
export function createOrganizationImport(
  deps: ImportStores & {
    readonly store: Pick<Store, 'transact'>;
    readonly catalogue: Catalogue;
    readonly builtInRoles: readonly RoleContent[];
    readonly passwords: Passwords;
  },
): OrganizationImport {
  const { store, catalogue, builtInRoles } = deps;

  /** @param keep decides whether the transaction stays */
  const perform = (
    actor: Actor,
    file: OrganizationFile,
    passwords: PreparedPasswords,
    keep: (entries: readonly ImportEntry[]) => boolean,
  ) =>
    store.transact(async (trx) => {
      await takeOwnersTurn(trx);
      const run = startRun(deps, trx, actor);
      await importBuiltInRoles(run, builtInRoles);
      await importRoles(run, file, catalogue);
      await importProjects(run, file);
      await importMcpServers(run, file);
      await importUsers(run, file, passwords);
      await importResourceServers(run, file);
      await importClients(run, file, catalogue);
      await importPolicy(run, file, catalogue);
      if (!keep(run.entries)) throw new NotKept(run.entries);
      return run.entries;
    });

  return {
    async plan(file) {
      let passwords: PreparedPasswords = new Map();
      try {
        passwords = await preparePasswords(file, deps.users, deps.passwords);
        await perform({ id: 'system' }, file, passwords, () => false);
      } catch (error) {
        if (error instanceof ImportRefused) return { outcome: 'refused', problem: error.problem };
        if (error instanceof NotKept)
          return { outcome: 'planned', plan: { file, entries: error.entries, passwords } };
        throw error;
      }
      throw new Error('a plan was applied');
    },
    async apply(actor, { file, entries, passwords }) {
      try {
        const done = await perform(actor, file, passwords, (now) => isDeepStrictEqual(now, entries));
        return { outcome: 'applied', entries: done };
      } catch (error) {
        if (error instanceof ImportRefused) return { outcome: 'refused', problem: error.problem };
        if (error instanceof NotKept) return { outcome: 'changed_meanwhile' };
        throw error;
      }
    },
  };
}

/** Rolls a transaction back and carries out what it would have done. */
class NotKept extends Error {
  override readonly name = 'NotKept';
  readonly entries: readonly ImportEntry[];

  constructor(entries: readonly ImportEntry[]) {
    super('rolled back');
    this.entries = entries;
  }
}
