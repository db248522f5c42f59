import { setTimeout as pause } from 'node:timers/promises';
import { apiResource } from '../admin/api/api-root.ts';
import { administration } from '../policy/administration.ts';
import { type Answer, done, refused } from './answer.ts';
import { discover } from './authorization-server.ts';
import { askForCode, awaitDecision, type DeviceCode } from './device-flow.ts';
import { harmless } from './harmless.ts';
import { type Identity, identityOf } from './identity.ts';
import type { Login } from './login-store.ts';
import { openBrowser } from './open-browser.ts';
import { issuerOf, type PersonWorkspace } from './person-workspace.ts';
import { qrCode } from './qr-code.ts';
import { revokeLogin } from './revoke-login.ts';
import type { Terminal } from './terminal.ts';
import { readTokenAnswer } from './token-answer.ts';
import { describe } from './whoami.ts';

export interface LoginOptions {
  readonly issuer?: string;
  readonly scope: string;
  readonly resource?: string;
  /** False: no browser is opened. */
  readonly browser: boolean;
}

const clientId = 'mandate-cli';

/** `login`: gets a token by the device flow and keeps it. */
export async function login(workspace: PersonWorkspace, options: LoginOptions): Promise<Answer> {
  const { clock, config, logins, terminal } = workspace;
  const issuer = issuerOf(workspace, options.issuer);
  if (typeof issuer !== 'string') return issuer;
  const server = await discover(issuer);
  const scope = [...new Set(['openid', 'profile', 'email', ...options.scope.split(/\s+/)])].join(' ').trim();
  // To administer takes a token for Mandate's own API: no other means anything there.
  const administer = scope.split(' ').includes(administration) ? apiResource(issuer) : undefined;
  const resource = options.resource ?? administer;
  const code = await askForCode(server, { clientId, scope, resource }, clock);
  if ('refused' in code) return refused(`${issuer} refused the login: ${code.refused}`);

  const opened = options.browser && config.hasDisplay && terminal.columns !== undefined;
  showCode(terminal, code, opened);
  if (opened) openBrowser(code.verificationUriComplete ?? code.verificationUri);
  const stopSpinning = terminal.spin('Waiting for you to finish in the browser');
  const waits = { clock, pause: (seconds: number) => pause(seconds * 1_000) };
  const decided = await awaitDecision(server, { clientId, code }, waits).finally(stopSpinning);
  switch (decided.outcome) {
    case 'denied':
      return refused('the request was denied in the browser: nothing was authorized');
    case 'expired':
      return refused('the code expired before anybody finished in the browser: run `mandate login` again');
    case 'refused':
      return refused(`${issuer} refused the login: ${decided.reason}`);
    case 'answered': {
      const gained = readTokenAnswer(decided.answer, clock.now(), { issuer, client_id: clientId });
      // A refresh of the former login that is on its way must not write over this one.
      const former = await logins.alone(issuer, async () => {
        // One that cannot be understood is replaced all the same.
        const kept = await logins.read(issuer).catch(() => undefined);
        await logins.write(gained);
        return kept;
      });
      const identity = identityOf(gained);
      const replaced = await endFormer(former, identity);
      if (replaced?.problem !== undefined)
        terminal.tell(
          `Your former login from this computer (${harmless(replaced.authorization_id)}) is still authorized, because ${replaced.problem}. End it at ${issuer}/account/authorizations`,
        );
      const document = replaced
        ? {
            ...identity,
            replaced: { authorization_id: replaced.authorization_id, revoked: !replaced.problem },
          }
        : identity;
      return done(document, `Logged in.\n${describe(identity)}`);
    }
  }
}

/**
 * Ends what the login before this one left authorized: the same person's, from the same computer, which nobody holds any more. Another
 * person's is theirs, and one authorization that both logins share lives on.
 * @returns undefined where there is none to end
 */
async function endFormer(
  former: Login | undefined,
  { user, authorization_id: id }: Identity,
): Promise<{ authorization_id: string; problem: string | undefined } | undefined> {
  if (!former) return undefined;
  const { user: formerUser, authorization_id: formerId } = identityOf(former);
  if (formerId === null || id === null || formerId === id) return undefined;
  if (formerUser.sub === null || formerUser.sub !== user.sub) return undefined;
  return { authorization_id: formerId, problem: await revokeLogin(former) };
}

function showCode(terminal: Terminal, code: DeviceCode, opened: boolean): void {
  const complete = code.verificationUriComplete ?? code.verificationUri;
  const drawn = terminal.columns === undefined ? undefined : qrCode(complete, terminal.columns);
  terminal.tell(
    opened
      ? 'Your browser should show this address; if it does not, open it:'
      : 'Open this address in a browser:',
  );
  terminal.tell(`\n  ${harmless(complete)}\n`);
  if (drawn !== undefined) terminal.tell(`${drawn}\n`);
  terminal.tell(`and check that it shows the code  ${harmless(code.userCode)}`);
  if (complete !== code.verificationUri) terminal.tell(`(or type it at ${harmless(code.verificationUri)})`);
}
