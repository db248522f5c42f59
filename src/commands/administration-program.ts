/**
 * The commands of the administration: one for each operation of the API that a token may ask for. Owns their names, arguments and
 * options, all taken from the operation; what they do is the API's. A few work on the database too, where the server runs.
 */
import type { Command } from 'commander';
import type { Operation } from '../admin/api/operation.ts';
import { type Environment, readPersonConfig } from '../config.ts';
import { proposeRemoval } from './account-removal.ts';
import { type AdministrationApi, administers } from './administration-api.ts';
import {
  type Member,
  membersOf,
  membersOfProperties,
  NotUnderstood,
  optionOf,
} from './administration-options.ts';
import { atApi, parametersOf, pathOf, performAt, readMembers, type Typed } from './administration-request.ts';
import { nouns } from './administration-table.ts';
import { type Answer, usage } from './answer.ts';
import { openNewKeyPage } from './new-key-page.ts';
import { createPersonWorkspace, loginIssuerOf, type PersonWorkspace } from './person-workspace.ts';
import { configurePolicySetting, proposePolicies } from './policy-setting.ts';
import { type Proposal, type ProposalOptions, propose } from './proposal.ts';
import type { Terminal } from './terminal.ts';
import type { Workspace } from './workspace.ts';

/** Does it on the database, as far as it can be done there. */
export type LocalCommand = (
  workspace: Workspace,
  positional: readonly string[],
  options: Typed,
) => Promise<Answer>;

export interface LocalVariant {
  readonly run: LocalCommand;
  /** Options that it has beside the operation's; whoever gives one means the database. */
  readonly localOnly?: readonly string[];
  /** Its argument may be left out. */
  readonly mayBeOmitted?: boolean;
  configure?(command: Command): void;
}

export interface AdministrationParts {
  /** Adds a command of the kind that does something. */
  leaf(parent: Command, name: string, description: string): Command;
  readonly terminal: Terminal;
  readonly environment: () => Environment;
  say(answer: Answer, json: boolean | undefined): void;
  onDatabase(json: boolean | undefined, work: (workspace: Workspace) => Promise<Answer>): Promise<void>;
  /** `noun verb` → what it does on the database. */
  readonly local: Readonly<Record<string, LocalVariant>>;
  /** Undefined: no command of the administration was asked for, so its operations are not loaded; nouns are listed all the same. */
  readonly operations: readonly Operation[] | undefined;
}

/** Nouns of the administration, and `simulate`: commands that need the operations. */
export const needsOperations = (word: string | undefined): boolean =>
  word !== undefined && (word in nouns || word === 'simulate');

/** Adds the commands. */
export function addAdministrationCommands(program: Command, parts: AdministrationParts): void {
  const byId = new Map((parts.operations ?? []).map((operation) => [operation.id, operation]));
  for (const [noun, { description, verbs }] of Object.entries(nouns)) {
    const parent = program.command(noun).description(description);
    for (const [verb, id] of Object.entries(verbs)) {
      const operation = byId.get(id);
      if (operation) addVerb(parent, noun, verb, operation, parts);
    }
  }
  const simulate = program
    .command('simulate')
    .description('what would a change cut, and whose? Nothing is changed');
  const simulated = byId.get('simulate');
  if (simulated) addSimulations(simulate, simulated, parts);
}

/** Operations of which a command shows what would happen, and asks. The path is the operation's, with ids in it. */
const proposed: Readonly<Record<string, ProposedVerb>> = {
  delete_user: { question: 'Remove it?', propose: proposeRemoval },
  delete_service_account: { question: 'Remove it?', propose: proposeRemoval },
  replace_policies: {
    question: 'Apply?',
    configure: configurePolicySetting,
    propose: (api, _, options) => proposePolicies(api, options),
  },
};

interface ProposedVerb {
  readonly question: string;
  /** Adds options in the place of the operation's members. */
  configure?(command: Command): void;
  propose(api: AdministrationApi, path: string, options: Typed): Promise<Proposal>;
}

function addVerb(
  parent: Command,
  noun: string,
  verb: string,
  operation: Operation,
  parts: AdministrationParts,
): void {
  const { leaf, say, onDatabase } = parts;
  const local = parts.local[`${noun} ${verb}`];
  const names = parametersOf(operation.path, noun).map(({ name }) =>
    local?.mayBeOmitted ? `[${name}]` : `<${name}>`,
  );
  const command = leaf(parent, [verb, ...names].join(' '), sentence(operation.summary));
  const asking = proposed[operation.id];
  const queried = membersOf(operation.query);
  const sent = asking ? [] : membersOf(operation.body);
  const attributeOf = addMembers(command, [...queried, ...sent]);
  issuerOption(command);
  if (asking) {
    asking.configure?.(command);
    command.option('--yes', 'do it without asking').option('--dry-run', 'only show what would happen');
  }
  const makesOwnKey = operation.id === 'create_api_key';
  if (makesOwnKey) command.option('--no-browser', 'open none for a key of your own');
  if (local) {
    command.option('--local', 'on the database of this machine, without a login');
    local.configure?.(command);
  }
  command.action(async (...given: unknown[]) => {
    const positional = given.slice(0, names.length).filter((one) => one !== undefined) as string[];
    const options = given[names.length] as Typed;
    const json = options.json === true;
    const workspace = workspaceOf(parts);
    const meansDatabase = local?.localOnly?.some((name) => options[name] !== undefined);
    if (local && (meansDatabase || (await isLocal(workspace, options)))) {
      return onDatabase(json, (database) => local.run(database, positional, options));
    }
    const answer = await understood(async () => {
      if (makesOwnKey && options.user === undefined) {
        return openNewKeyPage(workspace, sent, options, attributeOf, workspace.clock);
      }
      if (positional.length < names.length)
        throw new NotUnderstood(`name what it is about: ${names.join(' ')}`);
      if (asking) {
        const chosen = { ...(options as ProposalOptions), json };
        return atApi(workspace, options.issuer as string | undefined, (api, references) =>
          propose(parts.terminal, chosen, asking.question, async () =>
            asking.propose(api, await pathOf(references, noun, operation.path, positional), options),
          ),
        );
      }
      const query = readMembers(queried, options, attributeOf, workspace.clock);
      const body = operation.body && readMembers(sent, options, attributeOf, workspace.clock);
      return atApi(workspace, options.issuer as string | undefined, (api, references) =>
        performAt(api, references, noun, { operation, positional, query, body }),
      );
    });
    say(answer, json);
  });
}

/** Adds one command for each kind of change that can be supposed. */
function addSimulations(parent: Command, operation: Operation, parts: AdministrationParts): void {
  for (const { kind, members } of changesOf(operation)) {
    const command = parts.leaf(parent, kind.replaceAll('_', '-'), `suppose: ${kind.replaceAll('_', ' ')}`);
    const attributeOf = addMembers(command, members);
    issuerOption(command);
    command.action(async (options: Typed) => {
      const workspace = workspaceOf(parts);
      const answer = await understood(async () => {
        const change = { kind, ...readMembers(members, options, attributeOf, workspace.clock) };
        return atApi(workspace, options.issuer as string | undefined, (api, references) =>
          performAt(api, references, 'simulate', { operation, positional: [], query: {}, body: { change } }),
        );
      });
      parts.say(answer, options.json === true);
    });
  }
}

interface Variant {
  readonly properties: Readonly<Record<string, { readonly const?: string; readonly type?: string }>>;
  readonly required?: readonly string[];
}

/** The kinds of change, from the schema's variants. */
function changesOf({ body }: Operation): { kind: string; members: Member[] }[] {
  const schema = body?.toJSONSchema({ io: 'input', unrepresentable: 'any' }) as
    | { properties?: { change?: { oneOf?: readonly Variant[] } } }
    | undefined;
  return (schema?.properties?.change?.oneOf ?? []).flatMap(({ properties, required = [] }) => {
    const { kind, ...rest } = properties;
    return kind?.const === undefined
      ? []
      : [{ kind: kind.const, members: membersOfProperties(rest, required) }];
  });
}

/** @returns where commander keeps the value of a flag */
function addMembers(command: Command, members: readonly Member[]): (flag: string) => string {
  const attributes = new Map<string, string>();
  for (const member of members) {
    const option = optionOf(member);
    attributes.set(member.flag, option.attributeName());
    command.addOption(option);
  }
  return (flag) => attributes.get(flag) ?? flag;
}

export const issuerOption = (command: Command): Command =>
  command.option('--issuer <url>', 'the server; by default ISSUER, or the one that you are logged in to');

/** The workspace of whoever is logged in here. */
export const workspaceOf = ({
  environment,
  terminal,
}: Pick<AdministrationParts, 'environment' | 'terminal'>) =>
  createPersonWorkspace(readPersonConfig(environment()), terminal);

/**
 * Tells whether a command that can do both works on the database: when told so, and when nobody is logged in here to administer. A
 * server's own machine needs no login, and somebody who has one is never asked which of the two they mean.
 */
export async function isLocal(workspace: PersonWorkspace, options: Typed): Promise<boolean> {
  if (options.local === true) return true;
  if (options.issuer !== undefined) return false;
  const issuer = await loginIssuerOf(workspace, undefined);
  const login = typeof issuer === 'string' ? await workspace.logins.read(issuer) : undefined;
  return !(login && administers(login));
}

/** Answers what was not understood. */
async function understood(work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof NotUnderstood) return usage(error.message);
    throw error;
  }
}

const sentence = (summary: string) => summary.charAt(0).toLowerCase() + summary.slice(1).replaceAll('`', '');
