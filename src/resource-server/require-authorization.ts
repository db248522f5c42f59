import { type GuardedRequest, readCredential, type TokenScheme } from './bearer-token.ts';
import { bearerChallenge, type ChallengeError, dpopChallenge } from './challenge.ts';
import type { CheckedProof } from './dpop-proof.ts';
import type { DpopVerifier } from './dpop-verifier.ts';
import type { ActiveIntrospection, Introspect, Introspection } from './introspection.ts';
import {
  type IntrospectionUnavailable,
  isIntrospectionUnavailable,
  isQuestionRefused,
} from './introspection-unavailable.ts';
import { protectedResourceMetadataUrl } from './resource-metadata.ts';
import type { UseReporter } from './use-reporter.ts';
import { hasEmptyName, judge, neededScopes, type Requirement } from './verdict.ts';
import { wideningLink } from './widening-link.ts';

/** The resource that is guarded. What is required here is required of every request. */
export interface GuardOptions extends Requirement {
  readonly introspect: Introspect;
  /** URL of the resource, as registered with Mandate: the audience of its tokens. */
  readonly resource: string;
  /** Told what tokens are used for: `createUseReporter(…)`. */
  readonly uses?: Pick<UseReporter, 'note'>;
  /** Takes tokens that are bound to a key (RFC 9449) too: `createDpopVerifier()`. Without it they are refused. */
  readonly dpop?: DpopVerifier;
  /** Where its metadata is; the well-known place of RFC 9728 by default. */
  readonly resourceMetadataUrl?: string;
}

/** JSON body of a refusal. */
export interface RefusalBody {
  readonly error?: ChallengeError | 'temporarily_unavailable';
  readonly error_description: string;
  readonly scope?: string;
  /** Where the token's owner can add what it lacks: show it to the person behind the tool. */
  readonly authorization_page?: string;
}

/** A request that must be answered with this. */
export type Refusal =
  | {
      readonly kind: 'challenge';
      readonly status: 400 | 401 | 403;
      readonly headers: { readonly 'WWW-Authenticate': string; readonly 'Cache-Control': string };
      readonly body: RefusalBody;
    }
  | {
      readonly kind: 'unavailable';
      readonly status: 503;
      readonly headers: { readonly 'Retry-After': string; readonly 'Cache-Control': string };
      readonly body: RefusalBody;
      /** Why it cannot be told, to be logged; absent where it is the memory of proofs that is full. */
      readonly cause?: IntrospectionUnavailable;
    };

export type Outcome = { readonly kind: 'allowed'; readonly authorization: ActiveIntrospection } | Refusal;

export interface Guard {
  /**
   * Decides one request, by asking what its token may do now.
   *
   * @param requirement - what this operation needs, added to what the guard always needs
   */
  authorize(request: GuardedRequest, requirement?: Requirement): Promise<Outcome>;
}

/**
 * Guards a resource: every request is introspected, judged, and either allowed or answered with a challenge of
 * RFC 6750 that names the metadata of RFC 9728. Framework-neutral; koa.ts, express.ts, fastify.ts, hono.ts and
 * node.ts put it in place.
 */
export function requireAuthorization(options: GuardOptions): Guard {
  const { introspect, resource, dpop } = options;
  const resourceMetadataUrl = options.resourceMetadataUrl ?? protectedResourceMetadataUrl(resource);

  return {
    async authorize(request, requirement = {}) {
      const both = combine(options, requirement);
      const credential = readCredential(request, { dpop: dpop !== undefined });
      const scheme = credential.kind === 'token' ? credential.scheme : 'Bearer';
      const challenge = (
        status: 400 | 401 | 403,
        description: string,
        error?: ChallengeError,
        authorizationPage?: string,
      ): Refusal => {
        const scopes = neededScopes(both);
        return {
          kind: 'challenge',
          status,
          headers: {
            'WWW-Authenticate': challenges(scheme, dpop?.algorithms, {
              error,
              description: error && description,
              scopes,
              resourceMetadataUrl,
              authorizationPage,
            }),
            'Cache-Control': 'no-store',
          },
          body: {
            ...(error && { error }),
            error_description: description,
            ...(error === 'insufficient_scope' && { scope: scopes.join(' ') }),
            ...(authorizationPage !== undefined && { authorization_page: authorizationPage }),
          },
        };
      };

      switch (credential.kind) {
        case 'none':
          // RFC 6750 section 3.1: no error code for a request that carried no authentication.
          return challenge(401, 'An access token is needed: Authorization: Bearer …');
        case 'in_query':
          return challenge(400, 'Send the access token in the Authorization header only', 'invalid_request');
        case 'malformed':
          return challenge(401, 'The Authorization header is not a bearer token', 'invalid_token');
      }

      let proof: CheckedProof | undefined;
      if (dpop && credential.scheme === 'DPoP') {
        const checked = await dpop.check(request, resource, credential.token);
        if (checked.kind !== 'proof') return challenge(401, checked.description, checked.kind);
        proof = checked;
      }

      let introspection: Introspection;
      try {
        introspection = await introspect(credential.token);
      } catch (error) {
        if (!isIntrospectionUnavailable(error)) throw error;
        return unavailable(error.retryAfterSeconds, error);
      }
      if (!introspection.active) return challenge(401, 'The token is not active', 'invalid_token');

      let judged = [requirement, options].find(hasEmptyName) ?? both;
      let verdict = judge(introspection, resource, judged, proof?.thumbprint);
      if (verdict.kind === 'allowed' && options.project !== undefined) {
        // The operation may have named another one.
        judged = options;
        verdict = judge(introspection, resource, judged, proof?.thumbprint);
      }
      if (dpop && proof && verdict.kind !== 'invalid_token') {
        // Only now: nobody but the holder of a living token may fill the memory of proofs.
        const remembered = await dpop.spend(proof);
        if (remembered === 'seen') return challenge(401, 'The proof was used before', 'invalid_dpop_proof');
        if (remembered === 'unknown') return unavailable(1);
      }
      switch (verdict.kind) {
        case 'allowed':
          options.uses?.note(introspection, resource, both);
          return { kind: 'allowed', authorization: introspection };
        case 'invalid_token':
          return challenge(401, verdict.description, verdict.kind);
        case 'insufficient_scope':
          return challenge(
            403,
            verdict.description,
            verdict.kind,
            hasEmptyName(judged) ? undefined : wideningLink(introspection, resource, judged),
          );
      }
    },
  };
}

/** Where both kinds of token are taken, a request that brought no proof is told of both (RFC 9449 section 7.2). */
function challenges(
  scheme: TokenScheme,
  algorithms: readonly string[] | undefined,
  parameters: Parameters<typeof bearerChallenge>[0],
): string {
  if (algorithms === undefined) return bearerChallenge(parameters);
  if (scheme === 'DPoP') return dpopChallenge(algorithms, parameters);
  return `${bearerChallenge(parameters)}, ${dpopChallenge(algorithms)}`;
}

/**
 * What the guard always needs and what the operation needs. Where both name a capability, that of the guard must hold anywhere; where both
 * name a project, this is about the operation's.
 */
function combine(always: Requirement, operation: Requirement): Requirement {
  const { capability = always.capability, project = always.project } = operation;
  const besides =
    always.capability === undefined || always.capability === capability ? [] : [always.capability];
  return {
    scopes: [...(always.scopes ?? []), ...besides, ...(operation.scopes ?? [])],
    mcpServer: always.mcpServer === true || operation.mcpServer === true,
    ...(capability !== undefined && { capability }),
    ...(project !== undefined && { project }),
  };
}

function unavailable(retryAfterSeconds: number, cause?: IntrospectionUnavailable): Refusal {
  const description =
    cause && isQuestionRefused(cause)
      ? `This API cannot ask what a token may do: its question is refused (${cause.status}), which whoever runs it has to put right`
      : 'It cannot be told now what this token may do; try again';
  return {
    kind: 'unavailable',
    status: 503,
    headers: { 'Retry-After': String(retryAfterSeconds), 'Cache-Control': 'no-store' },
    body: {
      error: 'temporarily_unavailable',
      error_description: description,
    },
    ...(cause && { cause }),
  };
}
