/** Why no answer could be had. */
export type UnavailableReason =
  /** The authorization server could not be reached. */
  | 'network'
  | 'timeout'
  /** It answered, but not with 200: a 503 while live permissions cannot be read, or refused credentials. */
  | 'status'
  /** It answered 200 with something that is no introspection answer. */
  | 'malformed';

/** What is wrong when it stays like this: the question was refused, and nothing but a setting will change that. */
const refusals: Readonly<Record<number, string>> = {
  401: 'the authorization server does not know this clientId with this secret or key',
  404: 'nothing is asked there: the issuer is the address of another server',
  421: "the authorization server goes by another name: ask by the issuer's own",
};

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
    const refusal = refusals[details.status ?? 0];
    super(
      `Introspection is unavailable (${reason}${details.status ? ` ${details.status}` : ''})${refusal ? `: ${refusal}` : ''}`,
      { cause: details.cause },
    );
    this.reason = reason;
    this.status = details.status;
    this.retryAfterSeconds = details.retryAfterSeconds ?? 1;
  }
}

/** Tells whether the question itself was refused, so that a setting of the resource server has to be put right. */
export function isQuestionRefused({ status }: IntrospectionUnavailable): boolean {
  return status !== undefined && status in refusals;
}

/** Tells an `IntrospectionUnavailable`, also one of another copy of this package, from any other error. */
export function isIntrospectionUnavailable(error: unknown): error is IntrospectionUnavailable {
  return error instanceof Error && 'code' in error && error.code === 'introspection_unavailable';
}
