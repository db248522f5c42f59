/**
 * The command line as a list. Owns names, options and exit codes; what a command does is in the file of its name.
 */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { type Config, ConfigurationError, type Environment, readConfig } from '../config.ts';
import type { UserKind } from '../directory/user-store.ts';
import type { Answer } from './answer.ts';
import { type AssignmentPlace, addAssignment, removeAssignment } from './assignments.ts';
import { listAuthorizations, revokeAuthorization } from './authorizations.ts';
import { addPersonCommands } from './person-program.ts';
import { start } from './start.ts';
import { createTerminal, type Streams, type Terminal } from './terminal.ts';
import { addUpkeepCommands } from './upkeep-program.ts';
import { listUsers, resumeUser, suspendUser } from './users.ts';
import { explain } from './why.ts';
import type { Workspace } from './workspace.ts';

/** 0: done · 1: refused or failed · 2: not understood. */
export type ExitCode = 0 | 1 | 2;

/**
 * Runs one command.
 * @param args what follows the program's name
 * @param environment reads the settings; asked once a command needs them
 */
export async function runCommandLine(
  args: readonly string[],
  streams: Streams,
  environment: () => Environment,
): Promise<ExitCode> {
  const terminal = createTerminal(streams);
  let code: ExitCode = 0;
  const say = (answer: Answer, json: boolean | undefined) => {
    if ('document' in answer) {
      if (json) terminal.printJson(answer.document);
      else if (answer.text !== '') terminal.print(answer.text);
      if (answer.outcome === 'unwell') code = 1;
      return;
    }
    terminal.complain(answer.message);
    code = answer.outcome === 'usage' ? 2 : 1;
  };
  try {
    await createProgram(terminal, streams, environment, say).parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const problems =
      error instanceof ConfigurationError
        ? error.problems
        : [error instanceof Error ? error.message : String(error)];
    for (const problem of problems) terminal.complain(problem);
    return 1;
  }
}

function createProgram(
  terminal: Terminal,
  { stdout, stderr }: Streams,
  environment: () => Environment,
  say: (answer: Answer, json: boolean | undefined) => void,
): Command {
  const program = new Command('mandate')
    .description('OAuth 2 authorization server with live token introspection')
    .exitOverride()
    .showHelpAfterError(false)
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      outputError: (text, write) => write(`mandate: ${text.replace(/^error: /, '')}`),
    });

  /** An action that needs the configuration alone. */
  const configured = async (json: boolean | undefined, work: (config: Config) => Promise<Answer>) =>
    say(await work(readConfig(environment())), json);
  /** An action that works on the database. */
  const onDatabase = (json: boolean | undefined, work: (workspace: Workspace) => Promise<Answer>) =>
    configured(json, async (config) => {
      // What speaks to a server alone starts sooner without the database; so below.
      const { withWorkspace } = await import('./workspace.ts');
      return withWorkspace(config, work);
    });

  leaf(program, 'start', 'run the server')
    .option('--demo', 'load the demo organization into an empty database')
    .option('--no-demo', 'start an empty database without the demo organization')
    .option('--no-platform', 'leave the example platform out')
    .option('--workers <number>', 'serve from this many processes', processes)
    .action((options: Json & { demo?: boolean; platform?: boolean; workers?: number }) =>
      configured(options.json, (config) => start(config, options)),
    );
  leaf(program, 'migrate', 'bring the database to this version').action((options: Json) =>
    configured(options.json, async (config) => (await import('./migrate.ts')).migrateDatabase(config)),
  );
  leaf(
    program,
    'import <file>',
    'bring the organization to what a YAML file says; shows the difference first',
  )
    .option('--yes', 'apply without asking')
    .option('--dry-run', 'only show the difference')
    .action((file: string, options: Json & { yes?: boolean; dryRun?: boolean }) =>
      onDatabase(options.json, async (workspace) =>
        (await import('./import.ts')).importFile(workspace, terminal, file, options),
      ),
    );

  leaf(
    program,
    'doctor [address]',
    'look at this installation, or at an MCP server, an API or an issuer as a tool that connects to it would',
  )
    .option('--no-register', 'leave out registering a client and rehearsing its authorization request')
    .action(async (address: string | undefined, options: Json & { register: boolean }) => {
      if (address === undefined) {
        return configured(options.json, async (config) =>
          (await import('./self-check.ts')).checkInstallation(config, terminal),
        );
      }
      const { examineAddress } = await import('./doctor.ts');
      say(await examineAddress(terminal, address, options), options.json);
    });

  const users = program.command('users').description('people and service accounts');
  paged(leaf(users, 'list', 'list users'))
    .option('--search <text>', 'part of the e-mail address or of the name')
    .addOption(new Option('--kind <kind>', 'only these').choices(['person', 'service_account'] as const))
    .action((options: Json & Page & { search?: string; kind?: UserKind }) =>
      onDatabase(options.json, (workspace) => listUsers(workspace, options)),
    );
  leaf(users, 'suspend <user>', 'take every right away until `resume`').action(
    (user: string, options: Json) => onDatabase(options.json, (workspace) => suspendUser(workspace, user)),
  );
  leaf(users, 'resume <user>', 'give them back').action((user: string, options: Json) =>
    onDatabase(options.json, (workspace) => resumeUser(workspace, user)),
  );

  const assignments = program.command('assignments').description('who holds which role where');
  placed(leaf(assignments, 'add <user>', 'give a user a role')).action(
    (user: string, options: Json & AssignmentPlace) =>
      onDatabase(options.json, (workspace) => addAssignment(workspace, user, options)),
  );
  placed(leaf(assignments, 'remove <user>', 'take a role away, or every role there without --role')).action(
    (user: string, options: Json & AssignmentPlace) =>
      onDatabase(options.json, (workspace) => removeAssignment(workspace, user, options)),
  );

  const authorizations = program.command('authorizations').description('what users handed to tools');
  paged(leaf(authorizations, 'list', 'list authorizations'))
    .option('--user <user>', 'e-mail address or id of the one who handed them out')
    .action((options: Json & Page & { user?: string }) =>
      onDatabase(options.json, (workspace) => listAuthorizations(workspace, options)),
    );
  leaf(authorizations, 'revoke <id>', 'end an authorization for good').action((id: string, options: Json) =>
    onDatabase(options.json, (workspace) => revokeAuthorization(workspace, id)),
  );
  leaf(
    program,
    'why <authorization> <capability> [place]',
    'may an authorization do this now, and which rule decides? The place is a project or an MCP server',
  ).action((authorization: string, capability: string, place: string | undefined, options: Json) =>
    onDatabase(options.json, (workspace) => explain(workspace, { authorization, capability, place })),
  );

  addUpkeepCommands(program, { leaf, configured, onDatabase, terminal });
  addPersonCommands({
    leaf: (name, description) => leaf(program, name, description),
    terminal,
    environment,
    say,
  });
  return program;
}

interface Json {
  json?: boolean;
}
interface Page {
  limit: number;
  after?: string;
}

/** Adds a command of the kind that does something. */
const leaf = (parent: Command, name: string, description: string): Command =>
  parent.command(name).description(description).option('--json', 'print one JSON document');

const paged = (command: Command): Command =>
  command
    .option('--limit <number>', 'how many at most', pageSize, 100)
    .option('--after <id>', 'continue after this one');

const placed = (command: Command): Command =>
  command
    .option('--project <slug>', 'on this project')
    .option('--organization', 'on the organization')
    .option('--role <slug>', 'this role');

function processes(text: string): number {
  const count = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > 64) throw new InvalidArgumentError('must be from 1 to 64.');
  return count;
}

function pageSize(text: string): number {
  const size = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (size < 1 || size > 1_000) throw new InvalidArgumentError('must be from 1 to 1000.');
  return size;
}
