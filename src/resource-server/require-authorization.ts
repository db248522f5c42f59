import { type GuardedRequest, readCredential } from './bearer-token.ts';
import { type BearerError, bearerChallenge } from './challenge.ts';
import type { ActiveIntrospection, Introspect, Introspection } from './introspection.ts';
import { isIntrospectionUnavailable } from './introspection-unavailable.ts';
import { protectedResourceMetadataUrl } from './resource-metadata.ts';
import type { UseReporter } from './use-reporter.ts';
import { judge, neededScopes, type Requirement } from './verdict.ts';
import { wideningLink } from './widening-link.ts';

/** The resource that is guarded. What is required here is required of every request. */
export interface GuardOptions extends Requirement {
  readonly introspect: Introspect;
  /** URL of the resource, as registered with Mandate: the audience of its tokens. */
  readonly resource: string;
  /** Told what tokens are used for: `createUseReporter(…)`. */
  readonly uses?: Pick<UseReporter, 'note'>;
  /** Where its metadata is; the well-known place of RFC 9728 by default. */
  readonly resourceMetadataUrl?: string;
}

/** JSON body of a refusal. */
export interface RefusalBody {
  readonly error?: BearerError | 'temporarily_unavailable';
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
  const { introspect, resource } = options;
  const resourceMetadataUrl = options.resourceMetadataUrl ?? protectedResourceMetadataUrl(resource);

  return {
    async authorize(request, requirement = {}) {
      const both = combine(options, requirement);
      const challenge = (
        status: 400 | 401 | 403,
        description: string,
        error?: BearerError,
        authorizationPage?: string,
      ): Refusal => {
        const scopes = neededScopes(both);
        return {
          kind: 'challenge',
          status,
          headers: {
            'WWW-Authenticate': bearerChallenge({
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

      const credential = readCredential(request);
      switch (credential.kind) {
        case 'none':
          // RFC 6750 section 3.1: no error code for a request that carried no authentication.
          return challenge(401, 'An access token is needed: Authorization: Bearer …');
        case 'in_query':
          return challenge(400, 'Send the access token in the Authorization header only', 'invalid_request');
        case 'malformed':
          return challenge(401, 'The Authorization header is not a bearer token', 'invalid_token');
      }

      let introspection: Introspection;
      try {
        introspection = await introspect(credential.token);
      } catch (error) {
        if (!isIntrospectionUnavailable(error)) throw error;
        return unavailable(error.retryAfterSeconds);
      }
      if (!introspection.active) return challenge(401, 'The token is not active', 'invalid_token');

      const verdict = judge(introspection, resource, both);
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
            wideningLink(introspection, resource, both),
          );
      }
    },
  };
}

/** What the guard always needs and what the operation needs; the operation's own word wins on capability and project. */
function combine(always: Requirement, operation: Requirement): Requirement {
  const { capability = always.capability, project = always.project } = operation;
  return {
    scopes: [...(always.scopes ?? []), ...(operation.scopes ?? [])],
    mcpServer: always.mcpServer === true || operation.mcpServer === true,
    ...(capability !== undefined && { capability }),
    ...(project !== undefined && { project }),
  };
}

function unavailable(retryAfterSeconds: number): Refusal {
  return {
    kind: 'unavailable',
    status: 503,
    headers: { 'Retry-After': String(retryAfterSeconds), 'Cache-Control': 'no-store' },
    body: {
      error: 'temporarily_unavailable',
      error_description: 'It cannot be told now what this token may do; try again',
    },
  };
}
