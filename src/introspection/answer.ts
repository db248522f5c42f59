/** The body of an introspection answer (RFC 7662 section 2.2), from what the steps before it found. Pure. */
import { authorizationDetails } from '../oauth/authorization-details.ts';
import type { Rights } from '../oauth/authorization-rights.ts';
import type { Addition } from '../policy/additions.ts';
import type { Guarded } from '../policy/audience.ts';
import { type Seen, seenBy } from '../policy/audience.ts';
import { narrowTo } from '../policy/narrow.ts';
import { rightUntil } from '../policy/right-until.ts';
import { everyAudience, type FoundToken } from './token.ts';

/** The one answer to everything that is not an active token that concerns the caller. */
export const inactive = '{"active":false}';

/** What of an authorization's rights an answer is made of; few enough to be kept for many. */
export interface AnswerRights {
  readonly authorization: Pick<Rights['authorization'], 'id' | 'kind' | 'version' | 'expiresAt'>;
  readonly owner: { readonly user: Pick<Rights['owner']['user'], 'id' | 'email'> };
  readonly world: Pick<Rights['world'], 'catalogue'>;
  readonly effective: Rights['effective'];
  readonly limits: Pick<Rights['limits'], 'end' | 'ends'>;
  /** Those that count in `effective`. */
  readonly additions: readonly Addition[];
}

/**
 * Writes the answer for one caller.
 * @param guarded what of the token's audience the caller guards
 * @returns undefined when nothing is left that it guards
 */
export function answerFor(
  issuer: string,
  token: FoundToken,
  rights: AnswerRights,
  guarded: Guarded,
): object | undefined {
  return describe(issuer, token, rights, guarded)?.answer;
}

function describe(issuer: string, token: FoundToken, rights: AnswerRights, guarded: Guarded) {
  const { whole, seen } = seenThrough(token, rights, guarded);
  if (!whole || !seen) return undefined;
  const { authorization, owner, limits } = rights;
  // What is said here is right until then: whoever remembers the answer asks again when time alone has taken something from it.
  const endsAt = Math.min(
    authorization.expiresAt ?? Number.POSITIVE_INFINITY,
    rightUntil(whole, limits, rights.additions),
  );
  const end = Math.min(token.expiresAt, endsAt);
  const answer = {
    active: true,
    iss: issuer,
    token_type: token.jkt === undefined ? 'Bearer' : 'DPoP',
    client_id: token.clientId,
    sub: owner.user.id,
    username: owner.user.email,
    aud: token.audience === everyAudience ? undefined : token.audience,
    iat: token.issuedAt,
    exp: Number.isFinite(end) ? end : undefined,
    scope: seen.scope.join(' '),
    authorization_id: authorization.id,
    authorization_kind: authorization.kind,
    authorization_version: authorization.version,
    authorization_details: authorizationDetails(seen),
    withheld: seen.withheld,
    ...(token.jkt === undefined ? {} : { cnf: { jkt: token.jkt } }),
  };
  return { answer, end, endsAt };
}

/** What the answers about several tokens have in common when the tokens differ in their times alone. */
export interface Wording {
  /** Up to the time of issue, which comes next. */
  readonly head: string;
  /** What follows the end, or the time of issue where there is no end. */
  readonly tail: string;
  /** Seconds; no token's answer is right for longer, nor says so. May be infinite. */
  readonly endsAt: number;
}

/**
 * Writes an answer as `writeAnswer(answerFor(…))` does, and takes it apart. Pure.
 * @returns the answer, and its wording; none when it is the one of inactive tokens, which says no times
 */
export function wordAnswer(
  issuer: string,
  token: FoundToken,
  rights: AnswerRights,
  guarded: Guarded,
): { readonly body: string; readonly wording: Wording | undefined } {
  const described = describe(issuer, token, rights, guarded);
  const body = writeAnswer(described?.answer);
  if (!described) return { body, wording: undefined };
  const { end, endsAt } = described;
  const times = timesOf(token.issuedAt, end);
  // A quotation mark within a string is escaped, so this is the member's name and no part of a name or an address before it.
  const from = body.indexOf(`,"iat":${times},`) + ',"iat":'.length;
  return {
    body,
    wording: { head: body.slice(0, from), tail: body.slice(from + times.length), endsAt },
  };
}

/** Writes the answer about one token in a wording made for others like it. Pure. @param end as it says it, which may be infinite */
export const sayAnswer = ({ head, tail }: Wording, issuedAt: number, end: number): string =>
  head + timesOf(issuedAt, end) + tail;

const timesOf = (issuedAt: number, end: number) =>
  Number.isFinite(end) ? `${issuedAt},"exp":${end}` : `${issuedAt}`;

/**
 * Finds what one caller may see of an authorization through one token. Pure.
 * @returns `seen`, and `whole`: the same without what limits the token alone; undefined where nothing is left
 */
export function seenThrough(
  { ceiling }: Pick<FoundToken, 'ceiling'>,
  { effective, world }: Pick<AnswerRights, 'effective' | 'world'>,
  guarded: Guarded,
): { readonly whole: Seen | undefined; readonly seen: Seen | undefined } {
  const whole = seenBy(effective, guarded, world.catalogue);
  return { whole, seen: whole && ceiling ? narrowTo(whole, ceiling) : whole };
}

/** Writes an answer as a body of ASCII alone, so that its length in characters is its length in bytes. Pure. */
export function writeAnswer(answer: object | undefined): string {
  if (!answer) return inactive;
  const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(answer).replace(/[\u0080-\uffff]/g, escaped);
}
