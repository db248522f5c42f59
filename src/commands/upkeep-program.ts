/** What whoever runs a server does to keep it: keys, secrets, backups. Owns names and options, as `program.ts` does for the rest. */
import { type Command, InvalidArgumentError } from 'commander';
import type { Answer } from './answer.ts';
import type { Workspace } from './workspace.ts';

interface Json {
  json?: boolean;
}

/** Adds the commands. @param leaf adds one that does something */
export function addUpkeepCommands(
  program: Command,
  deps: {
    leaf(parent: Command, name: string, description: string): Command;
    onDatabase(json: boolean | undefined, work: (workspace: Workspace) => Promise<Answer>): Promise<void>;
  },
): void {
  const { leaf, onDatabase } = deps;
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

function seconds(text: string): number {
  const value = /^\d{1,8}$/.test(text) ? Number(text) : 0;
  if (value < 1) throw new InvalidArgumentError('must be a whole number of seconds.');
  return value;
}
