/**
 * The log: one JSON line for each thing that is worth one. Owns what an error may say there: drivers and libraries hang values of the
 * request on their errors, and a secret in one of those would stay in the log for longer than it lives.
 */
import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';

/** Members that hold a secret wherever they appear; the program logs none of them, and this is for the day that it does. */
const secretMembers = [
  'authorization',
  'cookie',
  'password',
  'secret',
  'token',
  'access_token',
  'refresh_token',
  'client_secret',
  'code',
  'code_verifier',
  'user_code',
  'assertion',
  'client_assertion',
];
const censored = '[redacted]';

/** Creates the log. @param destination standard output when absent */
export function createLog(level: string, destination?: DestinationStream): Logger {
  const options: LoggerOptions = {
    level,
    redact: {
      paths: secretMembers.flatMap((name) => (name === 'code' ? [`*.body.${name}`] : [name, `*.${name}`])),
      censor: censored,
    },
    serializers: { err: (error: unknown) => describeError(error) },
  };
  return destination ? pino(options, destination) : pino(options);
}

interface DescribedError {
  readonly type: string;
  readonly message: string;
  /** The driver's or the library's own, such as SQLITE_FULL or ECONNREFUSED. */
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: DescribedError;
}

const deepest = 4;
/** Longer than any word of ours, and no longer than a token, a code or a key. */
const looksSecret = /[A-Za-z0-9_-]{43,}/g;

/** Says of an error what it is and where it was made, and nothing that was hung on it. Pure. */
function describeError(error: unknown, depth = 0): DescribedError {
  // By its shape: errors of another realm are none of this one's class.
  if (typeof error !== 'object' || error === null || !('message' in error)) {
    return { type: typeof error, message: scrub(String(error)) };
  }
  const { name, message, code, stack, cause } = error as Partial<NodeJS.ErrnoException> & { cause?: unknown };
  return {
    type: String(name ?? 'Error'),
    message: scrub(String(message)),
    ...(typeof code === 'string' && { code: scrub(code) }),
    ...(typeof stack === 'string' && { stack: scrub(stack) }),
    ...(cause !== undefined && depth < deepest && { cause: describeError(cause, depth + 1) }),
  };
}

const scrub = (text: string): string => text.replace(looksSecret, censored);
