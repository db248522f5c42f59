/** The commands that somebody logs in with: their names and options. */
import type { Command } from 'commander';
import { type Environment, readPersonConfig } from '../config.ts';
import type { Answer } from './answer.ts';
import { type IntrospectOptions, introspectToken } from './introspect.ts';
import { type LoginOptions, login } from './login.ts';
import { logout } from './logout.ts';
import { createPersonWorkspace, type PersonWorkspace } from './person-workspace.ts';
import type { Terminal } from './terminal.ts';
import { printToken } from './token.ts';
import { whoami } from './whoami.ts';

interface Common {
  json?: boolean;
  issuer?: string;
}

export interface ProgramParts {
  /** Adds a command of the kind that does something. */
  leaf(name: string, description: string): Command;
  readonly terminal: Terminal;
  readonly environment: () => Environment;
  say(answer: Answer, json: boolean | undefined): void;
}

/** Adds `login`, `whoami`, `token`, `logout` and `introspect`. */
export function addPersonCommands({ leaf, terminal, environment, say }: ProgramParts): void {
  const atHome = async (
    { json }: Common,
    work: (workspace: PersonWorkspace) => Promise<Answer>,
  ): Promise<void> => say(await work(createPersonWorkspace(readPersonConfig(environment()), terminal)), json);
  const atIssuer = (name: string, description: string) =>
    leaf(name, description).option(
      '--issuer <url>',
      'the server; by default ISSUER, or the one that you are logged in to',
    );

  atIssuer('login', 'log in as yourself: shows a code, waits for you in the browser, keeps the token')
    .option('--scope <names>', 'capabilities to ask for; you choose on the page', 'api')
    .option('--resource <url>', 'the API or MCP server that the token is for')
    .option('--no-browser', 'open none')
    .action((options: Common & LoginOptions) => atHome(options, (workspace) => login(workspace, options)));
  atIssuer('whoami', 'who is logged in, and what this login may do now').action((options: Common) =>
    atHome(options, (workspace) => whoami(workspace, options)),
  );
  atIssuer('token', 'print an access token that can be used, and nothing else').action((options: Common) =>
    atHome(options, (workspace) => printToken(workspace, options)),
  );
  atIssuer('logout', 'end the authorization of this login, and forget it')
    .option('--local', 'only forget it, without telling the server')
    .action((options: Common & { local?: boolean }) =>
      atHome(options, (workspace) => logout(workspace, options)),
    );
  atIssuer(
    'introspect <token>',
    'ask as a resource server what a token may do now; - reads it from the standard input',
  )
    .option('--client-id <id>', 'the resource server; by default RESOURCE_SERVER_ID')
    .option(
      '--client-secret <secret>',
      'its secret; by default RESOURCE_SERVER_SECRET, which no list of processes shows',
    )
    .action((token: string, options: Common & IntrospectOptions) =>
      atHome(options, (workspace) => introspectToken(workspace, token, options)),
    );
}
