/** Why no answer could be had. */
export type UnavailableReason =
  /** The authorization server could not be reached. */
  | 'network'
  | 'timeout'
  /** It answered, but not with 200: a 503 while live permissions cannot be read, or refused credentials. */
  | 'status'
  /** It answered 200 with something that is no introspection answer. */
  | 'malformed';

/**
 * Says that it is not known what a token may do now. It never means that the token is inactive: answer 503
 * with `Retry-After`, so that a client does not throw a good token away.
 */
export class IntrospectionUnavailable extends Error {
  override readonly name = 'IntrospectionUnavailable';
  /** Stable across copies of this package, unlike `instanceof`. */
  readonly code = 'introspection_unavailable';
  readonly reason: UnavailableReason;
  /** Status of the authorization server's answer, when there was one. */
  readonly status: number | undefined;
  /** Seconds after which to try again. */
  readonly retryAfterSeconds: number;

  constructor(
    reason: UnavailableReason,
    details: { status?: number; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(`Introspection is unavailable (${reason}${details.status ? ` ${details.status}` : ''})`, {
      cause: details.cause,
    });
    this.reason = reason;
    this.status = details.status;
    this.retryAfterSeconds = details.retryAfterSeconds ?? 1;
  }
}

/** Tells an `IntrospectionUnavailable`, also one of another copy of this package, from any other error. */
export function isIntrospectionUnavailable(error: unknown): error is IntrospectionUnavailable {
  return error instanceof Error && 'code' in error && error.code === 'introspection_unavailable';
}
