import { type ClientFace, type ClientFacts, faceOf } from './client-face.ts';
import { displayText } from './display-text.ts';

/** `sign-in.ejs`. Posts `email`, `password` and `csrf`; a script posts `passkey` and `csrf` to the passkey's own address. */
export interface SignInPage {
  readonly action: string;
  readonly csrf: string;
  /** Where a passkey's answer is posted, and where a script asks what to ask for. */
  readonly passkey: { readonly action: string; readonly options: string };
  /** Other providers, each with where its form is posted. */
  readonly upstream: readonly UpstreamButton[];
  /** What was typed before, kept. */
  readonly email: string;
  readonly client?: ClientFace;
  readonly problem?: SignInProblem;
}

/** Posts `csrf`. */
export interface UpstreamButton {
  readonly action: string;
  readonly label: string;
}

/** `wrong` is one answer for every reason; it must not tell an unknown account from a locked one. */
type SignInProblem =
  | { readonly kind: 'wrong' | 'passkey' | 'too_late' }
  | { readonly kind: 'upstream'; readonly text: string }
  | { readonly kind: 'too_many'; readonly minutes: number };

export interface SignInInput {
  readonly action: string;
  readonly csrf: string;
  readonly passkey: SignInPage['passkey'];
  readonly upstream: SignInPage['upstream'];
  readonly email?: string | undefined;
  /** Who is asking, when the sign-in is a step of a request. */
  readonly client?: ClientFacts | undefined;
  readonly problem?:
    | { readonly kind: 'wrong' | 'passkey' | 'too_late' }
    | { readonly kind: 'upstream'; readonly text: string }
    | { readonly kind: 'too_many'; readonly retryAfterSeconds: number }
    | undefined;
}

/** `sign-in-code.ejs`: the second step. Posts `code` and `csrf`. */
export interface SignInCodePage {
  readonly action: string;
  readonly backHref: string;
  readonly csrf: string;
  readonly problem?:
    | { readonly kind: 'wrong' }
    | { readonly kind: 'too_many' | 'too_many_today'; readonly minutes: number };
}

/** Builds the sign-in page. Pure. */
export function buildSignInPage(input: SignInInput): SignInPage {
  const { problem } = input;
  return {
    action: input.action,
    csrf: input.csrf,
    passkey: input.passkey,
    upstream: input.upstream,
    email: displayText(input.email ?? '', 254),
    ...(input.client !== undefined && { client: faceOf(input.client) }),
    ...(problem !== undefined && {
      problem:
        problem.kind === 'too_many'
          ? { kind: 'too_many', minutes: Math.max(1, Math.ceil(problem.retryAfterSeconds / 60)) }
          : problem,
    }),
  };
}
