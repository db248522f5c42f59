/**
 * Proving oneself again before something that a browser left open must not be enough for. Owns the page that asks and how a form
 * waits meanwhile: it is handed to the browser sealed, comes back with the proof, and goes on as if nothing had been asked.
 * @see OWASP ASVS 5.0 section 7.5
 */
import type Koa from 'koa';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import type { UserStore } from '../directory/user-store.ts';
import { addressBlock, clientAddress, type TrustedProxies } from '../http/client-address.ts';
import type { PageWriter } from '../http/page-writer.ts';
import type { RateLimits } from '../http/rate-limit.ts';
import type { Form } from '../http/read-form.ts';
import type { BrowserSessions } from '../interaction/browser-session.ts';
import { createCodeGuesses } from '../interaction/code-guesses.ts';
import type { KnownBrowsers } from '../interaction/known-browser.ts';
import type { SignIn } from '../interaction/sign-in.ts';
import type { Secrets } from '../secrets.ts';
import type { PasskeyStore } from '../sign-in/passkey-store.ts';
import type { Passkeys } from '../sign-in/passkeys.ts';
import type { SecondFactors } from '../sign-in/second-factors.ts';
import { isFresh } from './reauthentication.ts';
import type { Visit } from './session.ts';

/** `account/confirm.ejs`. Posts `csrf`, `held`, and `password` with `code`, or `passkey`. */
export interface ConfirmPage {
  readonly action: string;
  readonly csrf: string;
  /** The form that waits. */
  readonly held: string;
  readonly email: string;
  readonly hasPassword: boolean;
  readonly needsCode: boolean;
  readonly passkeys: boolean;
  readonly backHref: string;
  /** For whoever proves themselves in some other way. */
  readonly signInHref: string;
  readonly problem?: string;
}

type Problem = { kind: 'wrong' } | { kind: 'too_many' | 'too_many_today'; retryAfterSeconds: number };

export interface StepUp {
  /** Tells whether somebody signed in lately; if not, answers with the page that asks, and keeps the form for afterwards. */
  passes(ctx: Koa.Context, visit: Visit, form: Form): Promise<boolean>;
  /**
   * Goes on with a form that waited, once the proof beside it is right.
   * @returns undefined when it was answered here: the proof is wrong, or the form is not this person's
   */
  resume(ctx: Koa.Context, visit: Visit, form: Form): Promise<{ visit: Visit; form: Form } | undefined>;
}

const heldSeconds = 3_600;
const heldSchema = z.strictObject({
  uid: z.string(),
  path: z.string(),
  until: z.int(),
  fields: z.array(z.tuple([z.string(), z.array(z.string())])),
});

export function createStepUp(deps: {
  clock: Clock;
  secrets: Secrets;
  pages: PageWriter;
  users: UserStore;
  sessions: BrowserSessions;
  signIn: SignIn;
  secondFactors: SecondFactors;
  passkeys: Passkeys;
  passkeyList: PasskeyStore;
  limits: RateLimits;
  knownBrowsers: KnownBrowsers;
  trustedProxies: TrustedProxies;
}): StepUp {
  const { clock, secrets, pages, users, secondFactors, passkeys } = deps;
  const codeGuesses = createCodeGuesses(deps);

  async function ask(ctx: Koa.Context, visit: Visit, held: string, problem?: Problem): Promise<void> {
    const { id, email } = visit.person.user;
    const [account, needsCode, own] = await Promise.all([
      users.findByEmail(email),
      secondFactors.required(id),
      deps.passkeyList.list(id),
    ]);
    const tooMany = problem && problem.kind !== 'wrong' ? problem.retryAfterSeconds : undefined;
    if (tooMany !== undefined) ctx.set('Retry-After', String(tooMany));
    const isConsent = ctx.path.startsWith('/interaction/');
    const backHref = isConsent ? ctx.path : ctx.path.startsWith('/admin') ? '/admin' : '/account/security';
    pages.show(
      ctx,
      'account/confirm',
      ({ t, plural }): ConfirmPage => ({
        action: ctx.url,
        csrf: visit.csrf,
        held,
        email,
        hasPassword: account?.passwordHash != null,
        needsCode,
        passkeys: own.length > 0,
        backHref,
        signInHref: isConsent
          ? ctx.path.replace(/[^/]+$/, 'sign-in?again=1')
          : `/sign-in?${new URLSearchParams({ again: '1', return_to: backHref })}`,
        ...(problem && {
          problem:
            tooMany === undefined
              ? t('account.confirm.wrong')
              : problem.kind === 'too_many_today'
                ? t('sign_in.code_too_many_today')
                : plural('sign_in.too_many', Math.max(1, Math.ceil(tooMany / 60))),
        }),
      }),
      { status: tooMany === undefined ? 403 : 429 },
    );
  }

  async function prove(
    ctx: Koa.Context,
    visit: Visit,
    form: Form,
  ): Promise<{ kind: 'right'; methods: readonly string[] } | Problem> {
    const { id, email } = visit.person.user;
    const passkey = form.get('passkey')?.[0] ?? '';
    if (passkey !== '') {
      const proof = await passkeys.prove('passkey_confirm', visit.uid, passkey);
      if (proof.outcome === 'refused' || proof.userId !== id) return { kind: 'wrong' };
      return { kind: 'right', methods: proof.methods };
    }
    const address = addressBlock(clientAddress(ctx.req, deps.trustedProxies));
    const password = form.get('password')?.[0] ?? '';
    const known = deps.knownBrowsers.of(ctx, email);
    const outcome = await deps.signIn.attempt({ email, password }, address, known);
    if (outcome.kind !== 'signed_in') return outcome;
    if (!(await secondFactors.required(id))) return { kind: 'right', methods: ['pwd'] };
    const taken = await codeGuesses.take(id, form.get('code')?.[0] ?? '', known);
    if (taken.kind !== 'right') return taken;
    return { kind: 'right', methods: ['pwd', 'otp', 'mfa'] };
  }

  return {
    async passes(ctx, visit, form) {
      if (isFresh(visit.signedInAt, clock.now())) return true;
      const held: z.output<typeof heldSchema> = {
        uid: visit.uid,
        path: ctx.path,
        until: clock.now() + heldSeconds,
        fields: [...form].map(([name, values]) => [name, [...values]]),
      };
      await ask(ctx, visit, secrets.seal(JSON.stringify(held), { of: 'a form that waits', id: visit.uid }));
      return false;
    },

    async resume(ctx, visit, form) {
      const sealed = form.get('held')?.[0] ?? '';
      const held = heldSchema.safeParse(opened(secrets, sealed, visit.uid));
      const ours =
        held.success &&
        held.data.uid === visit.uid &&
        held.data.path === ctx.path &&
        held.data.until >= clock.now();
      if (!ours) {
        pages.fail(ctx, 'form_refused', { status: 403 });
        return undefined;
      }
      const proof = await prove(ctx, visit, form);
      if (proof.kind !== 'right') {
        await ask(ctx, visit, sealed, proof);
        return undefined;
      }
      await deps.sessions.renew(ctx, proof.methods);
      return { visit: { ...visit, signedInAt: clock.now() }, form: new Map(held.data.fields) };
    },
  };
}

/** What was sealed by us; undefined for everything else. */
function opened(secrets: Secrets, sealed: string, uid: string): unknown {
  try {
    return JSON.parse(secrets.unseal(sealed, { of: 'a form that waits', id: uid }));
  } catch {
    return undefined;
  }
}
