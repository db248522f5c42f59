/** What the doctor says: one finding for each thing that a tool relies on when it connects. */

/** In the order in which a tool comes upon them. */
export const checks = [
  'reachable',
  'challenge',
  'challenge_metadata',
  'resource_metadata',
  'resource_equal',
  'resource_servers',
  'server_metadata',
  'issuer_equal',
  'endpoints',
  'code_flow',
  'pkce',
  'iss_parameter',
  'scopes',
  'refresh',
  'public_clients',
  'registration',
  'metadata_cors',
  'token_preflight',
  'speed',
  'register',
  'authorize',
] as const;

export type Check = (typeof checks)[number];

/** `warning`: some tools stumble · `skipped`: an earlier finding keeps it from being looked at. */
export type Outcome = 'passed' | 'warning' | 'failed' | 'skipped';

/** Who stumbles: tools by name, as far as what they rely on is known; otherwise the kind of client. */
export type Stumbler =
  | 'every client'
  | 'browser clients'
  | 'MCP Inspector'
  | 'MCP TypeScript SDK'
  | 'Claude'
  | 'ChatGPT'
  | 'mcp-remote'
  | 'openid-client'
  | 'oauth4webapi'
  | 'hosted assistants';

export interface Finding {
  readonly check: Check;
  readonly outcome: Outcome;
  /** Method and URL that was asked, where one was. */
  readonly asked?: string;
  /** What a tool compares with, byte for byte. */
  readonly expected?: string;
  /** What was there instead. */
  readonly found?: string;
  /** Nobody, when it passed. */
  readonly stumbles: readonly Stumbler[];
}

/** What came back. */
export type Heard =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers: Headers;
      readonly body: string;
      /** How long it took. */
      readonly milliseconds: number;
    }
  | { readonly kind: 'silence'; readonly reason: string };

export interface Question {
  readonly method: 'GET' | 'POST' | 'OPTIONS';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Asks one question without following redirects; bounded in time and size by whoever makes it. Never throws. */
export type Ask = (question: Question) => Promise<Heard>;

/** Collects findings. */
export interface Report {
  passed(check: Check, about?: Pick<Finding, 'asked' | 'found'>): void;
  warning(check: Check, stumbles: readonly Stumbler[], about?: About): void;
  failed(check: Check, stumbles: readonly Stumbler[], about?: About): void;
}

type About = Pick<Finding, 'asked' | 'expected' | 'found'>;

/** Creates a report. @param tell hears each finding as it is made */
export function createReport(tell: (finding: Finding) => void): Report {
  return {
    passed: (check, about = {}) => tell({ check, outcome: 'passed', ...about, stumbles: [] }),
    warning: (check, stumbles, about = {}) => tell({ check, outcome: 'warning', ...about, stumbles }),
    failed: (check, stumbles, about = {}) => tell({ check, outcome: 'failed', ...about, stumbles }),
  };
}

/**
 * Names where two texts part: `byte 21: "/" instead of nothing`. Pure.
 * @returns undefined when they are equal
 */
export function firstDifference(expected: string, found: string): string | undefined {
  if (expected === found) return undefined;
  const [wanted, there] = [[...expected], [...found]];
  const at = wanted.findIndex((character, index) => character !== there[index]);
  const place = at === -1 ? wanted.length : at;
  const shown = (character: string | undefined) => (character === undefined ? 'nothing' : `"${character}"`);
  const before = Buffer.byteLength(wanted.slice(0, place).join(''));
  return `byte ${before + 1}: ${shown(there[place])} instead of ${shown(wanted[place])}`;
}

/** Reads a JSON object. Pure. @returns undefined for anything else */
export function jsonObject(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const read: unknown = JSON.parse(body);
    return typeof read === 'object' && read !== null && !Array.isArray(read)
      ? (read as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The texts of a list; none when it is no list. Pure. */
export const textsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
