/**
 * The engine's session as the session of our own pages: one sign-in for tools and for the account. Owns its cookie outside of
 * the engine's routes; does not own who may sign in (`sign-in.ts`).
 */
import type Koa from 'koa';
import type Provider from 'oidc-provider';
import { dateOf } from '../clock.ts';
import { anonymousSessionSeconds, signedInSessionSeconds } from '../oauth/lifetimes.ts';

/** What a browser's session says. */
export interface BrowserSession {
  /** A secret between us and the browser: forms are bound to it, nothing else may see it. */
  readonly id: string;
  readonly accountId: string | undefined;
  /** Integer seconds. */
  readonly signedInAt: number | undefined;
}

export interface BrowserSessions {
  /** Reads the session that the browser brings; one that it merely claims has no account. */
  read(ctx: Koa.Context): Promise<BrowserSession>;
  /** The same, kept from now on where it is new: what a form before the sign-in is bound to. */
  keep(ctx: Koa.Context): Promise<BrowserSession>;
  /** Signs a person in under a new session; the old one is gone, so that an id planted before knows nobody. */
  signIn(ctx: Koa.Context, accountId: string): Promise<void>;
  /** Ends the session. */
  end(ctx: Koa.Context): Promise<void>;
}

export function createBrowserSessions({
  provider,
  secure,
}: {
  provider: Provider;
  secure: boolean;
}): BrowserSessions {
  const cookie = { signed: true, httpOnly: true, sameSite: 'lax', secure, overwrite: true } as const;
  const name = provider.cookieName('session');
  const current = (ctx: Koa.Context) => provider.Session.get(ctx);

  const save = async (ctx: Koa.Context, session: Session, seconds: number) => {
    await session.save(seconds);
    const end = session.accountId ? { expires: dateOf(session.exp) } : {};
    ctx.cookies.set(name, session.jti, { ...cookie, ...end });
  };
  const told = ({ jti, accountId, loginTs }: Session): BrowserSession => ({
    id: jti,
    accountId,
    signedInAt: loginTs,
  });

  return {
    async read(ctx) {
      return told(await current(ctx));
    },
    async keep(ctx) {
      const session = await current(ctx);
      if (!isStored(session)) await save(ctx, session, anonymousSessionSeconds);
      return told(session);
    },
    async signIn(ctx, accountId) {
      const before = await current(ctx);
      if (isStored(before)) await before.destroy();
      const session = new provider.Session();
      session.loginAccount({ accountId, amr: ['pwd'] });
      await save(ctx, session, signedInSessionSeconds);
    },
    async end(ctx) {
      const session = await current(ctx);
      if (isStored(session)) await session.destroy();
      ctx.cookies.set(name, null, cookie);
    },
  };
}

type Session = Awaited<ReturnType<Provider['Session']['get']>>;

/** A session gets its end when it is first saved. */
function isStored(session: Partial<Session>): boolean {
  return session.exp !== undefined;
}
