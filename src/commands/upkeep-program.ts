/** What whoever runs a server does to set it up and keep it: the first Owner, keys, secrets, backups. Owns names and options, as `program.ts` does for the rest. */
import { type Command, InvalidArgumentError } from 'commander';
import type { Config } from '../config.ts';
import type { Answer } from './answer.ts';
import type { Terminal } from './terminal.ts';
import type { Workspace } from './workspace.ts';

interface Json {
  json?: boolean;
}

export interface UpkeepDependencies {
  /** Adds a command that does something. */
  leaf(parent: Command, name: string, description: string): Command;
  /** An action that needs the configuration alone. */
  configured(json: boolean | undefined, work: (config: Config) => Promise<Answer>): Promise<void>;
  /** An action that works on the database. */
  onDatabase(json: boolean | undefined, work: (workspace: Workspace) => Promise<Answer>): Promise<void>;
  readonly terminal: Terminal;
}

/** Adds the commands. */
export function addUpkeepCommands(program: Command, deps: UpkeepDependencies): void {
  const { leaf, onDatabase } = deps;
  addRestoreCommands(program, deps);
  leaf(
    program,
    'owner <email>',
    'make somebody an Owner, the first one too, and print the link to choose a password',
  )
    .option('--name <name>', 'of a person who is not there yet; by default the address')
    .action((email: string, options: Json & { name?: string }) =>
      deps.configured(options.json, async (config) => {
        const { withWorkspace } = await import('./workspace.ts');
        const { makeOwner } = await import('./owner.ts');
        return withWorkspace(config, (workspace) => makeOwner(workspace, config, email, options));
      }),
    );
  const keys = program.command('signing-keys').description('the keys that sign ID tokens');
  const onKeys = (
    json: boolean | undefined,
    work: (module: typeof import('./signing-keys.ts'), workspace: Workspace) => Promise<Answer>,
  ) => onDatabase(json, async (workspace) => work(await import('./signing-keys.ts'), workspace));
  leaf(keys, 'list', 'list them with their states').action((options: Json) =>
    onKeys(options.json, (module, workspace) => module.listSigningKeys(workspace)),
  );
  leaf(keys, 'rotate', 'publish new ones, which take over later by themselves')
    .option('--in <seconds>', 'how long they are published before they sign (by default an hour)', seconds)
    .option('--now', 'let them sign as soon as every node publishes them')
    .action((options: Json & { in?: number; now?: boolean }) =>
      onKeys(options.json, (module, workspace) => module.rotateSigningKeys(workspace, options)),
    );
  leaf(keys, 'promote', 'let published ones sign as soon as every node publishes them').action(
    (options: Json) => onKeys(options.json, (module, workspace) => module.promoteSigningKeys(workspace)),
  );
  leaf(keys, 'revoke <kid>', 'take one that leaked away at once').action((kid: string, options: Json) =>
    onKeys(options.json, (module, workspace) => module.revokeSigningKey(workspace, kid)),
  );

  const secrets = program.command('secrets').description('what a new MANDATE_SECRET leaves to do');
  leaf(secrets, 'status', 'tell what still needs MANDATE_SECRET_PREVIOUS').action((options: Json) =>
    onDatabase(options.json, async (workspace) => (await import('./secrets.ts')).showSecrets(workspace)),
  );
  leaf(secrets, 'rotate', 'encrypt under MANDATE_SECRET what is encrypted under an earlier one').action(
    (options: Json) =>
      onDatabase(options.json, async (workspace) => (await import('./secrets.ts')).rotateSecrets(workspace)),
  );
}

/** Adds what comes before and after a loss. */
function addRestoreCommands(program: Command, { leaf, configured, terminal }: UpkeepDependencies): void {
  leaf(program, 'backup <file>', 'write a consistent copy of the database while servers run').action(
    (file: string, options: Json) =>
      configured(options.json, async (config) => (await import('./backup.ts')).backUp(config, file)),
  );
  leaf(program, 'restore <file>', 'put a backup back; nothing that was ended since comes back to life')
    .option('--yes', 'do it without asking')
    .action((file: string, options: Json & { yes?: boolean }) =>
      configured(options.json, async (config) =>
        (await import('./restore.ts')).restoreBackup(config, terminal, file, options),
      ),
    );
  leaf(program, 'restored', 'say that the database was put back by other means, such as pg_restore')
    .option('--yes', 'do it without asking')
    .action((options: Json & { yes?: boolean }) =>
      configured(options.json, async (config) =>
        (await import('./restore.ts')).markRestored(config, terminal, options),
      ),
    );
}

function seconds(text: string): number {
  const value = /^\d{1,8}$/.test(text) ? Number(text) : 0;
  if (value < 1) throw new InvalidArgumentError('must be a whole number of seconds.');
  return value;
}
