/**
 * The device flow from the tool's side: a code for the person, then patience.
 * @see RFC 8628 sections 3.1 to 3.5
 */
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import {
  type AuthorizationServer,
  errorOf,
  type FormAnswer,
  postForm,
  ServerProblem,
} from './authorization-server.ts';

export interface DeviceCode {
  readonly deviceCode: string;
  /** What the person compares or types. */
  readonly userCode: string;
  readonly verificationUri: string;
  /** The same address with the code in it. */
  readonly verificationUriComplete: string | undefined;
  /** Integer seconds. */
  readonly expiresAt: number;
  readonly intervalSeconds: number;
}

/** How asking for a code, or waiting for the person, ended. */
export type DeviceOutcome =
  | { readonly outcome: 'answered'; readonly answer: FormAnswer }
  | { readonly outcome: 'denied' }
  | { readonly outcome: 'expired' }
  | { readonly outcome: 'refused'; readonly reason: string };

/** RFC 8628 section 3.2: assumed where the server says nothing; section 3.5: added by each slow_down. */
const defaultIntervalSeconds = 5;
const slowDownSeconds = 5;
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';

const webAddress = z.url({ protocol: /^https?$/ });
const codeSchema = z.object({
  device_code: z.string(),
  user_code: z.string(),
  verification_uri: webAddress,
  verification_uri_complete: webAddress.optional(),
  expires_in: z.number().positive(),
  interval: z.number().positive().default(defaultIntervalSeconds),
});

/**
 * Asks for a code.
 * @throws ServerProblem when the server has no device flow, or its answer is none
 */
export async function askForCode(
  server: AuthorizationServer,
  request: { clientId: string; scope: string; resource: string | undefined },
  clock: Clock,
): Promise<DeviceCode | { readonly refused: string }> {
  if (!server.deviceAuthorization) throw new ServerProblem(`${server.issuer} offers no login by device code`);
  const { clientId, scope, resource } = request;
  const answer = await postForm(server.deviceAuthorization, { client_id: clientId, scope, resource });
  if (answer.status !== 200) return { refused: errorOf(answer) };
  const code = codeSchema.safeParse(answer.body);
  if (!code.success)
    throw new ServerProblem(`${server.issuer} answered with something that is no device code`);
  const { data } = code;
  return {
    deviceCode: data.device_code,
    userCode: data.user_code,
    verificationUri: data.verification_uri,
    verificationUriComplete: data.verification_uri_complete,
    expiresAt: clock.now() + Math.floor(data.expires_in),
    intervalSeconds: data.interval,
  };
}

/** Polls until the person has decided, or the code has expired. @param pause waits for so many seconds */
export async function awaitDecision(
  server: AuthorizationServer,
  { clientId, code }: { clientId: string; code: DeviceCode },
  { clock, pause }: { clock: Clock; pause(seconds: number): Promise<void> },
): Promise<DeviceOutcome> {
  let interval = code.intervalSeconds;
  for (;;) {
    await pause(interval);
    const answer = await poll(server, clientId, code.deviceCode);
    // RFC 8628 section 3.5: a connection that fails is no decision, and asks for longer waits.
    if (answer === undefined) interval *= 2;
    else if (answer.status === 200) return { outcome: 'answered', answer };
    else {
      switch (answer.body.error) {
        case 'authorization_pending':
          break;
        case 'slow_down':
          interval += slowDownSeconds;
          break;
        case 'access_denied':
          return { outcome: 'denied' };
        case 'expired_token':
          return { outcome: 'expired' };
        default:
          return { outcome: 'refused', reason: errorOf(answer) };
      }
    }
    if (clock.now() >= code.expiresAt) return { outcome: 'expired' };
  }
}

async function poll(
  server: AuthorizationServer,
  clientId: string,
  deviceCode: string,
): Promise<FormAnswer | undefined> {
  try {
    const fields = { grant_type: deviceGrant, client_id: clientId, device_code: deviceCode };
    const answer = await postForm(server.token, fields);
    return answer.status >= 500 ? undefined : answer;
  } catch (error) {
    if (error instanceof ServerProblem) return undefined;
    throw error;
  }
}
