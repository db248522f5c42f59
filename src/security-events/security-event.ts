/**
 * What a change of an authorization is in the words of the Continuous Access Evaluation Profile: the claims of a security event
 * token. Pure; signing and sending are elsewhere.
 * @see RFC 8417 section 2
 * @see https://openid.net/specs/openid-caep-1_0.html
 */

const caep = 'https://schemas.openid.net/secevent/caep/event-type';
const verification = 'https://schemas.openid.net/secevent/ssf/event-type/verification';

/** An authorization that changed, as it is now. */
export interface ChangedSubject {
  readonly authorizationId: string;
  /** Its owner; undefined when that is not known any more. */
  readonly userId: string | undefined;
  readonly version: number | undefined;
  /** Nothing is left of it: revoked, suspended, expired, or its owner may nothing. */
  readonly ended: boolean;
}

/** Claims of a security event token. */
export type EventClaims = Readonly<Record<string, unknown>>;

interface Issued {
  readonly issuer: string;
  /** The receiver's name: it takes only what is addressed to it. */
  readonly audience: string;
  /** Integer seconds. */
  readonly at: number;
}

/**
 * Writes the event of one change.
 * @param seq the number of the change: the same change has the same `jti` however often it is sent
 */
export function changeEvent(
  { issuer, audience, at }: Issued,
  seq: number,
  subject: ChangedSubject,
): EventClaims {
  const event = { event_timestamp: at };
  return {
    iss: issuer,
    aud: audience,
    iat: at,
    jti: `${audience}.${seq}.${subject.authorizationId}`,
    txn: String(seq),
    // RFC 8417 section 2.2 and the Shared Signals Framework section 3.2: of whom, without a `sub` that could be taken for a login.
    sub_id: {
      format: 'complex',
      session: { format: 'opaque', id: subject.authorizationId },
      ...(subject.userId !== undefined && { user: { format: 'iss_sub', iss: issuer, sub: subject.userId } }),
    },
    events: subject.ended
      ? { [`${caep}/session-revoked`]: event }
      : {
          [`${caep}/token-claims-change`]: {
            ...event,
            claims: { authorization_version: subject.version ?? null },
          },
        },
  };
}

/** Writes the event by which somebody tries whether events arrive. @param state comes back in the receiver's own records */
export function verificationEvent({ issuer, audience, at }: Issued, state: string): EventClaims {
  return {
    iss: issuer,
    aud: audience,
    iat: at,
    jti: `${audience}.${state}`,
    sub_id: { format: 'opaque', id: audience },
    events: { [verification]: { state } },
  };
}
