import { type ClientFace, type ClientFacts, faceOf } from './client-face.ts';
import { displayText } from './display-text.ts';

/** `sign-in.ejs`. Posts `email`, `password` and `csrf`. */
export interface SignInPage {
  readonly action: string;
  readonly csrf: string;
  /** What was typed before, kept. */
  readonly email: string;
  readonly client?: ClientFace;
  /** `wrong` is one answer for every reason; it must not tell an unknown account from a locked one. */
  readonly problem?: { readonly kind: 'wrong' } | { readonly kind: 'too_many'; readonly minutes: number };
}

export interface SignInInput {
  readonly action: string;
  readonly csrf: string;
  readonly email?: string | undefined;
  /** Who is asking, when the sign-in is a step of a request. */
  readonly client?: ClientFacts | undefined;
  readonly problem?:
    | { readonly kind: 'wrong' }
    | { readonly kind: 'too_many'; readonly retryAfterSeconds: number }
    | undefined;
}

/** Builds the sign-in page. Pure. */
export function buildSignInPage(input: SignInInput): SignInPage {
  const { problem } = input;
  return {
    action: input.action,
    csrf: input.csrf,
    email: displayText(input.email ?? '', 254),
    ...(input.client !== undefined && { client: faceOf(input.client) }),
    ...(problem !== undefined && {
      problem:
        problem.kind === 'wrong'
          ? problem
          : { kind: 'too_many', minutes: Math.max(1, Math.ceil(problem.retryAfterSeconds / 60)) },
    }),
  };
}
