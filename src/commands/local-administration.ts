/** What of the administration is done on the database itself, where the server runs: with no login, for whoever may read its files. */
import { Option } from 'commander';
import type { UserKind } from '../directory/user-store.ts';
import type { AdministrationParts } from './administration-program.ts';
import type { Typed } from './administration-request.ts';
import { usage } from './answer.ts';
import { listAuthorizations, revokeAuthorization } from './authorizations.ts';
import { listUsers, resumeUser, suspendUser } from './users.ts';

const defaultLimit = 100;
const mostListed = 1_000;

/** `noun verb` → what it does. */
export const localAdministration: AdministrationParts['local'] = {
  'users list': {
    configure: (command) =>
      void command.addOption(
        new Option('--kind <kind>', 'only these; without a login alone').choices([
          'person',
          'service_account',
        ]),
      ),
    localOnly: ['kind'],
    run: async (workspace, _, options) => {
      const page = pageOf(options);
      if (!page) return badLimit;
      const { search, kind } = options as { search?: string; kind?: UserKind };
      return listUsers(workspace, {
        ...page,
        ...(search === undefined ? {} : { search }),
        ...(kind === undefined ? {} : { kind }),
      });
    },
  },
  'users suspend': { run: (workspace, [user = '']) => suspendUser(workspace, user) },
  'users resume': { run: (workspace, [user = '']) => resumeUser(workspace, user) },
  'authorizations list': {
    run: async (workspace, _, options) => {
      const page = pageOf(options);
      if (!page) return badLimit;
      const { user } = options as { user?: string };
      return listAuthorizations(workspace, { ...page, ...(user === undefined ? {} : { user }) });
    },
  },
  'authorizations resume': {
    configure: (command) =>
      void command
        .option('--restored', 'everything that a restore suspended; without a login alone')
        .option('--dry-run', 'only show it; without a login alone'),
    localOnly: ['restored', 'dryRun'],
    mayBeOmitted: true,
    run: async (workspace, [id], options) =>
      (await import('./resume.ts')).resumeAuthorizations(workspace, id, {
        restored: options.restored === true,
        dryRun: options.dryRun === true,
      }),
  },
  'authorizations revoke': { run: (workspace, [id = '']) => revokeAuthorization(workspace, id) },
};

const badLimit = usage(`--limit must be from 1 to ${mostListed}`);

function pageOf({ limit, after }: Typed): { limit: number; after?: string } | undefined {
  const size = limit === undefined ? defaultLimit : Number(/^\d{1,4}$/.exec(String(limit))?.[0] ?? 0);
  if (size < 1 || size > mostListed) return undefined;
  return { limit: size, ...(after === undefined ? {} : { after: String(after) }) };
}
