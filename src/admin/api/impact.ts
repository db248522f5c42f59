/**
 * What a change would cut, before it is made: the same rule, asked about rights as they are and as they would be. Owns which
 * authorizations to ask about; decides nothing.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Kysely } from 'kysely';
import type { Database } from '../../../db/schema.ts';
import {
  type OwnedAuthorization,
  standingAuthorizations,
  type Touched,
} from '../../authorizations/everyones.ts';
import { toGranted } from '../../authorizations/to-granted.ts';
import type { LiveAccess } from '../../directory/live-access.ts';
import { effective } from '../../policy/effective.ts';
import { noLimits } from '../../policy/limits.ts';
import type { Policy } from '../../policy/policy.ts';
import { type Lost, lostBetween, type Supposition, suppose, supposedPolicy } from '../../policy/suppose.ts';
import type { World } from '../../policy/vocabulary.ts';
import { wholeOf } from '../../policy/whole.ts';
import type { AdminDeps } from './operation.ts';

/** One authorization that would lose something. */
export interface Cut {
  readonly authorization: OwnedAuthorization;
  readonly lost: readonly Lost[];
  /** Nothing would be left of it. */
  readonly everything: boolean;
}

export interface Impact {
  readonly cuts: readonly Cut[];
  /** There were more authorizations than are looked at in one go: the count is a lower bound. */
  readonly incomplete: boolean;
  /** Names for what is lost. */
  readonly world: World;
}

/** Authorizations that one answer looks at. */
const mostLookedAt = 2_000;
/** Of a person who would hold nothing any more: what they handed out is counted by itself (`departure`). */
const mostOfOne = 500;

/** Asks what a change would cut. */
export async function impactOf(
  {
    store,
    liveAccess,
    worldSource,
    clock,
    policies,
    policyLimits,
  }: Pick<AdminDeps, 'store' | 'liveAccess' | 'worldSource' | 'clock' | 'policies' | 'policyLimits'>,
  supposition: Supposition,
): Promise<Impact> {
  const now = clock.now();
  const [{ policy }, world] = await Promise.all([policies.read(), worldSource.whole()]);
  const touched = await touchedBy(store.db, supposition, { policy, now });
  const most = supposition.kind === 'user_suspended' ? mostOfOne : mostLookedAt;
  const found = await standingAuthorizations(store.db, touched, { now, limit: most + 1 });
  const [limits, limitsThen] = await Promise.all([
    policyLimits.ofAll(found, policy),
    policyLimits.ofAll(found, supposedPolicy(supposition, policy)),
  ]);
  const owners = new Map<string, LiveAccess | undefined>();
  const cuts: Cut[] = [];
  for (const [index, authorization] of found.slice(0, most).entries()) {
    // Others are answered in between.
    if (index % 200 === 199) await new Promise((resume) => setImmediate(resume));
    const { userId } = authorization;
    if (!owners.has(userId)) owners.set(userId, await liveAccess.read(userId));
    const owner = owners.get(userId);
    if (!owner) continue;
    const { live, assigned } = owner;
    const after = suppose(supposition, { id: userId, live, assigned }, world);
    const stored = toGranted(authorization, now);
    const { followsOwner } = authorization;
    const before = effective(
      followsOwner ? wholeOf(owner.live, world, owner.assigned) : stored,
      owner.live,
      world,
      limits.get(authorization.id) ?? noLimits,
    );
    const then = effective(
      followsOwner ? wholeOf(after.live, after.world, after.assigned) : stored,
      after.live,
      after.world,
      limitsThen.get(authorization.id) ?? noLimits,
    );
    const lost = lostBetween(before, then);
    const everything =
      then.organization.length === 0 &&
      then.mcpServers.length === 0 &&
      then.projects.every(({ actions }) => actions.length === 0);
    if (lost.length > 0) cuts.push({ authorization, lost, everything });
  }
  return { cuts, incomplete: found.length > most, world };
}

async function touchedBy(
  db: Kysely<Database>,
  supposition: Supposition,
  { policy, now }: { policy: Policy; now: number },
): Promise<Touched> {
  switch (supposition.kind) {
    case 'user_suspended':
    case 'role_unassigned':
      return { userIds: [supposition.user] };
    case 'role_changed':
      return { holdersOf: supposition.role, mentioned: [supposition.role] };
    case 'project_deleted': {
      // mcp_servers_by_project: a server can be picked without its project
      const servers = await db
        .selectFrom('mcp_servers')
        .select('id')
        .where('project_id', '=', supposition.project)
        .execute();
      return { mentioned: [supposition.project, ...servers.map(({ id }) => id)] };
    }
    case 'mcp_server_disabled':
      return { mentioned: [supposition.mcpServer] };
    case 'policy_changed':
      return touchedByPolicy(policy, supposition.policy, now);
  }
}

/**
 * Says which authorizations a policy could cut that is not in force yet: those that are too old for a shorter lifetime, those that
 * carry a capability of which more is asked, and all of one kind when clients are judged anew.
 */
function touchedByPolicy(before: Policy, after: Policy, now: number): Touched {
  const shorter = (was: number | null, is: number | null): is is number =>
    is !== null && (was === null || is < was);
  const renewedBy = (['oauth2', 'api_key'] as const).flatMap((kind) => {
    const longest = after.longest[kind];
    return shorter(before.longest[kind], longest) ? [{ kind, at: now - longest }] : [];
  });
  const carrying = [...after.capabilities].flatMap(([name, { longest, approval }]) => {
    const was = before.capabilities.get(name);
    const stricter = shorter(was?.longest ?? null, longest) || (approval && !was?.approval);
    return stricter ? [name] : [];
  });
  const sameClients = isDeepStrictEqual(before.clients, after.clients);
  return {
    carrying,
    renewedBy: sameClients ? renewedBy : [...renewedBy, { kind: 'oauth2', at: now }],
  };
}
