/**
 * Token exchange: a client hands a token in and gets a narrower one for another audience, under an authorization of its own that hangs
 * on the one behind the token handed in. Owns the order of the checks; what it may hold is for `policy/handed-on.ts`.
 *
 * Who may, with which tokens and for which audiences is set by an administrator for each client. The same exchange made again is the
 * same authorization: its owner sees one, and the end that they give it lasts.
 * @see RFC 8693
 */
import type Provider from 'oidc-provider';
import { errors, type TokenEndpointGrantContext } from 'oidc-provider';
import * as helpers from 'oidc-provider/lib/helpers/grants.js';
import type { HandedOnStore } from '../authorizations/handed-on.ts';
import type { Actor } from '../changes/change-log.ts';
import type { ClientStore, StoredClient, TokenExchange } from '../clients/client-store.ts';
import type { Clock } from '../clock.ts';
import { type Guarded, seenBy } from '../policy/audience.ts';
import { effectiveUnder, type HandedOn, mostParents } from '../policy/handed-on.ts';
import { narrowTo } from '../policy/narrow.ts';
import { answerWithToken, makeAccessToken, type Proof } from './answer-with-token.ts';
import type { AuthorizationRights, Rights } from './authorization-rights.ts';
import { mayExchange } from './exchange-permission.ts';
import { type ExchangeRefusal, errorOfExchange } from './exchange-refusal.ts';
import { accessTokenType, type ExchangeRequest, readExchange } from './exchange-request.ts';
import type { Audience, Resources } from './resources.ts';
import { parametersOf } from './scopes.ts';
import { accessTokenSeconds } from './token-hooks.ts';
import { placeOf, tokenView } from './token-view.ts';

/** A token of ours that has not expired; whether it means anything is another question. */
export interface SubjectToken {
  readonly authorizationId: string;
  /** Undefined for an API key. */
  readonly clientId: string | undefined;
  readonly audience: string | undefined;
  /** Capabilities that it is limited to; undefined when it follows its authorization. */
  readonly ceiling: ReadonlySet<string> | undefined;
  /** Integer seconds, or infinite. */
  readonly expiresAt: number;
  /** JWK thumbprint that it is bound to. */
  readonly jkt: string | undefined;
}

export interface TokenExchangeDependencies {
  readonly clock: Clock;
  /** Finds access tokens and API keys; never refresh tokens. */
  readonly subjectTokens: {
    find(token: string): SubjectToken | undefined | Promise<SubjectToken | undefined>;
  };
  readonly clients: Pick<ClientStore, 'find'>;
  readonly handedOn: Pick<HandedOnStore, 'findOrMake'>;
  readonly rights: AuthorizationRights;
  readonly resources: Resources;
  readonly actorOf: (ctx: TokenEndpointGrantContext) => Actor;
}

interface Subject {
  readonly token: SubjectToken;
  readonly rights: Rights;
  /** What its audience is shown; undefined: it is the client's own, who holds all of it anyway. */
  readonly from: Guarded | undefined;
}
type Step<T> = Promise<({ readonly kind: 'found' } & T) | ExchangeRefusal>;

const unacceptable = { kind: 'subject_not_acceptable' } as const;

/** Creates the handler of the grant. */
export function createTokenExchange(provider: Provider, deps: TokenExchangeDependencies) {
  const { clients, resources, rights, clock } = deps;

  return async (ctx: TokenEndpointGrantContext): Promise<void> => {
    const { client } = ctx.oidc;
    if (!client) throw new errors.InvalidClient('no client');
    const known = await clients.find(client.clientId);
    if (!mayExchange(known)) throw errorOfExchange({ kind: 'client_not_allowed' });
    const request = readExchange(parametersOf(ctx));
    if (request.kind !== 'request') throw errorOfExchange(request);
    const proof = await helpers.validateDpop(provider, ctx);
    helpers.checkDpopRequired(provider, ctx, proof);

    const subject = await findSubject(request, known, proof);
    if (subject.kind !== 'found') throw errorOfExchange(subject);
    const target = await findTarget(request, subject.token, known.tokenExchange);
    if (target.kind !== 'found') throw errorOfExchange(target);
    const ceiling = decideCeiling(request, subject, target.audience);
    if (ceiling.kind !== 'found') throw errorOfExchange(ceiling);
    if (proof) {
      await helpers.checkDpopReplay(provider, ctx, proof, client.clientId, errors.InvalidRequest);
    }
    const made = await handOn(ctx, subject, target.audience, ceiling.ceiling);
    if (made.kind !== 'found') throw errorOfExchange(made);
    await issue(ctx, subject.token, target.audience, made.rights, ceiling.ceiling, proof);
  };

  /** Whose it is, whether it counts now, and whether this client may hand it in. */
  async function findSubject(
    { subjectToken }: ExchangeRequest,
    client: StoredClient & { readonly tokenExchange: TokenExchange },
    proof: Proof,
  ): Step<Subject> {
    const token = await deps.subjectTokens.find(subjectToken);
    if (!token) return unacceptable;
    const isOwn = token.clientId === client.id;
    if (isOwn && !client.tokenExchange.own) return unacceptable;
    const from = isOwn ? undefined : await readFrom(token, client.tokenExchange);
    if (!isOwn && !from) return unacceptable;
    const [holder, found] = await Promise.all([
      token.clientId === undefined ? { disabled: false } : clients.find(token.clientId),
      rights.of(token.authorizationId),
    ]);
    if (!holder || holder.disabled || found?.granted.standing !== 'active') return unacceptable;
    // As introspection would answer: where nothing is left of it for its audience, it is not active.
    const { catalogue } = found.world;
    const own = token.audience === undefined ? undefined : await resources.resolve(token.audience);
    const seen = from ? seenBy(found.effective, from, catalogue) : own && tokenView(found, own);
    if (!seen || (token.ceiling && !narrowTo(seen, token.ceiling))) return unacceptable;
    if (isOwn && token.jkt !== undefined && proof?.thumbprint !== token.jkt) return { kind: 'other_key' };
    if (parentsAbove(found) >= mostParents) return { kind: 'too_deep' };
    return { kind: 'found', token, rights: found, from };
  }

  /** What the audience of somebody else's token is shown, if the client acts for that audience; of an API key, what any of them is. */
  async function readFrom(token: SubjectToken, { from }: TokenExchange): Promise<Guarded | undefined> {
    const isKey = token.clientId === undefined;
    const places: Guarded[] = [];
    for (const uri of from) {
      const audience = isKey || uri === token.audience ? await resources.resolve(uri) : undefined;
      if (audience && !audience.administration) places.push(placeOf(audience));
    }
    if (places.length === 0) return undefined;
    return {
      api: places.some(({ api }) => api),
      mcpServers: new Set(places.flatMap(({ mcpServers }) => [...mcpServers])),
    };
  }

  async function findTarget(
    { targets }: ExchangeRequest,
    { audience: own, clientId }: SubjectToken,
    { to }: TokenExchange,
  ): Step<{ readonly audience: Audience }> {
    const asked = targets.length > 0 ? targets : clientId === undefined || !own ? [] : [own];
    if (asked.length === 0) return { kind: 'wrong_target', why: 'none' };
    const found = new Map<string, Audience>();
    for (const spelling of asked) {
      const audience = await resources.resolve(spelling);
      // To administer Mandate is not handed on.
      if (!audience || audience.administration) return { kind: 'wrong_target', why: 'unknown' };
      found.set(audience.uri, audience);
    }
    const [audience] = found.values();
    if (!audience || found.size > 1) return { kind: 'wrong_target', why: 'not_one' };
    if (!to.includes(audience.uri)) return { kind: 'wrong_target', why: 'not_allowed' };
    return { kind: 'found', audience };
  }

  /** Finds authorization of this exchange as it stands, or makes it; and what holds of it. */
  async function handOn(
    ctx: TokenEndpointGrantContext,
    { rights: parent }: Subject,
    audience: Audience,
    ceiling: HandedOn,
  ): Step<{ readonly rights: Rights }> {
    const { id, userId } = parent.authorization;
    const made = await deps.handedOn.findOrMake(deps.actorOf(ctx), {
      parent: { id, userId },
      clientId: ctx.oidc.client?.clientId ?? '',
      resource: audience.uri,
      ceiling,
    });
    if (made.status === 'revoked') return { kind: 'revoked' };
    if (made.status === 'suspended') return { kind: 'suspended' };
    const current = await rights.of(made.id);
    if (current?.granted.standing !== 'active') return unacceptable;
    if (current.limits.everything === 'client_not_permitted') return { kind: 'client_not_permitted' };
    return { kind: 'found', rights: current };
  }

  /** No refresh token: whoever wants another one hands a token in again. */
  async function issue(
    ctx: TokenEndpointGrantContext,
    subject: SubjectToken,
    audience: Audience,
    current: Rights,
    { names }: HandedOn,
    proof: Proof,
  ): Promise<void> {
    const { client } = ctx.oidc;
    const seen = tokenView(current, audience);
    if (!client || !seen) throw errorOfExchange({ kind: 'nothing_left' });
    const { id, expiresAt } = current.authorization;
    const end = Math.min(subject.expiresAt, expiresAt ?? Number.POSITIVE_INFINITY, current.limits.end);
    const seconds = Math.min(accessTokenSeconds, end - clock.now());
    if (seconds <= 0) throw errorOfExchange(unacceptable);
    const scope = seen.scope.join(' ');
    const userId = current.owner.user.id;
    const grant = 'token_exchange';
    const made = { userId, client, authorizationId: id, grant, scope, audience, seconds };
    await answerWithToken(provider, ctx, makeAccessToken(provider, made), {
      proof,
      // A narrower scope stays its ceiling; its authorization has the same one.
      memory: { live: names === undefined },
      authorizationId: id,
      scope,
      holds: seen,
      issuedTokenType: accessTokenType,
    });
  }
}

/** Says what the exchange may give at most; refuses what the subject token does not allow there. Pure. */
function decideCeiling(
  { scope }: ExchangeRequest,
  { token, rights: { effective, world }, from }: Subject,
  audience: Audience,
): { readonly kind: 'found'; readonly ceiling: HandedOn } | ExchangeRefusal {
  const to = placeOf(audience);
  const whole: HandedOn = { names: token.ceiling, from, to };
  const available = seenBy(effectiveUnder(whole, effective, world.catalogue), to, world.catalogue);
  if (!available || available.scope.length === 0) return { kind: 'nothing_left' };
  const beyond = scope.filter((name) => !available.scope.includes(name));
  if (beyond.length > 0) return { kind: 'beyond', names: beyond };
  if (scope.length === 0) return { kind: 'found', ceiling: whole };
  const ceiling: HandedOn = { ...whole, names: new Set(scope) };
  const left = seenBy(effectiveUnder(ceiling, effective, world.catalogue), to, world.catalogue);
  return left && left.scope.length > 0 ? { kind: 'found', ceiling } : { kind: 'nothing_left' };
}

function parentsAbove({ parent }: Rights): number {
  return parent === undefined ? 0 : 1 + parentsAbove(parent);
}
