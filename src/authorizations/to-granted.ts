import { withAdditions } from '../policy/additions.ts';
import type { Granted, Standing } from '../policy/vocabulary.ts';
import type { Authorization } from './authorization.ts';

/** The part of an authorization that the rule looks at. */
export type GrantedSource = Pick<
  Authorization,
  'status' | 'expiresAt' | 'capabilities' | 'roles' | 'projects' | 'mcpServers' | 'additions'
>;

/**
 * Says what an authorization grants, in the words of the rule: for good, and for a while. Pure.
 * @param now integer seconds; from `expiresAt` on it has expired, from the `until` of an addition on that one is over
 */
export function toGranted(authorization: GrantedSource, now: number): Granted {
  const { capabilities, roles, projects, mcpServers, additions } = authorization;
  const standing = standingOf(authorization, now);
  return withAdditions({ standing, capabilities, roles, projects, mcpServers }, additions, now);
}

/** Tells whether an authorization still stands; what somebody ended or paused counts before the end of its time. Pure. */
export function standingOf(
  { status, expiresAt }: Pick<GrantedSource, 'status' | 'expiresAt'>,
  now: number,
): Standing {
  if (status !== 'active') return status;
  return expiresAt !== null && expiresAt <= now ? 'expired' : 'active';
}
