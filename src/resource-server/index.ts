/**
 * What a resource server needs to take Mandate's tokens: ask what a token may do now, judge it, answer a refusal
 * by the RFCs. Web standards only; no dependency on the rest of Mandate or on any package.
 */
export { type Credential, type GuardedRequest, readCredential, type TokenScheme } from './bearer-token.ts';
export {
  type CachedIntrospector,
  type CachedIntrospectorOptions,
  createCachedIntrospector,
} from './cached-introspector.ts';
export { bearerChallenge, dpopChallenge } from './challenge.ts';
export type { ChangeStreamOptions } from './change-listener.ts';
export type { ClientCredentials, PrivateKey } from './client-authentication.ts';
export type { CheckedProof, ProofOutcome } from './dpop-proof.ts';
export { createDpopVerifier, type DpopVerifier, type DpopVerifierOptions } from './dpop-verifier.ts';
export { expressAuthorization } from './express.ts';
export { fastifyAuthorization } from './fastify.ts';
export { honoAuthorization } from './hono.ts';
export type {
  ActiveIntrospection,
  AuthorizationDetail,
  Introspect,
  Introspection,
  McpServerAccess,
  ProjectAccess,
  WithheldItem,
} from './introspection.ts';
export { IntrospectionUnavailable, isIntrospectionUnavailable } from './introspection-unavailable.ts';
export { createIntrospector, type IntrospectorOptions } from './introspector.ts';
export { type KoaContext, koaAuthorization } from './koa.ts';
export {
  createMcpTokenVerifier,
  type McpAuthInfo,
  mcpAuthInfo,
  type TokenRefusal,
} from './mcp-token-verifier.ts';
export { authorizeNode } from './node.ts';
export { createReplayMemory, type Remembered, type ReplayStore } from './replay-memory.ts';
export {
  type Guard,
  type GuardOptions,
  type Outcome,
  type Refusal,
  requireAuthorization,
} from './require-authorization.ts';
export {
  type ProtectedResourceMetadata,
  protectedResourceMetadata,
  protectedResourceMetadataPath,
  protectedResourceMetadataUrl,
} from './resource-metadata.ts';
export type { SigningAlgorithm } from './signing-algorithms.ts';
export { createUseReporter, type UseReporter, type UseReporterOptions } from './use-reporter.ts';
export { judge, mcpServerAt, projectAccess, type Requirement, scopesOf, type Verdict } from './verdict.ts';
