/**
 * The engine's session as the session of our own pages: one sign-in for tools and for the account. Owns its cookie outside of
 * the engine's routes; does not own who may sign in (`sign-in.ts`).
 */
import type Koa from 'koa';
import type Provider from 'oidc-provider';
import { type Clock, dateOf } from '../clock.ts';
import type { SessionStore } from '../directory/session-store.ts';
import { anonymousSessionSeconds, signedInSessionSeconds } from '../oauth/lifetimes.ts';
import { AlreadyUsedError, type UnitsOfWork } from '../oauth/unit-of-work.ts';
import type { Secrets } from '../secrets.ts';

/** What a browser's session says. */
export interface BrowserSession {
  /** A secret between us and the browser: forms are bound to it, nothing else may see it. */
  readonly id: string;
  /** The same under every id that the session gets: what forms of a signed-in person are bound to. Keyed hash. */
  readonly uid: string;
  readonly accountId: string | undefined;
  /** Integer seconds. */
  readonly signedInAt: number | undefined;
}

export interface BrowserSessions {
  /** Reads the session that the browser brings; one that it merely claims has no account. */
  read(ctx: Koa.Context): Promise<BrowserSession>;
  /** The same, kept from now on where it is new: what a form before the sign-in is bound to. */
  keep(ctx: Koa.Context): Promise<BrowserSession>;
  /**
   * Signs a person in under a new session; the old one is gone, so that an id planted before knows nobody.
   * @param at when they proved who they are, where that is not now; integer seconds
   */
  signIn(ctx: Koa.Context, accountId: string, methods: readonly string[], at?: number): Promise<void>;
  /** Notes that the person who is signed in has just proven again who they are; the session goes on under a new id. */
  renew(ctx: Koa.Context, methods: readonly string[], at?: number): Promise<BrowserSession>;
  /** Ends the session. */
  end(ctx: Koa.Context): Promise<void>;
}

export function createBrowserSessions({
  provider,
  secure,
  secrets,
  clock,
  units,
  sessionList,
}: {
  provider: Provider;
  secure: boolean;
  secrets: Secrets;
  clock: Clock;
  units: UnitsOfWork;
  sessionList: SessionStore;
}): BrowserSessions {
  const cookie = { signed: true, httpOnly: true, sameSite: 'lax', secure, overwrite: true } as const;
  const name = provider.cookieName('session');
  const current = (ctx: Koa.Context) => provider.Session.get(ctx);

  const save = async (ctx: Koa.Context, session: Session, seconds: number) => {
    await session.save(seconds);
    const end = session.accountId ? { expires: dateOf(session.exp) } : {};
    ctx.cookies.set(name, session.jti, { ...cookie, ...end });
  };
  const told = ({ jti, uid, accountId, loginTs }: Session): BrowserSession => ({
    id: jti,
    uid: secrets.keyedHash('session-uid', uid),
    accountId,
    signedInAt: loginTs,
  });

  return {
    async read(ctx) {
      const session = told(await current(ctx));
      if (session.accountId !== undefined) await sessionList.seen(session.uid, units.current().visitor);
      return session;
    },
    async keep(ctx) {
      const session = await current(ctx);
      if (!isStored(session)) await save(ctx, session, anonymousSessionSeconds);
      return told(session);
    },
    async signIn(ctx, accountId, methods, at = clock.now()) {
      const before = await current(ctx);
      if (isStored(before)) await before.destroy();
      const session = new provider.Session();
      session.loginAccount({ accountId, amr: [...methods], loginTs: at });
      await save(ctx, session, signedInSessionSeconds);
    },
    async renew(ctx, methods, at = clock.now()) {
      const session = await current(ctx);
      // Ended from elsewhere while the proof was looked at.
      if (!session.accountId) throw new AlreadyUsedError('the session was ended');
      session.loginAccount({ accountId: session.accountId, amr: [...methods], loginTs: at });
      session.resetIdentifier();
      await save(ctx, session, signedInSessionSeconds);
      return told(session);
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
