/** What the commands of somebody who logs in work with: no database, no server of ours, only what is kept at home. */
import { type Clock, systemClock } from '../clock.ts';
import type { PersonConfig } from '../config.ts';
import { mayCarrySecrets } from '../private-transport.ts';
import { type Answer, loginNeeded, refused, usage } from './answer.ts';
import { createLoginStore, type LoginStore } from './login-store.ts';
import type { Terminal } from './terminal.ts';

export interface PersonWorkspace {
  readonly config: PersonConfig;
  readonly clock: Clock;
  readonly logins: LoginStore;
  readonly terminal: Terminal;
}

/** The issuer of a server that somebody started with no settings, as the demo is. */
const defaultIssuer = 'http://localhost:4000';

export function createPersonWorkspace(config: PersonConfig, terminal: Terminal): PersonWorkspace {
  return {
    config,
    clock: systemClock,
    logins: createLoginStore({ home: config.home, clock: systemClock }),
    terminal,
  };
}

/** Reads which server is meant. @param named what was typed, if anything was */
export function issuerOf({ config }: PersonWorkspace, named: string | undefined): string | Answer {
  const wanted = named ?? config.issuer ?? defaultIssuer;
  const url = URL.parse(wanted);
  if (!url || (wanted !== url.origin && wanted !== `${url.origin}/`) || url.origin === 'null') {
    return usage(`${wanted} is no issuer: give scheme, host and port, like ${defaultIssuer}`);
  }
  if (!mayCarrySecrets(url.origin))
    return refused(`${url.origin} would be sent tokens in the clear: it needs https`);
  return url.origin;
}

/** Reads which login is meant: where nothing says so, the only one that there is. */
export async function loginIssuerOf(
  workspace: PersonWorkspace,
  named: string | undefined,
): Promise<string | Answer> {
  if (named === undefined && workspace.config.issuer === undefined) {
    const issuers = await workspace.logins.issuers();
    const [only, ...others] = issuers;
    if (only !== undefined && others.length === 0) return only;
    if (others.length > 0 && !issuers.includes(defaultIssuer)) {
      return usage(`you are logged in to several servers; say which with --issuer: ${issuers.join(', ')}`);
    }
  }
  return issuerOf(workspace, named);
}

/** Says that nobody is logged in. Pure. @param scope what the login has to hold */
export const notLoggedIn = (issuer: string, scope?: string) =>
  loginNeeded(`you are not logged in to ${issuer}: run \`${loginCommand(issuer, scope)}\``);

/** Says that a login is of no use any more. Pure. @param reason one clause @param scope what the login has to hold */
export const loginEnded = (issuer: string, reason: string, scope?: string) =>
  loginNeeded(
    `${issuer} gives no new token: ${reason}. Run \`${loginCommand(issuer, scope)}\` to log in again`,
  );

const loginCommand = (issuer: string, scope: string | undefined) =>
  `mandate login --issuer ${issuer}${scope === undefined ? '' : ` --scope ${scope}`}`;
