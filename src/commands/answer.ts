/** Something to print. */
export interface Result {
  /** `unwell`: it was done, and what came out is not as it should be: exit code 1. */
  readonly outcome: 'done' | 'unwell';
  /** What `--json` prints. */
  readonly document: unknown;
  /** What people read. */
  readonly text: string;
}

/** What a command says in the end; the runner prints it and turns it into an exit code. */
export type Answer =
  | Result
  /** It cannot be done as things stand: exit code 1. */
  | { readonly outcome: 'refused'; readonly message: string }
  /** Nobody is logged in, or not in a way that would do: exit code 3. */
  | { readonly outcome: 'login_needed'; readonly message: string }
  /** It was not asked in a way that can be understood: exit code 2. */
  | { readonly outcome: 'usage'; readonly message: string };

/** Makes an answer. Pure. */
export const done = (document: unknown, text: string): Result => ({ outcome: 'done', document, text });
/** Makes an answer about something that is not as it should be. Pure. */
export const unwell = (document: unknown, text: string): Result => ({ outcome: 'unwell', document, text });
/** Makes a refusal. Pure. @param message one sentence that says what to do about it */
export const refused = (message: string): Answer => ({ outcome: 'refused', message });
/** Makes a complaint about how it was asked. Pure. */
export const usage = (message: string): Answer => ({ outcome: 'usage', message });
/** Makes a refusal of somebody who has to log in first. Pure. @param message one sentence that says how */
export const loginNeeded = (message: string): Answer => ({ outcome: 'login_needed', message });
