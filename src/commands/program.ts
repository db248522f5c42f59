/**
 * The command line as a list. Owns names, options and exit codes; what a command does is in the file of its name.
 */
import { Argument, Command, CommanderError, InvalidArgumentError } from 'commander';
import type { Operation } from '../admin/api/operation.ts';
import { type Config, ConfigurationError, type Environment, readConfig } from '../config.ts';
import { readVersion } from '../shipped-files.ts';
import {
  type AdministrationParts,
  addAdministrationCommands,
  needsOperations,
} from './administration-program.ts';
import { type Answer, done, loginNeeded } from './answer.ts';
import { candidatesFor, completeWord, completionScript, type Shell, shells } from './completion.ts';
import { localAdministration } from './local-administration.ts';
import { addPersonCommands } from './person-program.ts';
import { addPlaceCommands } from './place-program.ts';
import { start } from './start.ts';
import { createTerminal, type Streams, type Terminal } from './terminal.ts';
import { addUpkeepCommands } from './upkeep-program.ts';
import type { Workspace } from './workspace.ts';

/** 0: done · 1: refused or failed · 2: not understood · 3: a login is needed. */
export type ExitCode = 0 | 1 | 2 | 3;

const exitCodes = { refused: 1, usage: 2, login_needed: 3 } as const;

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
    code = exitCodes[answer.outcome];
  };
  try {
    const operations = await operationsFor(args);
    const program = createProgram(terminal, streams, environment, say, operations);
    if (args[0] === completeWord) {
      const words = args.slice(args.indexOf('--') + 1);
      for (const candidate of candidatesFor(program, words)) terminal.print(candidate);
      return 0;
    }
    await program.parseAsync(args, { from: 'user' });
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
  operations: readonly Operation[] | undefined,
): Command {
  const program = new Command('mandate')
    .description('OAuth 2 authorization server with live token introspection')
    .version(readVersion(), '-V, --version', 'print which version this is')
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

  leaf(program, 'export [file]', 'write the organization down as YAML; importing it changes nothing').action(
    (file: string | undefined, options: Json) =>
      onDatabase(options.json, async (workspace) =>
        (await import('./export.ts')).exportFile(workspace, terminal, file),
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

  const administration: AdministrationParts = {
    leaf,
    terminal,
    environment,
    say,
    onDatabase: (json, work) =>
      configured(json, async (config) => {
        const { isAbsent, withWorkspace } = await import('./workspace.ts');
        return isAbsent(config)
          ? loginNeeded(
              `nobody is logged in here to administer, and there is no database either (${config.databaseUrl}): run \`mandate login --scope mandate:admin\``,
            )
          : withWorkspace(config, work);
      }),
    local: localAdministration,
    operations,
  };
  addAdministrationCommands(program, administration);
  addPlaceCommands(program, administration);

  leaf(program, 'completion', 'print the script that completes commands and options with the tab key')
    .addArgument(new Argument('<shell>', 'which shell').choices([...shells]))
    .action((shell: Shell, options: Json) =>
      say(done({ shell, script: completionScript(shell) }, completionScript(shell)), options.json),
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

/** Loads the operations of the API where a command of theirs is asked for, or completed; all others start without them. */
async function operationsFor(args: readonly string[]): Promise<readonly Operation[] | undefined> {
  const [first] = args[0] === completeWord ? args.slice(args.indexOf('--') + 1) : args;
  return needsOperations(first) ? (await import('../admin/api/operations.ts')).operations : undefined;
}

interface Json {
  json?: boolean;
}

/** Adds a command of the kind that does something. */
const leaf = (parent: Command, name: string, description: string): Command =>
  parent.command(name).description(description).option('--json', 'print one JSON document');

function processes(text: string): number {
  const count = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > 64) throw new InvalidArgumentError('must be from 1 to 64.');
  return count;
}
