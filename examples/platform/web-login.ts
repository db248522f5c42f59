import { randomBytes } from 'node:crypto';
import Router from '@koa/router';
import type Koa from 'koa';
import * as oauth from 'openid-client';
import { type Introspect, isIntrospectionUnavailable } from '../../src/resource-server/index.ts';
import { html, page, pageHeaders } from './page.ts';
import { rightsPage } from './rights-page.ts';

/** A browser that logs in (what it must bring back) or has logged in (its token; it never leaves the server). */
type Session =
  | { readonly kind: 'pending'; readonly state: string; readonly codeVerifier: string }
  | { readonly kind: 'signed_in'; readonly accessToken: string };

const cookieName = 'acme_session';
/** A demo keeps few sessions; the oldest goes first. */
const maximumSessions = 1000;
const scope = 'api apps:view flows:edit secrets:edit endpoints:access mcp';

/**
 * Logs people in as the client `acme-web`: authorization code with PKCE, state and issuer check by
 * `openid-client`, then shows what the token may do now.
 *
 * @param options.introspect - asks as the API's resource server
 */
export function createWebLogin(options: {
  readonly origin: string;
  readonly issuer: string;
  readonly clientSecret: string;
  readonly introspect: Introspect;
}): Koa.Middleware {
  const { origin, issuer, introspect } = options;
  const redirectUri = `${origin}/callback`;
  const sessions = new Map<string, Session>();
  let discovered: oauth.Configuration | undefined;

  /** Reads the issuer's metadata at the first login, and again after a failure; `undefined` when it cannot be read. */
  async function configuration(): Promise<oauth.Configuration | undefined> {
    if (discovered !== undefined) return discovered;
    try {
      discovered = await oauth.discovery(
        new URL(issuer),
        'acme-web',
        undefined,
        oauth.ClientSecretBasic(options.clientSecret),
        // The demo's issuer is http on this machine.
        { execute: issuer.startsWith('http:') ? [oauth.allowInsecureRequests] : [], algorithm: 'oauth2' },
      );
      return discovered;
    } catch {
      return undefined;
    }
  }

  /** A new id at every step, so that an id planted before the login is worth nothing after it. */
  function remember(ctx: Koa.Context, session: Session): void {
    forget(ctx);
    const id = randomBytes(32).toString('base64url');
    sessions.set(id, session);
    const oldest = sessions.keys().next().value;
    if (sessions.size > maximumSessions && oldest !== undefined) sessions.delete(oldest);
    ctx.cookies.set(cookieName, id, { httpOnly: true, sameSite: 'lax', secure: origin.startsWith('https:') });
  }

  function recall(ctx: Koa.Context): Session | undefined {
    return sessions.get(ctx.cookies.get(cookieName) ?? '');
  }

  function forget(ctx: Koa.Context): void {
    sessions.delete(ctx.cookies.get(cookieName) ?? '');
  }

  const router = new Router();

  router.get('/login', async (ctx) => {
    const config = await configuration();
    if (config === undefined) return unreachable(ctx);
    const state = oauth.randomState();
    const codeVerifier = oauth.randomPKCECodeVerifier();
    const url = oauth.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope,
      resource: `${origin}/api`,
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
    });
    remember(ctx, { kind: 'pending', state, codeVerifier });
    ctx.redirect(url.href);
  });

  router.get('/callback', async (ctx) => {
    const session = recall(ctx);
    if (session?.kind !== 'pending' || ctx.query.state !== session.state) {
      // Perhaps another program uses this redirect URI: the code is neither used nor shown.
      const arrived = ctx.query.code === undefined ? 'No code arrived.' : 'An authorization code arrived.';
      return show(
        ctx,
        'Callback',
        html`<p>${arrived} This browser did not start a login here, so nothing was done with
the answer. <a href="/login">Log in with Mandate</a></p>`,
      );
    }
    forget(ctx);
    const config = await configuration();
    if (config === undefined) return unreachable(ctx);
    try {
      const tokens = await oauth.authorizationCodeGrant(
        config,
        new URL(ctx.url, origin),
        {
          pkceCodeVerifier: session.codeVerifier,
          expectedState: session.state,
        },
        { resource: `${origin}/api` },
      );
      remember(ctx, { kind: 'signed_in', accessToken: tokens.access_token });
    } catch (error) {
      if (!isRefused(error)) throw error;
      ctx.status = 400;
      return show(
        ctx,
        'Not logged in',
        html`<p>The login did not complete (${'error' in error ? error.error : (error.code ?? error.message)}). <a href="/login">Try again</a></p>`,
      );
    }
    // Leaves the code out of the address bar.
    ctx.status = 303;
    ctx.redirect('/rights');
  });

  router.get('/rights', async (ctx) => {
    const session = recall(ctx);
    if (session?.kind !== 'signed_in') return ctx.redirect('/login');
    try {
      show(ctx, 'Your rights, live', rightsPage(await introspect(session.accessToken)));
    } catch (error) {
      if (!isIntrospectionUnavailable(error)) throw error;
      ctx.status = 503;
      ctx.set('Retry-After', String(error.retryAfterSeconds));
      show(
        ctx,
        'Not known now',
        html`<p>Mandate cannot tell now what this login may do. <a href="/rights">Try again</a></p>`,
      );
    }
  });

  router.post('/logout', async (ctx) => {
    const session = recall(ctx);
    forget(ctx);
    ctx.cookies.set(cookieName);
    const config = session?.kind === 'signed_in' ? await configuration() : undefined;
    if (session?.kind === 'signed_in' && config !== undefined) {
      // Best effort: the token is forgotten here in any case, and expires soon.
      await oauth.tokenRevocation(config, session.accessToken).catch(() => undefined);
    }
    ctx.status = 303;
    ctx.redirect('/');
  });

  return router.routes() as Koa.Middleware;
}

function show(ctx: Koa.Context, title: string, body: ReturnType<typeof html>): void {
  ctx.set({ ...pageHeaders });
  ctx.body = page(title, body);
}

function unreachable(ctx: Koa.Context): void {
  ctx.status = 503;
  show(ctx, 'Not reachable', html`<p>Mandate cannot be reached now. <a href="/login">Try again</a></p>`);
}

/** A login that ended in an error: the authorization server's own, or an answer that failed a check (`iss`). */
function isRefused(
  error: unknown,
): error is oauth.AuthorizationResponseError | oauth.ResponseBodyError | oauth.ClientError {
  const kinds = [oauth.AuthorizationResponseError, oauth.ResponseBodyError, oauth.ClientError];
  return kinds.some((kind) => error instanceof kind);
}
