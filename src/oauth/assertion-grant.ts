/**
 * jwt-bearer with an identity assertion (ID-JAG): an identity provider that the operator trusts hands over in a person's place. Owns the
 * order of the checks; what holds is in the pure files beside it.
 *
 * The first assertion for a person, client, issuer and resource sets an authorization up, which its owner finds on their page. Those
 * that follow find it as it stands: none ever widens it, prolongs it, resumes it, or brings it back once it has ended.
 * @see draft-ietf-oauth-identity-assertion-authz-grant section 4.4, RFC 7523
 */
import type Provider from 'oidc-provider';
import { errors, type TokenEndpointGrantContext } from 'oidc-provider';
import * as helpers from 'oidc-provider/lib/helpers/grants.js';
import type { AssertedKey, AssertedStore } from '../authorizations/asserted-store.ts';
import { standingOf } from '../authorizations/to-granted.ts';
import type { Actor } from '../changes/change-log.ts';
import type { ClientStore, StoredClient } from '../clients/client-store.ts';
import type { Clock } from '../clock.ts';
import type { LiveAccess } from '../directory/live-access.ts';
import type { WorldSource } from '../directory/world.ts';
import type { ApprovalStore } from '../policies/approval-store.ts';
import { standingOf as standingOfClient } from '../policies/client-standing.ts';
import type { PolicyStore } from '../policies/policy-store.ts';
import { withoutAdministration } from '../policy/administration.ts';
import type { Seen } from '../policy/audience.ts';
import { clientRefusal } from '../policy/client-permission.ts';
import { decideConsent } from '../policy/consent-decision.ts';
import { approvalsToAsk } from '../policy/limits.ts';
import { narrowTo } from '../policy/narrow.ts';
import type { Catalogue } from '../policy/vocabulary.ts';
import { answerWithToken, makeAccessToken, type Proof } from './answer-with-token.ts';
import { ceilingOf, choiceOf, decideIndicator, mayReach } from './assertion-choice.ts';
import {
  type Asserted,
  decideAssertion,
  decideIssuer,
  readAssertion,
  toleranceSeconds,
} from './assertion-decision.ts';
import { type AssertionIssuer, actorOf } from './assertion-issuer.ts';
import { createAssertionKeys } from './assertion-keys.ts';
import { type AssertionRefusal, errorOf, retryAfterSeconds } from './assertion-refusal.ts';
import { type AssertionSubjectDependencies, findSubject } from './assertion-subject.ts';
import type { AuthorizationRights, Rights } from './authorization-rights.ts';
import type { Audience, Resources } from './resources.ts';
import { parametersOf, readScope } from './scopes.ts';
import { tokenView } from './token-view.ts';

export interface AssertionGrantDependencies extends AssertionSubjectDependencies {
  readonly issuer: string;
  readonly clock: Clock;
  readonly catalogue: Catalogue;
  readonly store: Parameters<typeof createAssertionKeys>[0]['store'];
  /** Nobody is trusted unless told otherwise. */
  readonly assertionIssuers?: readonly AssertionIssuer[] | undefined;
  readonly clients: Pick<ClientStore, 'find'>;
  readonly asserted: AssertedStore;
  readonly worldSource: WorldSource;
  readonly policies: Pick<PolicyStore, 'read'>;
  readonly approvals: Pick<ApprovalStore, 'follow'>;
  readonly rights: AuthorizationRights;
  readonly resources: Resources;
  /** Says from where a request came. */
  readonly actorOf: (ctx: TokenEndpointGrantContext) => Actor;
}

/** Everything that is known once the assertion holds. */
interface Held {
  readonly issuer: AssertionIssuer;
  readonly asserted: Asserted;
  readonly client: StoredClient;
  readonly person: LiveAccess;
  readonly audience: Audience;
  /** Capability names that the token never goes beyond. */
  readonly ceiling: readonly string[];
}

type Step<T> = Promise<({ readonly kind: 'found' } & T) | AssertionRefusal>;

/** Creates the handler of the grant. */
export function createAssertionGrant(provider: Provider, deps: AssertionGrantDependencies) {
  const { clock, assertionIssuers = [] } = deps;
  const keys = createAssertionKeys({ ...deps, assertionIssuers });

  return async (ctx: TokenEndpointGrantContext): Promise<void> => {
    const proof = await helpers.validateDpop(provider, ctx);
    helpers.checkDpopRequired(provider, ctx, proof);
    const held = await hold(ctx, proof);
    if (held.kind !== 'found') throw refused(ctx, held);
    const authorized = await authorize(ctx, held);
    if (authorized.kind !== 'found') throw refused(ctx, authorized);
    await issue(ctx, held, authorized, proof);
  };

  function refused(ctx: TokenEndpointGrantContext, refusal: AssertionRefusal): errors.OIDCProviderError {
    if (refusal.kind === 'keys_unavailable') ctx.set('Retry-After', String(retryAfterSeconds));
    return errorOf(refusal);
  }

  /** Whether the assertion holds, here and now, once; whom it is about and for which resource. */
  async function hold(ctx: TokenEndpointGrantContext, proof: Proof): Step<Held> {
    const { client } = ctx.oidc;
    const params = parametersOf(ctx);
    if (!client) throw new errors.InvalidClient('no client');
    if (assertionIssuers.length === 0) return { kind: 'nobody_trusted' };
    const known = await deps.clients.find(client.clientId);
    // Whatever its metadata says: who registered itself has shown nobody anything.
    if (known?.kind !== 'registered' || client.clientAuthMethod === 'none') {
      return { kind: 'client_not_confidential' };
    }
    const read = readAssertion(params.assertion);
    if (!read) return { kind: 'not_a_jwt' };
    const found = decideIssuer(read, assertionIssuers, client.clientId);
    if (found.kind !== 'issuer') return found;
    const { issuer } = found;
    const signed = await keys.signed(issuer, String(params.assertion));
    if (signed === 'not_signed') return { kind: 'wrong_signature' };
    if (signed !== 'signed') return { kind: 'keys_unavailable', issuer: issuer.issuer };
    const verdict = decideAssertion(read.claims, {
      issuer: deps.issuer,
      clientId: client.clientId,
      jkt: proof?.thumbprint,
      now: clock.now(),
    });
    if (verdict.kind !== 'asserted') return verdict;
    const { asserted } = verdict;
    if (proof) {
      await helpers.checkDpopReplay(provider, ctx, proof, client.clientId, errors.InvalidRequest);
    }
    // Once, whatever is answered from here on (RFC 7523 section 3).
    const end = asserted.expiresAt + toleranceSeconds;
    if (!(await provider.ReplayDetection.unique(`${issuer.issuer} `, asserted.jti, end))) {
      return { kind: 'replayed' };
    }

    const subject = await findSubject(deps, issuer, asserted);
    if (subject.kind !== 'person') return subject;
    const resource = await findAudience(asserted, [params.resource ?? []].flat() as string[], issuer);
    if (resource.kind !== 'found') return resource;
    const ceiling = ceilingOf(asserted.scope, readScope(params.scope), issuer, deps.catalogue);
    if (ceiling.length === 0) return { kind: 'nothing_to_hand_over' };
    const { person } = subject;
    return { kind: 'found', issuer, asserted, client: known, person, audience: resource.audience, ceiling };
  }

  async function findAudience(
    { resources }: Asserted,
    requested: readonly string[],
    issuer: AssertionIssuer,
  ): Step<{ audience: Audience }> {
    const named = decideIndicator(resources, requested);
    if (named.kind !== 'indicator') return named;
    const { indicator } = named;
    const audience = await (indicator === undefined
      ? deps.resources.defaultApi()
      : deps.resources.resolve(indicator));
    // Mandate's own API is for people and keys of theirs.
    if (!audience || audience.administration) return { kind: 'wrong_resource', why: 'unknown' };
    // Spellings are one and the same for as long as they mean the same.
    const meant = (spellings: readonly string[]) =>
      Promise.all(spellings.map(async (one) => (await deps.resources.resolve(one))?.uri));
    if ((await meant(requested)).some((uri) => uri !== audience.uri)) {
      return { kind: 'wrong_resource', why: 'not_one' };
    }
    if (resources.length > 0 && !(await meant(resources)).includes(audience.uri)) {
      return { kind: 'wrong_resource', why: 'not_asserted' };
    }
    if (!mayReach(issuer, audience.uri)) return { kind: 'wrong_resource', why: 'not_listed' };
    return { kind: 'found', audience };
  }

  /** Finds the authorization as it stands, or sets the first one up; and what of it is left for this token. */
  async function authorize(
    ctx: TokenEndpointGrantContext,
    held: Held,
  ): Step<{ readonly id: string; readonly seen: Seen }> {
    const { issuer, client, person, audience } = held;
    const key = {
      userId: person.user.id,
      clientId: client.id,
      issuer: issuer.issuer,
      resource: audience.uri,
    };
    const known = await deps.asserted.find(key);
    const made = known ? { kind: 'found' as const, id: known.id } : await setUp(ctx, held, key);
    if (made.kind !== 'found') return made;
    const current = await deps.rights.of(made.id);
    const standing = judge(current, `${deps.issuer}/account/authorizations/${made.id}`);
    if (standing) return standing;
    const whole = current && tokenView(current, audience);
    const seen = whole && narrowTo(whole, new Set(held.ceiling));
    if (!seen) {
      const awaitsApproval =
        current?.effective.withheld.some(({ reason }) => reason === 'approval_pending') ?? false;
      return { kind: 'nothing_left', awaitsApproval };
    }
    return { kind: 'found', id: made.id, seen };
  }

  async function setUp(
    ctx: TokenEndpointGrantContext,
    { issuer, asserted, client, person, audience }: Held,
    key: AssertedKey,
  ): Step<{ readonly id: string }> {
    const [world, { policy }] = await Promise.all([deps.worldSource.whole(), deps.policies.read()]);
    if (clientRefusal(standingOfClient(client), policy.clients)) return { kind: 'client_not_permitted' };
    // To administer Mandate is never handed over without its person.
    const { live } = withoutAdministration(person);
    const decision = decideConsent(choiceOf(asserted, issuer, audience, { live, world }), live, world);
    if (decision.kind === 'refused') return { kind: 'nothing_to_hand_over' };
    const { granted } = decision;
    const { origin } = deps.actorOf(ctx);
    const actor: Actor = { id: actorOf(issuer), ...(origin !== undefined && { origin }) };
    const { id } = await deps.asserted.make(
      actor,
      key,
      { ...granted, asked: granted.capabilities, expiresAt: null },
      (trx, made) =>
        deps.approvals.follow(trx, actor, made, {
          granted: granted.capabilities,
          asked: approvalsToAsk(granted.capabilities, policy, new Map()),
          justification: `asserted by ${issuer.label} (${issuer.issuer})`,
        }),
    );
    return { kind: 'found', id };
  }

  function judge(current: Rights | undefined, page: string): AssertionRefusal | undefined {
    if (!current) return { kind: 'ended', page };
    if (current.owner.live.status !== 'active') return { kind: 'owner_suspended' };
    switch (standingOf(current.authorization, clock.now())) {
      case 'suspended':
        return { kind: 'authorization_suspended' };
      case 'revoked':
      case 'expired':
        return { kind: 'ended', page };
      case 'active':
        break;
    }
    switch (current.limits.everything) {
      case undefined:
        return undefined;
      case 'too_old':
        return { kind: 'too_old', page };
      case 'client_not_permitted':
        return { kind: 'client_not_permitted' };
    }
  }

  /** No refresh token: whoever asserts decides again how long it goes on (the draft's section 4.4.3). */
  async function issue(
    ctx: TokenEndpointGrantContext,
    held: Held,
    { id, seen }: { readonly id: string; readonly seen: Seen },
    proof: Proof,
  ): Promise<void> {
    const { client } = ctx.oidc;
    if (!client) throw new errors.InvalidClient('no client');
    const { audience, ceiling, issuer, person } = held;
    const token = makeAccessToken(provider, {
      userId: person.user.id,
      client,
      authorizationId: id,
      grant: 'jwt_bearer',
      scope: ceiling.join(' '),
      audience,
      seconds: issuer.tokenSeconds,
    });
    await answerWithToken(provider, ctx, token, {
      proof,
      // Follows its authorization up to its ceiling: what its owner adds within it shows at once.
      memory: { live: false },
      authorizationId: id,
      scope: seen.scope.join(' '),
      holds: seen,
    });
  }
}
