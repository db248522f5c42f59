/** `assignments` and `why`: commands about places, on the API or on the database, whichever is meant. */
import type { Command } from 'commander';
import { type AdministrationParts, isLocal, issuerOption, workspaceOf } from './administration-program.ts';
import { atApi, type Typed } from './administration-request.ts';
import { type AssignmentPlace, addAssignment, removeAssignment } from './assignments.ts';
import { addAssignmentAt, removeAssignmentAt } from './remote-assignments.ts';
import { explainAt } from './remote-why.ts';
import { explain } from './why.ts';

interface Common extends Typed {
  readonly json?: boolean;
  readonly issuer?: string;
}

/** Adds the commands. */
export function addPlaceCommands(program: Command, parts: AdministrationParts): void {
  const { leaf, say, onDatabase } = parts;
  const either = (command: Command): Command =>
    issuerOption(command).option('--local', 'on the database of this machine, without a login');

  const assignments = program.command('assignments').description('who holds which role where');
  const assignment = (
    name: string,
    description: string,
    local: typeof addAssignment,
    remote: typeof addAssignmentAt,
  ) =>
    either(placed(leaf(assignments, `${name} <user>`, description))).action(
      async (user: string, options: Common & AssignmentPlace) => {
        const workspace = workspaceOf(parts);
        if (await isLocal(workspace, options)) {
          return onDatabase(options.json, (database) => local(database, user, options));
        }
        const answer = await atApi(workspace, options.issuer, (api, references) =>
          remote(api, references, user, options),
        );
        say(answer, options.json);
      },
    );
  assignment('add', 'give a user a role', addAssignment, addAssignmentAt);
  assignment(
    'remove',
    'take a role away, or every role there without --role',
    removeAssignment,
    removeAssignmentAt,
  );

  either(
    leaf(
      program,
      'why <authorization> <capability> [place]',
      'may an authorization do this now, and which rule decides? The place is a project or an MCP server',
    ),
  ).action(async (authorization: string, capability: string, place: string | undefined, options: Common) => {
    const asked = { authorization, capability, place };
    const workspace = workspaceOf(parts);
    if (await isLocal(workspace, options)) {
      return onDatabase(options.json, (database) => explain(database, asked));
    }
    const answer = await atApi(workspace, options.issuer, (api, references) =>
      explainAt(api, references, asked),
    );
    say(answer, options.json);
  });
}

const placed = (command: Command): Command =>
  command
    .option('--project <slug>', 'on this project')
    .option('--organization', 'on the organization')
    .option('--role <slug>', 'this role');
